package jobqueue

import (
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// listStrategy takes by BRPOP and RPOP. Nothing remembers what it took.
type listStrategy struct {
	c *consumer
	// What was asked for, for answer.
	all   bool // BRPOP over all queues
	block bool
	max   int
	// rest is the queue that answered a BRPOP over several: the rest of the
	// batch is asked of it with the next write. -1 when none is due.
	rest int
}

// ask appends the commands that pop up to max jobs. Redis holds back what
// follows a BRPOP until that is answered, so the RPOP sees the list as it is
// then. Which of several queues will answer is not known yet, so that their
// RPOP has to wait for the answer.
func (t *listStrategy) ask(queue, max int, block time.Duration) {
	c := t.c
	if t.rest >= 0 {
		queue, block, t.rest = t.rest, 0, -1
	}
	t.all, t.block, t.max = block > 0 && len(c.queues) > 1, block > 0, max
	key, out := c.client.lanes.queues[queue], c.w.Out
	if block > 0 {
		if t.all {
			out = resp.AppendHead(out, 2+len(c.queues))
			out = append(out, "$5\r\nBRPOP\r\n"...)
			for _, i := range c.queues {
				out = resp.AppendWord(out, c.client.lanes.queues[i])
			}
		} else {
			out = append(out, "*3\r\n$5\r\nBRPOP\r\n"...)
			out = resp.AppendWord(out, key)
		}
		out = appendSeconds(out, block, c.client.fractions)
		max--
	}
	switch {
	case max == 0 || t.all:
	case c.client.popsMany:
		out = append(out, "*3\r\n$4\r\nRPOP\r\n"...)
		out = resp.AppendWord(out, key)
		out = resp.AppendNumber(out, int64(max))
	default:
		for range max {
			out = append(out, "*2\r\n$4\r\nRPOP\r\n"...)
			out = resp.AppendWord(out, key)
		}
	}
	c.w.Out = out
}

// appendSeconds appends a BRPOP's timeout. Servers before 6.0 want whole
// seconds, and 0 would mean for ever.
func appendSeconds(out []byte, d time.Duration, fractions bool) []byte {
	if !fractions {
		return resp.AppendNumber(out, int64(max(1, d.Round(time.Second)/time.Second)))
	}
	var text [32]byte
	return resp.AppendWord(out, strconv.AppendFloat(text[:0], max(d, time.Millisecond).Seconds(), 'f', 3, 64))
}

// answer reads what ask asked for.
func (t *listStrategy) answer() (again bool, err error) {
	c, max := t.c, t.max
	if t.block {
		n, err := c.w.In.Array()
		if err != nil {
			return false, err
		}
		if n == 2 {
			key, err := c.w.In.Bulk()
			if err != nil {
				return false, err
			}
			if t.all && max > 1 {
				t.rest = c.indexOf(key)
			}
			if _, _, err := c.take(); err != nil {
				return false, err
			}
		} else if n != -1 {
			return false, resp.ProtocolError("%d elements for BRPOP", n)
		}
		max--
	}
	switch {
	case max == 0 || t.all:
	case c.client.popsMany:
		n, err := c.w.In.Array()
		if err != nil {
			return false, err
		}
		for range n {
			if _, _, err := c.take(); err != nil {
				return false, err
			}
		}
	default:
		for range max {
			if _, _, err := c.take(); err != nil {
				return false, err
			}
		}
	}
	return t.rest >= 0, nil
}

// over says nothing: the list has forgotten the jobs when they were popped.
func (t *listStrategy) over(int) (answers, said int) { return 0, 0 }

func (t *listStrategy) leave(bool) {}

func (t *listStrategy) unsent(int) { t.rest = -1 }

func (t *listStrategy) moved(c *consumer) { t.c = c }
