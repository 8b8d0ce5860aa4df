package jobqueue

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
)

// pollBlock is how long one BRPOP blocks on a server that cannot unblock it:
// the delay with which a cancelled Pop then returns.
const pollBlock = 100 * time.Millisecond

// consumer pops by BRPOP and publishes, on a connection of its own.
type consumer struct {
	w       *wire
	client  *Client
	jobs    [][]byte
	arena   []byte                   // what jobs point into
	waiting atomic.Pointer[patience] // of the Pop that goes on, nil between two
	ending  atomic.Bool              // Close was called
	watched *patience                // of the context that release is registered for
	release func() bool
}

// patience is a context that Pops wait under. Its address tells whose wait goes
// on: what ends one context must not end a Pop that waits under the next.
type patience struct{ ctx context.Context }

var _ Turner = (*consumer)(nil)

// OpenConsumer returns a consumer on a connection of its own; it implements
// [Turner].
func (c *Client) OpenConsumer(ctx context.Context) (Consumer, error) {
	w, err := openWire(ctx, c.options, c.unblocks)
	if err != nil {
		return nil, err
	}
	return &consumer{w: w, client: c}, nil
}

func (c *consumer) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	return c.Turn(ctx, nil, nil, max, wait)
}

// Publish sends one message and waits for the number of its receivers.
func (c *consumer) Publish(ctx context.Context, message []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.publish(message)
	if err := c.w.flush(); err != nil {
		return 0, c.fault("publish on", c.client.channel, err)
	}
	if err := c.w.expect(0); err != nil {
		return 0, err
	}
	n, err := c.w.in.integer()
	if err != nil {
		return 0, c.fault("publish on", c.client.channel, err)
	}
	return int(n), nil
}

func (c *consumer) publish(message []byte) {
	out := append(c.w.out, "*3\r\n$7\r\nPUBLISH\r\n"...)
	out = appendWord(out, c.client.channel)
	c.w.out = appendWord(out, message)
}

// Turn writes the PUBLISHes, a BRPOP for the first job and an RPOP for the
// others in one go. Redis holds back what follows a BRPOP until that is
// answered, so the RPOP sees the list as it is then.
func (c *consumer) Turn(ctx context.Context, outcomes []Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
	c.jobs, c.arena = c.jobs[:0], c.arena[:0]
	// The order matters: whoever ends ctx sees that we wait, or we see the end.
	c.watch(ctx)
	c.waiting.Store(c.watched)
	defer c.waiting.Store(nil)
	if max > 0 || len(outcomes) == 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if c.ending.Load() {
		return nil, ErrClosed
	}
	for _, o := range outcomes {
		if o.Message != nil {
			c.publish(o.Message)
		}
	}
	// A BRPOP can end before its time: on a server that cannot unblock it is
	// cut into pieces, and an unblocking meant for the Pop before this one can
	// come late. Then what is left of the wait is asked for again.
	var deadline time.Time
	if wait > 0 {
		deadline = time.Now().Add(wait)
	}
	block := wait
	for first := true; first || len(c.jobs) == 0; first = false {
		if !first {
			if block = time.Until(deadline); block < time.Millisecond {
				return nil, c.none(ctx)
			}
		}
		if !c.client.unblocks {
			block = min(block, pollBlock)
		}
		if max > 0 {
			c.ask(max, block)
		}
		if err := c.w.flush(); err != nil {
			return nil, c.fault("pop from", c.client.queue, err)
		}
		if err := c.w.expect(block); err != nil {
			return nil, err
		}
		if first {
			for i, o := range outcomes {
				if o.Message == nil {
					acked(i, -1)
					continue
				}
				n, err := c.w.in.integer()
				if err != nil {
					return nil, c.outOfStep("publish on", c.client.channel, err)
				}
				acked(i, int(n))
			}
		}
		if max == 0 {
			return nil, nil
		}
		if err := c.answer(max, block); err != nil {
			return nil, c.outOfStep("pop from", c.client.queue, err)
		}
		if len(c.jobs) == 0 && (wait <= 0 || ctx.Err() != nil || c.ending.Load()) {
			return nil, c.none(ctx)
		}
	}
	return c.jobs, nil
}

// none is why no job came.
func (c *consumer) none(ctx context.Context) error {
	if c.ending.Load() {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrEmpty
}

// ask appends the commands that pop up to max jobs.
func (c *consumer) ask(max int, block time.Duration) {
	key, out := c.client.queue, c.w.out
	if block > 0 {
		out = append(out, "*3\r\n$5\r\nBRPOP\r\n"...)
		out = appendWord(out, key)
		out = appendSeconds(out, block, c.client.fractions)
		max--
	}
	switch {
	case max == 0:
	case c.client.popsMany:
		out = append(out, "*3\r\n$4\r\nRPOP\r\n"...)
		out = appendWord(out, key)
		var digits [20]byte
		out = appendWord(out, strconv.AppendInt(digits[:0], int64(max), 10))
	default:
		for range max {
			out = append(out, "*2\r\n$4\r\nRPOP\r\n"...)
			out = appendWord(out, key)
		}
	}
	c.w.out = out
}

// appendSeconds appends a BRPOP's timeout. Servers before 6.0 want whole
// seconds, and 0 would mean for ever.
func appendSeconds(out []byte, d time.Duration, fractions bool) []byte {
	var text [32]byte
	if !fractions {
		return appendWord(out, strconv.AppendInt(text[:0], int64(max(1, d.Round(time.Second)/time.Second)), 10))
	}
	return appendWord(out, strconv.AppendFloat(text[:0], max(d, time.Millisecond).Seconds(), 'f', 3, 64))
}

// answer reads what ask asked for. Every answer is read to its end even if the
// context is over: a job that the server has given is never dropped.
func (c *consumer) answer(max int, block time.Duration) error {
	if block > 0 {
		n, err := c.w.in.array()
		if err != nil {
			return err
		}
		if n == 2 {
			if _, err := c.w.in.bulk(); err != nil {
				return err
			}
			if err := c.take(); err != nil {
				return err
			}
		} else if n != -1 {
			return protocolError("%d elements for BRPOP", n)
		}
		max--
	}
	switch {
	case max == 0:
	case c.client.popsMany:
		n, err := c.w.in.array()
		if err != nil {
			return err
		}
		for range n {
			if err := c.take(); err != nil {
				return err
			}
		}
	default:
		for range max {
			if err := c.take(); err != nil {
				return err
			}
		}
	}
	return nil
}

// take reads one element and keeps a copy, since the next read may move the
// buffer that it lies in.
func (c *consumer) take() error {
	b, err := c.w.in.bulk()
	if err != nil || b == nil {
		return err
	}
	at := len(c.arena)
	c.arena = append(c.arena, b...)
	c.jobs = append(c.jobs, c.arena[at:len(c.arena):len(c.arena)])
	return nil
}

// watch arranges that the end of ctx unblocks a Pop that waits. It registers
// only when ctx is another one than the last time.
func (c *consumer) watch(ctx context.Context) {
	if c.watched != nil && c.watched.ctx == ctx {
		return
	}
	if c.release != nil {
		c.release()
	}
	p := &patience{ctx}
	c.watched, c.release = p, nil
	if ctx.Done() != nil {
		c.release = context.AfterFunc(ctx, func() { c.unblock(p) })
	}
}

// unblock makes a Pop that waits return without losing a job. go-redis and the
// socket know no way: a closed socket can take a job down with it, and a
// context is not looked at during a read. CLIENT UNBLOCK makes the server
// answer as if the time were up. It is repeated, because it can arrive before
// the BRPOP does, and given up when the server does not answer at all.
func (c *consumer) unblock(p *patience) {
	const most = 2 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	for c.waiting.Load() == p && ctx.Err() == nil {
		if c.client.unblocks {
			c.client.rdb.ClientUnblock(ctx, c.w.id)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if c.waiting.Load() == p {
		c.w.abort()
	}
}

// outOfStep is fault for an answer after which others are still owed: they would
// be taken for those to the next questions, so there must be none.
func (c *consumer) outOfStep(op, name string, err error) error {
	err = c.fault(op, name, err)
	c.ending.Store(true)
	return err
}

func (c *consumer) fault(op, name string, err error) error {
	if !isReply(err) {
		if c.watched != nil && c.watched.ctx.Err() != nil {
			// unblock gave the server up. An answer may still come, and would
			// be taken for that to the next question.
			c.ending.Store(true)
			return c.watched.ctx.Err()
		}
		err = c.w.broken(err)
	}
	if err == ErrClosed {
		return err
	}
	return explainOn(op, name, c.client.options.Addr, err)
}

// Close ends the consumer. A Pop that waits returns first, with a job if the
// server has just given it one.
func (c *consumer) Close() error {
	c.ending.Store(true)
	if p := c.waiting.Load(); p != nil {
		c.unblock(p)
	}
	return c.w.close()
}
