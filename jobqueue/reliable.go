package jobqueue

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// A reliable list keeps, beside each queue, one list for each worker with what
// it has in hands. A worker that lives renews a key that would expire by
// itself; what a worker without such a key had in hands goes back to the end of
// the queue where it is taken next. All names share the queue's hash tag, so
// that on a Redis Cluster they lie where the queue lies.

// tagged is the beginning of the names of what belongs to a queue.
func tagged(queue string) string {
	if from := strings.IndexByte(queue, '{'); from >= 0 && strings.IndexByte(queue[from:], '}') > 1 {
		return queue
	}
	return "{" + queue + "}"
}

// The names of what a reliable list keeps. A home is what all of them begin with
// that belongs together: see [Client.home].
func workersKey(home string) string   { return tagged(home) + ":workers" }
func reaperKey(home string) string    { return tagged(home) + ":reaper" }
func aliveKey(home, id string) string { return tagged(home) + ":alive:" + id }
func (c *Client) processingKey(queue int, id string) string {
	key := tagged(c.home(queue)) + ":processing:" + id
	if len(c.lanes.queues) > 1 && !c.crossSlot {
		key += fmt.Sprintf(":%d", queue)
	}
	return key
}

// workerID is a name that no two workers share.
func workerID() string { return strings.ToLower(rand.Text()[:16]) }

// reliableTaker takes by BLMOVE and LMOVE.
type reliableTaker struct {
	c      *consumer
	id     string
	home   string   // of all its queues
	lists  []string // in hands, by queue
	held   held
	signed time.Time // of the last sign of life
	unread bool      // a sign whose answers were not read yet
	// What was asked for, for answer.
	queue, max int
	release    func()
}

func (c *Client) openReliable(ctx context.Context, n *consumer) (taker, error) {
	home := c.home(n.queues[0])
	release, err := c.reapWhileOpen(ctx, home)
	if err != nil {
		return nil, err
	}
	t := &reliableTaker{c: n, id: workerID(), home: home, release: release}
	for i := range c.lanes.queues {
		t.lists = append(t.lists, c.processingKey(i, t.id))
	}
	return t, nil
}

// ask appends the commands that move up to max jobs. The sign of life goes with
// them, so that no job is ever in the hands of a worker that has given none. It
// lasts until Visibility after the job was taken, and longer: for a quarter of
// it no new one is given, and for another quarter a BLMOVE may block.
func (t *reliableTaker) ask(queue, max int, block time.Duration) {
	c, out := t.c, t.c.w.Out
	visibility := c.client.cfg.Visibility
	if now := time.Now(); now.Sub(t.signed) > visibility/4 {
		out = append(out, "*3\r\n$4\r\nSADD\r\n"...)
		out = resp.AppendWord(out, workersKey(t.home))
		out = resp.AppendWord(out, t.id)
		out = append(out, "*5\r\n$3\r\nSET\r\n"...)
		out = resp.AppendWord(out, aliveKey(t.home, t.id))
		out = append(out, "$1\r\n1\r\n$2\r\nPX\r\n"...)
		out = resp.AppendNumber(out, (visibility + visibility/2).Milliseconds())
		t.signed, t.unread = now, true
	}
	t.queue, t.max = queue, max
	from, to := c.client.lanes.queues[queue], t.lists[queue]
	for i := range max {
		if i == 0 && block > 0 {
			out = append(out, "*6\r\n$6\r\nBLMOVE\r\n"...)
		} else {
			out = append(out, "*5\r\n$5\r\nLMOVE\r\n"...)
		}
		out = resp.AppendWord(out, from)
		out = resp.AppendWord(out, to)
		out = append(out, "$5\r\nRIGHT\r\n$4\r\nLEFT\r\n"...)
		if i == 0 && block > 0 {
			out = appendSeconds(out, block, true)
		}
	}
	c.w.Out = out
}

func (t *reliableTaker) answer() (again bool, err error) {
	c := t.c
	if t.unread {
		t.unread = false
		if _, err := c.w.In.Integer(); err != nil {
			return false, err
		}
		if _, _, err := c.w.In.Head(); err != nil { // OK
			return false, err
		}
	}
	for range t.max {
		job, ok, err := c.take()
		if err != nil {
			return false, err
		}
		if ok { // an empty text is a job, too
			t.held.push(t.queue, job)
		}
	}
	return false, nil
}

// over removes each job from the worker's list, by its text: the list may have
// been emptied by others who thought us dead, and filled again by us. The oldest
// is at the right end, so it is found at once.
func (t *reliableTaker) over(n int) (answers, said int) {
	for range n {
		h, ok := t.held.pop()
		if !ok {
			break
		}
		out := append(t.c.w.Out, "*4\r\n$4\r\nLREM\r\n"...)
		out = resp.AppendWord(out, t.lists[h.queue])
		out = append(out, "$2\r\n-1\r\n"...)
		t.c.w.Out = resp.AppendWord(out, h.text)
		answers++
	}
	return answers, answers
}

// leave takes the worker off the list of workers, unless it has jobs in hands:
// then it is found there without a sign of life, and they are given to another.
func (t *reliableTaker) leave(inStep bool) {
	t.release()
	if !inStep || t.held.n.Load() > 0 || t.signed.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// What stays because of an error expires, or is removed by the next reaper.
	t.c.client.rdb.SRem(ctx, workersKey(t.home), t.id)
	t.c.client.rdb.Del(ctx, aliveKey(t.home, t.id))
}

// unsent makes the next question give a sign of life: this one may have had it.
func (t *reliableTaker) unsent(n int) {
	t.held.back(n)
	t.signed, t.unread = time.Time{}, false
}

func (t *reliableTaker) moved(c *consumer) { t.c = c }
