package jobqueue

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/lane"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// pollBlock is how long one BRPOP blocks on a server that cannot unblock it:
// the delay with which a cancelled Pop then returns.
const pollBlock = 100 * time.Millisecond

// consumer takes jobs and publishes, on a separate connection. Its strategy is what
// the designs differ in.
type consumer struct {
	w        *redisconn.Wire
	client   *Client
	strategy strategy
	queues   []int         // those it takes from, in order of priority
	maxBlock time.Duration // the longest that one command may block; 0: it does not
	jobs     [][]byte
	arena    []byte                      // what jobs point into
	owed     int                         // how many answers follow those of the outcomes
	last     int                         // jobs that over said are over, not written yet
	waiting  atomic.Pointer[waitContext] // of the Pop that goes on, nil between two
	ending   atomic.Bool                 // Close was called, or the answers are out of step
	closed   atomic.Bool
	closing  chan struct{} // closed with closed
	watched  *waitContext  // of the context that release is registered for
	release  registration
	timer    *time.Timer // of pause
}

// strategy is the commands by which one design takes jobs and ends them.
type strategy interface {
	// ask appends the commands that take up to max jobs of a queue and wait up
	// to block for the first.
	ask(queue, max int, block time.Duration)
	// answer reads what ask asked for. Every answer is read to its end even if
	// the context is over: a job that the server has given is never dropped.
	// again says that there is more to ask before it is known what there is.
	answer() (again bool, err error)
	// over appends the commands which say that the oldest n jobs that were taken
	// are over. It returns how many answers they have, and of how many jobs it
	// said so, of which there may be fewer.
	over(n int) (answers, said int)
	// unsent takes back what over said of so many jobs, and what ask asked for:
	// none of it was sent.
	unsent(n int)
	// moved says that c is the consumer from now on.
	moved(c *consumer)
	// leave removes from the server what it keeps of this consumer, unless jobs are
	// unfinished, or may be because the connection broke.
	leave(inStep bool)
}

var (
	_ PublishPopper = (*consumer)(nil)
	_ Reopener      = (*consumer)(nil)
)

// OpenConsumer returns a consumer of all queues on a separate connection; it
// implements [PublishPopper]. If the queues are in several slots, see
// [Client.CrossSlot], it fails; [Client.OpenConsumerOn] opens one for each queue.
func (c *Client) OpenConsumer(ctx context.Context) (Consumer, error) {
	return c.OpenConsumerOn(ctx, lane.All(len(c.lanes.queues))...)
}

// OpenConsumerOn returns a consumer of the given queues, in order of priority.
func (c *Client) OpenConsumerOn(ctx context.Context, queues ...int) (Consumer, error) {
	if err := lane.Check("queue", queues, len(c.lanes.queues)); err != nil {
		return nil, err
	}
	if c.crossSlot && len(queues) > 1 {
		return nil, c.crossSlotError(queues)
	}
	w, err := c.dial(ctx, "consumers", c.lanes.queues[queues[0]], c.unblocks)
	if err != nil {
		return nil, err
	}
	w.Proves = !c.servers.Missing.Lacks("PING")
	n := &consumer{w: w, client: c, queues: queues, maxBlock: 1 << 62, closing: make(chan struct{})}
	if err := n.design(ctx); err != nil {
		w.Close()
		return nil, c.servers.Retryable(err)
	}
	if w.ID == 0 {
		n.maxBlock = min(n.maxBlock, pollBlock)
	}
	return n, nil
}

// design makes the consumer one of the client's design.
func (c *consumer) design(ctx context.Context) (err error) {
	several := len(c.queues) > 1
	switch c.client.cfg.Design {
	case ListPoll:
		c.strategy, c.maxBlock = &listStrategy{c: c, rest: -1}, 0
	case ReliableList:
		c.strategy, err = c.client.openReliable(ctx, c)
		c.maxBlock = c.client.cfg.Visibility / 4
	case Stream:
		c.strategy, err = c.client.openStream(ctx, c)
		c.maxBlock = c.client.cfg.Visibility / 2
	default:
		c.strategy, several = &listStrategy{c: c, rest: -1}, false
	}
	if several {
		// Only BRPOP waits for several: the others wait a moment for the first
		// and look at the others in between.
		c.maxBlock = min(c.maxBlock, c.client.cfg.Poll)
	}
	return err
}

// first does what a consumer needs before it takes jobs, by single commands. Where their
// client has given up on the server, which the consumer has just reached, they go over a
// new connection.
func (c *consumer) first(do func(redis.Cmdable) error) error {
	err := do(c.client.rdb)
	if !redisconn.Unreached(err) {
		return err
	}
	fresh := c.w.Fresh()
	defer fresh.Close()
	return do(fresh)
}

func (c *consumer) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	return c.PublishAndPop(ctx, nil, nil, max, wait)
}

// Turn writes what became of jobs and the question for the next ones in one go.
// With neither it proves the connection.
func (c *consumer) PublishAndPop(ctx context.Context, outcomes []Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
	c.jobs, c.arena = c.jobs[:0], c.arena[:0]
	// The order matters: the end of ctx finds the wait, or the wait sees the end.
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
	c.writeOutcomes(outcomes)
	if max == 0 {
		if err := c.exchange(outcomes, acked, 0); err != nil {
			return nil, err
		}
		return nil, nil
	}
	return c.search(ctx, outcomes, acked, max, wait)
}

// exchange writes what was collected and reads the answers to the outcomes.
func (c *consumer) exchange(outcomes []Outcome, acked func(i, receivers int), block time.Duration) error {
	if len(c.w.Out) == 0 {
		if len(outcomes) == 0 {
			if err := c.w.ProveIdle(); err != nil {
				return c.fault("pop from", c.client.queue, err)
			}
		}
		return c.readAcks(outcomes, acked)
	}
	if err := c.w.Flush(); err != nil {
		if redisconn.IsStale(err) {
			c.strategy.unsent(c.last)
		}
		return c.fault("pop from", c.client.queue, err)
	}
	c.last = 0
	if err := c.w.ExpectWithin(block); err != nil {
		return err
	}
	if c.w.PongDue.Load() { // the answer to a PING that a server owes which stalls
		if err := c.w.Next(); err != nil {
			return c.outOfStep("pop from", c.client.queue, err)
		}
	}
	return c.readAcks(outcomes, acked)
}

// search asks the queues, one after the other, until there are jobs or the wait
// is over. A command that blocks can end before its time: on a server that
// cannot unblock it it is cut into pieces, and an unblocking meant for the Pop
// before this one can come late. Then what is left of the wait is asked for
// again.
func (c *consumer) search(ctx context.Context, outcomes []Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
	var deadline time.Time
	if wait > 0 {
		deadline = time.Now().Add(wait)
	}
	// One command waits for all queues of a list. Other designs look at each of
	// several before they wait for the first.
	joint := len(c.queues) == 1 || c.client.cfg.Design == List && wait > 0
	waits, at, left := joint, 0, wait
	for first := true; ; first = false {
		if !first && at == 0 && len(c.jobs) == 0 && wait > 0 {
			if left = time.Until(deadline); left < time.Millisecond {
				return nil, c.none(ctx)
			}
		}
		var block time.Duration
		if waits && at == 0 {
			block = min(left, c.maxBlock)
		}
		c.strategy.ask(c.queues[at], max-len(c.jobs), block)
		if !first {
			outcomes = nil
		}
		if err := c.exchange(outcomes, acked, block); err != nil {
			switch {
			case first || !redisconn.IsStale(err):
				return nil, err
			case len(c.jobs) > 0:
				return c.jobs, nil // the next call will find it out
			}
			return nil, c.none(ctx)
		}
		again, err := c.strategy.answer()
		if err != nil {
			return nil, c.outOfStep("pop from", c.client.lanes.queues[c.queues[at]], err)
		}
		if block > 0 {
			c.w.Used = time.Now()
		}
		switch {
		case again && (len(c.jobs) > 0 || ctx.Err() == nil && !c.ending.Load()):
			continue
		case len(c.jobs) > 0:
			return c.jobs, nil
		case ctx.Err() != nil || c.ending.Load():
			return nil, c.none(ctx)
		case !joint && at+1 < len(c.queues):
			at++
			continue
		case wait <= 0:
			return nil, c.none(ctx)
		}
		at, waits = 0, true
		if c.maxBlock == 0 && !c.pause(ctx, min(c.client.cfg.Poll, time.Until(deadline))) {
			return nil, c.none(ctx)
		}
	}
}

// pause waits before an empty queue is asked again. It returns false when there
// is no reason to ask any more.
func (c *consumer) pause(ctx context.Context, d time.Duration) bool {
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	select {
	case <-c.timer.C:
		return true
	case <-ctx.Done():
	case <-c.closing:
	}
	c.timer.Stop()
	return false
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

// take reads one element and keeps a copy, since the next read may move the
// buffer that it lies in. It returns false where there was none.
func (c *consumer) take() (job []byte, ok bool, err error) {
	b, err := c.w.In.Bulk()
	if err != nil || b == nil {
		return nil, false, err
	}
	at := len(c.arena)
	c.arena = append(c.arena, b...)
	job = c.arena[at:len(c.arena):len(c.arena)]
	c.jobs = append(c.jobs, job)
	return job, true, nil
}

// indexOf is the number of the queue with the given key.
func (c *consumer) indexOf(key []byte) int {
	for _, i := range c.queues {
		if c.client.lanes.queues[i] == string(key) {
			return i
		}
	}
	return c.queues[0]
}

// outOfStep is fault for an answer after which others are still owed: they would
// be taken for those to the next questions, so there must be none.
func (c *consumer) outOfStep(op, name string, err error) error {
	err = c.fault(op, name, err)
	c.ending.Store(true)
	return err
}

func (c *consumer) fault(op, name string, err error) error {
	if !resp.IsReply(err) {
		if c.watched != nil && c.watched.ctx.Err() != nil {
			// unblock gave the server up. An answer may still come, and would
			// be taken for that to the next question.
			c.ending.Store(true)
			return c.watched.ctx.Err()
		}
		err = c.w.Broken(err)
	}
	if err == ErrClosed {
		return err
	}
	return redisconn.ExplainOn(op, name, c.w.Address(), err)
}

// Close ends the consumer. A Pop that waits returns first, with a job if the
// server has just given it one. Jobs that are not over stay where they are.
func (c *consumer) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	inStep := !c.ending.Swap(true)
	close(c.closing)
	if p := c.waiting.Load(); p != nil {
		c.unblock(p)
	}
	c.strategy.leave(inStep && c.waiting.Load() == nil)
	c.release.end()
	return c.w.Close()
}

// Reopen returns a consumer that goes on with the jobs that this one has.
func (c *consumer) Reopen(ctx context.Context) (Consumer, error) {
	if c.ending.Load() {
		return nil, ErrClosed // out of step: who has which job is not known
	}
	w, err := c.client.dial(ctx, "consumers", c.client.lanes.queues[c.queues[0]], c.client.unblocks)
	if err != nil {
		return nil, err
	}
	w.Proves = c.w.Proves
	n := &consumer{w: w, client: c.client, queues: c.queues, maxBlock: c.maxBlock, strategy: c.strategy, closing: make(chan struct{})}
	n.strategy.moved(n)
	c.closed.Store(true)
	c.ending.Store(true)
	c.release.end()
	c.w.Close()
	return n, nil
}
