package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// prepare opens everything and pushes nothing.
func (r *run) prepare() error {
	s := r.s
	if c, ok := r.b.(interface{ Unverified() bool }); ok && c.Unverified() {
		r.warn("the server's TLS certificate was not verified: who answered is not known")
	}
	if c, ok := r.b.(checker); ok && !s.Load.Observed {
		const own = 5 // for commands beside the load
		producers := s.Producers
		if r.apart() {
			producers *= len(s.Queues) // each has a connection to each queue
		}
		if err := c.Check(r.ctx, producers+s.Consumers+s.Subscribers+own); err != nil {
			return err
		}
	}
	if n, err := r.b.Len(r.ctx); redisconn.Withheld(err) {
		r.warn("the server does not tell how many jobs wait (%s): whether the queue was empty is not known, and neither is its length", err)
	} else if err != nil {
		return err
	} else if s.Load.Observed {
		r.found = n // what is in it is what is to be seen
	} else if n > 0 && !r.o.AllowNonEmpty {
		return fmt.Errorf("the queue is not empty: %d jobs of somebody else wait in it; name another queue, clear it, or say --allow-non-empty", n)
	} else if n > 0 {
		r.warn("%d jobs of somebody else waited in the queue when the run began: they are served before its own", n)
	}
	if err := r.lanes(); err != nil {
		return err
	}
	if err := r.shareable(); err != nil {
		return err
	}
	r.inspect(0)
	if err := r.fits(); err != nil {
		return err
	}
	if p, ok := r.b.(pooled); ok {
		r.poolTimeouts = p.PoolTimeouts()
	}
	for i := range s.Subscribers {
		conn, err := r.b.OpenSubscriber(r.ctx)
		if err != nil {
			return fmt.Errorf("open subscriber %d of %d: %w", i+1, s.Subscribers, err)
		}
		r.subscribers = append(r.subscribers, &subscriber{r: r, index: i, conn: conn, tally: r.tally(), shard: r.rec.shard()})
	}
	r.made = pool(s) > 0 || s.Producers > 0
	for i := range pool(s) {
		conn, err := r.openConsumer(i)
		if err != nil {
			return fmt.Errorf("open consumer %d of %d: %w", i+1, s.Consumers, err)
		}
		c := &consumer{r: r, index: i, conn: jobqueue.PublishPopperOf(conn), popWait: redisconn.PopWait(s.Consumers), tally: r.tally(), shard: r.rec.shard()}
		c.acked = c.published
		r.consumers = append(r.consumers, c)
		if s.Work.Time > 0 {
			if c.wait, err = r.waiter(); err != nil {
				return err
			}
			c.service = service(s.Work, s.Seed, i)
		}
	}
	for i := range s.Producers {
		conn, err := r.b.OpenProducer(r.ctx)
		if err != nil {
			return fmt.Errorf("open producer %d of %d: %w", i+1, s.Producers, err)
		}
		p := &producer{r: r, index: i, conn: conn, sentUpTo: -1, fresh: make(chan jobqueue.Pipeliner), tally: r.tally(), shard: r.rec.shard()}
		p.pipe, p.answering = conn.(jobqueue.Pipeliner)
		p.prover, _ = conn.(jobqueue.Prover)
		if len(s.Queues) > 1 {
			p.aimer = conn.(jobqueue.QueueSelector) // lanes looked
		}
		r.producers = append(r.producers, p)
		if s.Load.Open() {
			if p.wait, err = r.waiter(); err != nil {
				return err
			}
		}
	}
	if s.Load.Think > 0 {
		wait, err := r.waiter()
		if err != nil {
			return err
		}
		r.rest = newRest(r.tokens, s.Load.Think, r.now, wait)
	}
	var err error
	r.sampler, err = newSampler(r)
	return err
}

// pool is how many consumers of ours there are.
func pool(s scenario.Scenario) int {
	if s.External {
		return 0
	}
	return s.Consumers
}

// service is how long the work of one consumer takes, job by job.
func service(w scenario.Work, seed uint64, consumer int) func() time.Duration {
	if w.Drawn.IsFixed() {
		return func() time.Duration { return w.Time }
	}
	return w.Drawn.Sampler(seed, uint64(consumer))
}

// lanes refuses a scenario with more queues or channels than the backend has, or
// with queues that nobody would take from.
func (r *run) lanes() error {
	if len(r.s.Queues) < 2 && r.s.Channels == scenario.OneChannel {
		return nil
	}
	if _, ok := r.b.(jobqueue.MultiQueue); !ok {
		return errors.New("this backend has one queue and one channel, and the scenario asks for several")
	}
	if !r.apart() || r.s.External {
		return nil
	}
	if n := len(r.s.Queues); r.s.Consumers < n {
		return fmt.Errorf("the %d queues lie apart in this cluster, so a consumer takes from one of them only, and %d consumers leave some without any; use %d or more, or keep the queues in one slot by a part in braces in their name, such as {orders}:jobs", n, r.s.Consumers, n)
	}
	r.warn("the queues lie apart in the cluster: each consumer takes from one of them, and none goes before another")
	return nil
}

// apart is a backend whose queues lie on several servers, so that no consumer
// can wait for all of them at once.
type apart interface{ CrossSlot() bool }

// apart reports whether the queues of this run lie apart.
func (r *run) apart() bool {
	b, ok := r.b.(apart)
	return ok && b.CrossSlot() && len(r.s.Queues) > 1
}

// openConsumer opens the i-th consumer. It takes from all queues, or from one of
// them in turn where they lie apart.
func (r *run) openConsumer(i int) (jobqueue.Consumer, error) {
	if r.apart() {
		return r.b.(jobqueue.MultiQueue).OpenConsumerOn(r.ctx, i%len(r.s.Queues))
	}
	return r.b.OpenConsumer(r.ctx)
}

// prefill pushes the jobs that wait when the load begins. They are due at the
// moment at which the consumers are let loose.
func (r *run) prefill() error {
	// Where jobs need not go to several queues, a push takes as many as fit into
	// one write.
	const most = 1000
	if r.s.Prefill == 0 {
		return nil
	}
	p, limit, due := r.producers[0], r.s.Prefill, -int64(lead)
	size := int64(r.s.Batch)
	if p.aimer == nil {
		size = max(size, min(most, maxWrite/int64(r.format.Most))/size*size)
	}
	for r.filled < limit && !r.stopping() {
		g := clip(pace.Group{First: r.filled, Jobs: int(size)}, limit)
		if err := p.fill(g, due); err != nil {
			return fmt.Errorf("prefill the queue: %w", err)
		}
		r.filled += int64(g.Jobs)
	}
	return nil
}

// inspect takes the server's facts, before (0) or after (1) the load.
func (r *run) inspect(i int) {
	in, ok := r.b.(inspector)
	if !ok || r.ctx.Err() != nil && i == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 5*time.Second)
	defer cancel()
	f, err := in.Inspect(ctx)
	if err != nil {
		if r.fatal() == nil {
			r.warn("server facts: %s", err)
		}
		return
	}
	r.facts[i], r.factsAt[i] = &f, time.Now()
	if i == 0 {
		for _, w := range f.Withheld {
			r.warn("withheld by the server: %s", w)
		}
	}
}

// release closes what is open and removes the queue.
func (r *run) release() error {
	for _, p := range r.producers {
		r.closed(&p.conn)
	}
	for _, c := range r.consumers {
		c.conn.Close()
	}
	for _, s := range r.subscribers {
		s.conn.Close()
	}
	for _, w := range r.waiters {
		w.Close()
	}
	if !r.made {
		return nil // nothing was opened that makes a key, so nothing is ours
	}
	patience := 3 * time.Second
	if r.o.Shared {
		patience = 30 * time.Second // our jobs are looked for one by one
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), patience)
	defer cancel()
	if err := r.clear(ctx); err != nil {
		if r.fatal() != nil {
			r.warn("the queue could not be removed: %s", err)
			return nil // the same fault, most likely
		}
		if from, _, lasts := r.stalled(); lasts {
			return &stoppedError{from, err}
		}
		return fmt.Errorf("remove the queue: %w", err)
	}
	return nil
}

// closed closes the connection that a producer has now.
func (r *run) closed(conn *jobqueue.Producer) {
	r.mu.Lock()
	c := *conn
	r.mu.Unlock()
	c.Close()
}

// returner puts elements back into a queue, the first of them to be taken next.
type returner interface {
	Return(ctx context.Context, elements ...[]byte) error
}

// keep remembers an element of somebody else that a consumer of ours took from
// a queue that is not our own.
func (r *run) keep(element []byte) {
	if !r.o.Shared {
		return
	}
	r.mu.Lock()
	r.kept = append(r.kept, bytes.Clone(element))
	r.keptBytes += len(element)
	n, size := len(r.kept), r.keptBytes
	r.mu.Unlock()
	if n > mostKept || size > mostKeptBytes {
		r.fail("consume", fmt.Errorf("%d jobs of somebody else had been taken from the queue, more than can be kept aside until the end; use external consumers, or a queue of the run's own", n))
	}
}

// How much of somebody else's is kept aside.
const (
	mostKept      = 10_000
	mostKeptBytes = 64 << 20
)

// shareable refuses to let consumers of ours take from a queue that is not the
// run's own where what they take of others could not be put back as it was.
func (r *run) shareable() error {
	if !r.o.Shared || pool(r.s) == 0 {
		return nil
	}
	switch {
	case r.redelivers:
		return fmt.Errorf("consumers of ours would take jobs of others from a queue that is not the run's own, and with the design %s could not put them back as they were; use external consumers, or leave out the queue's name", r.s.Design)
	case len(r.s.Queues) > 1:
		return errors.New("consumers of ours would take jobs of others from queues that are not the run's own, and could not put them back where they were; use external consumers, or leave out the queues' name")
	}
	return nil
}

// giveBack puts into the queue what was taken from it and is somebody else's.
func (r *run) giveBack(ctx context.Context) error {
	if len(r.kept) == 0 {
		return nil
	}
	b, ok := r.b.(returner)
	if !ok {
		r.unreturned = r.kept
		return fmt.Errorf("%d jobs of somebody else were taken from the queue, and there is no way to put them back; they are in the result, as unreturned", len(r.kept))
	}
	if err := b.Return(ctx, r.kept...); err != nil {
		r.unreturned = r.kept
		return fmt.Errorf("put %d jobs of somebody else back; they are in the result, as unreturned: %w", len(r.kept), err)
	}
	r.warn("%d jobs of somebody else were taken from the queue and put back at the end: run with a queue of the run's own, or with external consumers", len(r.kept))
	return nil
}

// discarder takes single elements out of a queue.
type discarder interface {
	Discard(ctx context.Context, elements ...string) (found int64, err error)
}

// clear removes the queue, or from a queue that others use, too, what is left of
// our jobs in it.
func (r *run) clear(ctx context.Context) error {
	if !r.o.Shared {
		return r.b.Clear(ctx)
	}
	if err := r.giveBack(ctx); err != nil {
		return err
	}
	p, peeks := r.b.(peeker)
	q, removes := r.b.(discarder)
	if !peeks || !removes {
		r.warn("jobs of this run that are left in the queue could not be taken out of it")
		return nil
	}
	var left []string
	if err := r.eachQueued(ctx, p, func(element string, n int64) { left = append(left, element) }); err != nil {
		return err
	}
	if len(left) == 0 {
		return nil
	}
	_, err := q.Discard(ctx, left...)
	return err
}
