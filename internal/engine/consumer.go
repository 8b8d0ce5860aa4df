package engine

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// consumer pops jobs, works on them, and publishes their updates.
type consumer struct {
	r     *run
	index int
	conn  jobqueue.PublishPopper // replaced under r.conns
	wait  waiter.Waiter          // nil without work
	// service is how long the work on the next job takes.
	service func() time.Duration
	// popWait is how long one pop waits for a job. It ends sooner when the run does.
	popWait time.Duration
	tally   *ledger.Tally
	shard   *record.Shard

	popped
	finished

	id      [1]string // of the job whose row is updated
	streak  reconnect.Streak
	over    func() error // why no job is popped any more, nil before that
	working bool         // jobs are left to work on after those in done
	// busy is true while the consumer has jobs, for the sampler.
	busy atomic.Bool
	mortal
}

// popped is what the last pop brought.
type popped struct {
	held     []taken
	outcomes []jobqueue.Outcome // of each of them
	begins   []jobqueue.Outcome // that each has begun, where updates say so
	arena    []byte             // what the messages point into
}

// finished are the jobs that are finished and not yet published.
type finished struct {
	done    []taken
	updates []jobqueue.Outcome
	acks    int                    // how many of them were answered
	acked   func(i, receivers int) // is published, bound once
}

// taken is a job that a consumer took. job is nil when it is not on its way any more,
// or when another consumer has had it already.
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
		switch {
		case errors.Is(err, errOver):
			return err
		case c.killed() && ctx.Err() == nil:
			if !c.revived(ctx) {
				return nil
			}
			continue
		case !errors.Is(err, jobqueue.ErrLost) && !c.r.faults.full(err) || ctx.Err() != nil:
			return err
		}
		if err := c.reopen(ctx, err); errors.Is(err, errOver) || err != nil && !c.killed() {
			return err
		}
	}
}

// serveAll works until the context ends. What is finished by then is published.
func (c *consumer) serveAll(ctx context.Context) error {
	for {
		pops, held := c.r.pause.Pops(ctx)
		if held {
			// Finished jobs do not wait for the end of the pause.
			if _, err := c.turn(c.r.ctx, 0); err != nil {
				return err
			}
			c.busy.Store(false)
			c.r.pause.Wait(ctx)
			continue
		}
		jobs, err := c.turn(pops, c.r.s.Batch)
		if errors.Is(err, jobqueue.ErrEmpty) {
			continue
		}
		if err != nil {
			if pops.Err() != nil && c.r.ctx.Err() == nil {
				over := err
				if _, err = c.turn(c.r.ctx, 0); err == nil && c.r.pause.Begun(pops) && ctx.Err() == nil {
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

// dismiss ends an element that is not a job of this run: nothing is published, and a
// queue that waits for the end of a job is notified of it.
func (c *consumer) dismiss() {
	c.held = append(c.held, taken{n: -1})
	c.outcomes = append(c.outcomes, jobqueue.Outcome{Last: true})
	if c.r.s.Work.Running {
		c.begins = append(c.begins, jobqueue.Outcome{})
	}
}

// foreign reports whether the i-th element that was popped is not a job of this run.
func (c *consumer) foreign(i int) bool { return c.held[i].n < 0 }

// take notes that job n was popped.
func (c *consumer) take(n, at int64) taken {
	b, j := c.r.flight.Find(n)
	if j != nil {
		if c.r.redelivers && underWay(j, n) {
			// Before the mark: another consumer that has the job, too, may end it.
			atomic.CompareAndSwapInt64(&j.Stamp[flight.PoppedAt], flight.Absent, at)
		}
		if _, first, here := j.Mark(n, flight.Popped); here && first {
			if !c.r.redelivers {
				j.Stamp[flight.PoppedAt] = at
			}
			c.tally.Add(ledger.Popped, 1)
			return taken{n, j, b}
		} else if here && c.r.redelivers {
			// It was given out before, to a consumer that has not finished it.
			if _, first, here := j.Mark(n, flight.Again); here && first {
				c.tally.Add(ledger.Redelivered, 1)
			}
			return taken{n, j, b}
		}
	}
	c.r.stray(n, c.tally)
	return taken{n: n}
}

// simulated is the error of a job that the scenario lets fail.
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

// work works on the jobs one after the other. Each is published as soon as it is
// finished, the last one together with the next pop. Without work, all of them are
// published with the next pop.
func (c *consumer) work() error {
	if c.wait == nil && !c.r.s.Work.Running && c.r.store == nil {
		c.done, c.updates = c.held, c.outcomes
		return nil
	}
	c.working = true
	c.busy.Store(true)
	for i := range c.held {
		if done, err := c.serve(i); !done || err != nil {
			return err
		}
		if err := c.save(i); err != nil {
			return err
		}
		c.done, c.updates = c.held[i:i+1], c.outcomes[i:i+1]
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

// serve publishes RUNNING for the i-th job, where the scenario asks for it, and does the
// work. Foreign elements are not worked on. done is false when the drain timeout ended
// first.
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
	until := c.r.now() + c.r.faults.slowed(c.service())
	if ahead := until - c.r.now() - provedBefore; ahead > 0 {
		if !c.wait.Wait(time.Duration(ahead)) {
			return false, context.Cause(c.r.ctx)
		}
		// An empty turn proves that the connection is alive, or opens the next one.
		if _, err := c.exchange(c.r.ctx, nil, ignore, 0, 0); err != nil {
			return false, cmp.Or(context.Cause(c.r.ctx), err)
		}
	}
	if !c.wait.Wait(time.Duration(until - c.r.now())) {
		return false, context.Cause(c.r.ctx)
	}
	return true, nil
}

// ignore ignores the answer to a RUNNING update.
func ignore(int, int) {}

// turn publishes what is finished and pops at most limit jobs. When it returns, done
// holds only what was not answered: a pop can be cancelled after the publishes that
// were sent with it.
func (c *consumer) turn(ctx context.Context, limit int) ([][]byte, error) {
	at := c.r.now()
	for _, h := range c.done {
		if h.job == nil {
			continue
		}
		if c.r.store == nil {
			c.workDone(h, at)
		} else if c.stamps(h, flight.SavedAt, at) {
			h.job.Mark(h.n, flight.Saved)
		}
	}
	c.acks = 0
	if c.wait != nil && limit > 0 && len(c.updates) == 0 {
		c.busy.Store(false) // nothing to publish: from now on it only waits
	}
	jobs, err := c.exchange(ctx, c.updates, c.acked, limit, c.popWait)
	c.answered()
	return jobs, err
}

// answered forgets the finished jobs whose publishes were answered.
func (c *consumer) answered() {
	c.done, c.updates, c.acks = c.done[c.acks:], c.updates[c.acks:], 0
}

// workDone notes that the work on a job ended at that moment.
func (c *consumer) workDone(h taken, at int64) {
	if !c.stamps(h, flight.DoneAt, at) {
		return
	}
	if _, first, here := h.job.Mark(h.n, flight.Done); here && first {
		c.tally.Add(ledger.Finished, 1)
	}
}

// stamps sets a stamp of a job. When two consumers have the job, it may be over by now
// and its slot another job's.
func (c *consumer) stamps(h taken, which int, at int64) bool {
	if !c.r.redelivers {
		h.job.Stamp[which] = at
		return true
	}
	if !underWay(h.job, h.n) {
		return false
	}
	atomic.StoreInt64(&h.job.Stamp[which], at)
	return true
}

// underWay reports whether the slot is still that of job n, and the job is not over.
func underWay(j *flight.Job, n int64) bool {
	w := j.Word.Load()
	return w>>flight.MarkBits == uint64(n)+1 && w&flight.Closed == 0
}

// firstPublish reports whether no other consumer has published the end of the job.
func (c *consumer) firstPublish(h taken) bool {
	if !c.r.redelivers {
		return true
	}
	_, first, here := h.job.Mark(h.n, flight.Published)
	return here && first
}

// published notes the answer to the i-th publish.
func (c *consumer) published(i, receivers int) {
	at := c.r.now()
	c.acks = i + 1
	if c.wait != nil && c.acks == len(c.updates) {
		c.busy.Store(c.working)
	}
	h := c.done[i]
	if h.job == nil {
		return
	}
	if !c.stamps(h, flight.PublishedAt, at) {
		return
	}
	if c.r.s.Notify != jobqueue.NoNotify && c.firstPublish(h) {
		c.tally.Add(ledger.Published, 1)
	}
	m := flight.Published
	switch {
	case c.r.s.Notify == jobqueue.NoNotify:
		// There is no notification: the job is over with its work.
		h.job.Stamp[flight.NotifiedAt] = h.job.Stamp[flight.DoneAt]
		if c.r.store != nil {
			h.job.Stamp[flight.NotifiedAt] = h.job.Stamp[flight.SavedAt]
		}
		m |= flight.Notified
	case receivers == 0:
		m |= flight.Unheard
	}
	marks, first, here := h.job.Mark(h.n, m)
	if here && first && m&flight.Notified != 0 {
		c.tally.Add(ledger.Notified, 1)
		c.r.free(h.n)
	}
	switch {
	case !here:
	case marks&flight.Unheard != 0:
		if flight.Accepted(marks) {
			c.r.surelyLost(h.block, h.job, h.n, c.tally, ledger.Unheard)
		}
	default:
		c.r.finish(h.block, h.job, h.n, marks, c.shard)
	}
}
