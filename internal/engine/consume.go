package engine

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// consumer pops, works, publishes.
type consumer struct {
	r     *run
	index int
	conn  jobqueue.PublishPopper // swapped under r.mu
	wait  pace.Waiter            // nil without work
	// service is how long the work on the next job takes.
	service func() time.Duration
	// popWait is how long one pop waits for a job. It ends sooner when the run does.
	popWait time.Duration
	tally   *ledger.Tally
	shard   *shard

	held     []taken            // what the last pop brought
	outcomes []jobqueue.Outcome // of each of them
	begins   []jobqueue.Outcome // that each has begun, where that is said
	arena    []byte             // what the messages point into

	// Finished and not yet published, and how many of those were answered.
	done  []taken
	told  []jobqueue.Outcome
	acks  int
	acked func(i, receivers int) // published, bound once

	streak streak
	over   func() error // why no job is popped any more, nil before that

	working bool // jobs are left to work on after those in done
	// busy is true while the consumer has jobs in hands, for the sampler.
	busy atomic.Bool
}

// taken is a job in a consumer's hands. job is nil when it is not on its way
// any more, or another consumer has had it already.
type taken struct {
	n     int64
	job   *flight.Job
	block *flight.Block
}

// loop works until the context ends, on another connection when one is lost.
func (c *consumer) loop(ctx context.Context) error {
	c.over = ctx.Err
	for {
		err := c.serveAll(ctx)
		if !errors.Is(err, jobqueue.ErrLost) || ctx.Err() != nil {
			return err
		}
		if err := c.reopen(ctx, err); err != nil {
			return err
		}
	}
}

// serveAll works until the context ends. What is finished by then is published.
func (c *consumer) serveAll(ctx context.Context) error {
	for {
		pops, held := c.r.hold.pops(ctx)
		if held {
			// What is finished does not wait for the end of the hold.
			if _, err := c.turn(c.r.ctx, 0); err != nil {
				return err
			}
			c.busy.Store(false)
			c.r.hold.rest(ctx)
			continue
		}
		jobs, err := c.turn(pops, c.r.s.Batch)
		if errors.Is(err, jobqueue.ErrEmpty) {
			continue
		}
		if err != nil {
			if pops.Err() != nil && c.r.ctx.Err() == nil {
				over := err
				if _, err = c.turn(c.r.ctx, 0); err == nil && c.r.hold.begun(pops) && ctx.Err() == nil {
					continue
				}
				err = cmp.Or(err, over)
			}
			return err
		}
		at := c.r.now()
		c.held, c.outcomes, c.begins, c.arena = c.held[:0], c.outcomes[:0], c.begins[:0], c.arena[:0]
		for _, element := range jobs {
			id, n, o := c.r.format.Read(element)
			switch o {
			case flight.Foreign:
				c.tally.Add(ledger.Foreign, 1)
				c.r.keep(element)
				c.dismiss()
				continue
			case flight.Corrupt:
				c.tally.Add(ledger.Corrupt, 1)
				c.dismiss()
				continue
			}
			c.held = append(c.held, c.take(n, at))
			c.encode(id, n)
		}
		if err := c.work(); err != nil {
			return err
		}
	}
}

// dismiss ends an element that is none of our jobs: nothing is published, and a
// queue that waits to be told that a job is over is told so.
func (c *consumer) dismiss() {
	c.held = append(c.held, taken{n: -1})
	c.outcomes = append(c.outcomes, jobqueue.Outcome{Last: true})
	if c.r.s.Work.Running {
		c.begins = append(c.begins, jobqueue.Outcome{})
	}
}

// foreign reports whether the i-th thing that was popped is none of our jobs.
func (c *consumer) foreign(i int) bool { return c.held[i].n < 0 }

// take notes that job n was popped.
func (c *consumer) take(n, at int64) taken {
	b, j := c.r.flight.Find(n)
	if j != nil {
		if _, first, here := j.Mark(n, flight.Popped); here && first {
			j.Stamp[flight.PoppedAt] = at
			c.tally.Add(ledger.Popped, 1)
			return taken{n, j, b}
		} else if here && c.r.redelivers {
			// It was given out before, and whoever had it has not finished it
			// or is still at it.
			if _, first, here := j.Mark(n, flight.Again); here && first {
				c.tally.Add(ledger.Redelivered, 1)
			}
			return taken{n, j, b}
		}
	}
	c.r.stray(n, c.tally)
	return taken{n: n}
}

// stray counts a job that was met again, or that never was.
func (r *run) stray(n int64, t *ledger.Tally) {
	if n < r.flight.Top.Load() {
		t.Add(ledger.Duplicated, 1)
	} else {
		t.Add(ledger.Corrupt, 1)
	}
}

// simulated is what the error of a job that was to fail says.
var simulated = "simulated failure"

// encode prepares the message for a job. Its id lies in the connection's
// buffer and is copied here.
func (c *consumer) encode(id []byte, n int64) {
	o := jobqueue.Outcome{Last: true}
	status, failure := jobqueue.Completed, (*string)(nil)
	if c.r.spread.Fail(n) {
		status, failure = jobqueue.Failed, &simulated
	}
	if c.r.s.Notify == jobqueue.NoNotify {
		if failure != nil {
			c.tally.Add(ledger.Failed, 1)
		}
	} else {
		o.Message, o.Channel = c.message(id, n, status, failure), c.channel(n)
	}
	c.outcomes = append(c.outcomes, o)
	if c.r.s.Work.Running {
		c.begins = append(c.begins, jobqueue.Outcome{Message: c.message(id, n, jobqueue.Running, nil), Channel: o.Channel})
	}
}

// message appends an update to the arena.
func (c *consumer) message(id []byte, n int64, status jobqueue.Status, failure *string) []byte {
	at := len(c.arena)
	c.arena = updates.AppendOutcome(c.arena, c.r.format.Tenant(n), id, status, failure)
	return c.arena[at:len(c.arena):len(c.arena)]
}

// channel is where the updates about job n go.
func (c *consumer) channel(n int64) int {
	if c.r.s.Channels == scenario.OneChannel {
		return 0
	}
	return c.r.spread.Tenant(n)
}

// work serves the jobs one after the other. Each is published as soon as it is
// finished; the last one together with the next pop, and all of them so when
// there is no work to do.
func (c *consumer) work() error {
	if c.wait == nil && !c.r.s.Work.Running {
		c.done, c.told = c.held, c.outcomes
		return nil
	}
	c.working = true
	c.busy.Store(true)
	for i := range c.held {
		if done, err := c.serve(i); !done || err != nil {
			return err
		}
		c.done, c.told = c.held[i:i+1], c.outcomes[i:i+1]
		if i == len(c.held)-1 {
			break
		}
		if _, err := c.turn(c.r.ctx, 0); err != nil {
			return err
		}
	}
	c.working = false
	return nil
}

// serve says that the work on the i-th job begins, where that is said, and does
// it. What is none of our jobs is not worked on. It is not done when the run's
// patience ended first.
func (c *consumer) serve(i int) (done bool, err error) {
	if c.foreign(i) {
		return true, nil
	}
	if c.r.s.Work.Running {
		if _, err := c.exchange(c.r.ctx, c.begins[i:i+1], ignore, 0, 0); err != nil {
			return false, err
		}
	}
	if c.wait == nil {
		return true, nil
	}
	until := c.r.now() + int64(c.service())
	if ahead := until - c.r.now() - provedBefore; ahead > 0 {
		if !c.wait.Wait(time.Duration(ahead)) {
			return false, context.Cause(c.r.ctx)
		}
		// A turn about nothing proves the connection, or opens the next one.
		if _, err := c.exchange(c.r.ctx, nil, ignore, 0, 0); err != nil {
			return false, cmp.Or(context.Cause(c.r.ctx), err)
		}
	}
	if !c.wait.Wait(time.Duration(until - c.r.now())) {
		return false, context.Cause(c.r.ctx)
	}
	return true, nil
}

// ignore takes the answer to an update that says RUNNING.
func ignore(int, int) {}

// turn publishes what is finished and pops up to most jobs. When it returns, done
// holds only what was not answered: a pop can be cancelled after the publishes
// that went with it.
func (c *consumer) turn(ctx context.Context, most int) ([][]byte, error) {
	at := c.r.now()
	for _, h := range c.done {
		if h.job == nil {
			continue
		}
		if !c.stamps(h, flight.DoneAt, at) {
			continue
		}
		if _, first, here := h.job.Mark(h.n, flight.Done); here && first {
			c.tally.Add(ledger.Finished, 1)
		}
	}
	c.acks = 0
	if c.wait != nil && most > 0 && len(c.told) == 0 {
		c.busy.Store(false) // nothing to publish: from here on it only waits
	}
	jobs, err := c.exchange(ctx, c.told, c.acked, most, c.popWait)
	c.done, c.told = c.done[c.acks:], c.told[c.acks:]
	return jobs, err
}

// stamps sets a stamp of a job in hand. A job that two consumers have may be over
// by now, and its slot another job's.
func (c *consumer) stamps(h taken, which int, at int64) bool {
	if !c.r.redelivers {
		h.job.Stamp[which] = at
		return true
	}
	if w := h.job.Word.Load(); w>>flight.MarkBits != uint64(h.n)+1 || w&flight.Closed != 0 {
		return false
	}
	atomic.StoreInt64(&h.job.Stamp[which], at)
	return true
}

// published notes the answer to the i-th publish.
func (c *consumer) published(i, receivers int) {
	at := c.r.now()
	c.acks = i + 1
	if c.wait != nil && c.acks == len(c.told) {
		c.busy.Store(c.working)
	}
	h := c.done[i]
	if h.job == nil {
		return
	}
	if c.r.s.Notify != jobqueue.NoNotify {
		c.tally.Add(ledger.Published, 1)
	}
	if !c.stamps(h, flight.PublishedAt, at) {
		return
	}
	m := flight.Published
	switch {
	case c.r.s.Notify == jobqueue.NoNotify:
		// Nobody waits for a notification: the job is over with its work.
		h.job.Stamp[flight.NotifiedAt] = h.job.Stamp[flight.DoneAt]
		m |= flight.Notified
	case receivers == 0:
		m |= flight.Nobody
	}
	marks, first, here := h.job.Mark(h.n, m)
	if here && first && m&flight.Notified != 0 {
		c.tally.Add(ledger.Notified, 1)
		c.r.free(h.n)
	}
	switch {
	case !here:
	case marks&flight.Nobody != 0:
		if marks&flight.Acked != 0 {
			c.r.unheard(h.block, h.job, h.n, c.tally)
		}
	default:
		c.r.finish(h.block, h.job, h.n, marks, c.shard)
	}
}
