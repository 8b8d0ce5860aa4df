package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/token"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// pools are the connections of a run and the goroutines on them.
type pools struct {
	producers   []*producer
	consumers   []*consumer
	subscribers []*subscriber
	listeners   []*listener // the subscribers, and then the WebSocket clients
	waiters     []pace.Waiter
	passed      sync.WaitGroup // a producer leaves it when it has passed the window
	conns       sync.Mutex     // guards their connections, which change when one is lost
}

// prepare opens everything and pushes nothing.
func (r *run) prepare() error {
	s := r.s
	if c, ok := r.b.(interface{ Unverified() bool }); ok && c.Unverified() {
		r.warn("the server's TLS certificate was not verified: its identity is not known")
	}
	if c, ok := r.b.(checker); ok && !s.Load.Observed {
		const own = 5 // for commands outside the load
		producers := s.Producers
		switch r.s.Entry.Kind {
		case scenario.EntryPostgres:
			producers = s.Entry.Postgres.Connections
		case scenario.EntryHTTP:
			producers = 0
		}
		if r.apart() {
			producers *= len(s.Queues) // each has a connection to each queue
		}
		if err := c.Check(r.ctx, producers+s.Consumers+s.Subscribers+own); err != nil {
			return err
		}
	}
	if n, err := r.b.Len(r.ctx); redisconn.Withheld(err) {
		r.warn("the server does not report how many jobs wait (%s): whether the queue was empty is not known, and neither is its length", err)
	} else if err != nil {
		return err
	} else if s.Load.Observed {
		r.foreign.found = n // what is in it is what is to be seen
	} else if n > 0 && !r.o.AllowNonEmpty {
		return fmt.Errorf("the queue is not empty: %d jobs of other clients wait in it; name another queue, clear it, or use --allow-non-empty", n)
	} else if n > 0 {
		r.warn("%d jobs of other clients waited in the queue when the run began: they are served first", n)
	}
	if err := r.lanes(); err != nil {
		return err
	}
	if err := r.shareable(); err != nil {
		return err
	}
	r.inspect(0)
	if err := r.fits(r.format.Max, s); err != nil {
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
		one := &subscriber{conn: conn}
		r.listen(&one.listener)
		one.alone, one.begins = s.Subscribers == 1, i == 0
		r.subscribers = append(r.subscribers, one)
	}
	if err := r.openReaders(); err != nil {
		return err
	}
	r.foreign.keyMade = pool(s) > 0 || s.Producers > 0 && s.Entry.Kind != scenario.EntryHTTP
	for i := range pool(s) {
		conn, err := r.openConsumer(i)
		if err != nil {
			return fmt.Errorf("open consumer %d of %d: %w", i+1, s.Consumers, err)
		}
		c := &consumer{r: r, index: i, conn: jobqueue.PublishPopperOf(conn), popWait: redisconn.PopWait(s.Consumers), tally: r.tally(), shard: r.rec.Shard()}
		c.acked = c.published
		r.consumers = append(r.consumers, c)
		if s.Work.Time > 0 {
			if c.wait, err = r.waiter(); err != nil {
				return err
			}
			c.service = service(s.Work, s.Seed, i)
		}
	}
	if err := r.openEntry(); err != nil {
		return err
	}
	for i := range s.Producers {
		p := &producer{r: r, index: i, sentUpTo: -1, fresh: make(chan jobqueue.Pipeliner), tally: r.tally(), shard: r.rec.Shard()}
		if r.entry == nil {
			if err := p.connect(); err != nil {
				return fmt.Errorf("open producer %d of %d: %w", i+1, s.Producers, err)
			}
		}
		r.producers = append(r.producers, p)
		if s.Load.Open() {
			wait, err := r.waiter()
			if err != nil {
				return err
			}
			p.wait = wait
		}
	}
	if s.Load.Think > 0 {
		wait, err := r.waiter()
		if err != nil {
			return err
		}
		r.thinking = token.NewThink(r.tokens, s.Load.Think, r.now, wait)
	}
	var err error
	r.sampler, err = newSampler(r)
	return err
}

// listen adds a listener.
func (r *run) listen(l *listener) {
	l.r, l.index, l.tally, l.shard = r, len(r.listeners), r.tally(), r.rec.Shard()
	r.listeners = append(r.listeners, l)
}

// connect opens the producer's connection.
func (p *producer) connect() error {
	conn, err := p.r.b.OpenProducer(p.r.ctx)
	if err != nil {
		return err
	}
	p.conn = conn
	p.pipe, p.answering = conn.(jobqueue.Pipeliner)
	p.prover, _ = conn.(jobqueue.Prover)
	if len(p.r.s.Queues) > 1 {
		p.aimer = conn.(jobqueue.QueueSelector) // lanes looked
	}
	return nil
}

// pool is how many consumers this run has.
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
// with queues that no consumer would take from.
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
		return fmt.Errorf("the %d queues are in different slots of this cluster, so each consumer takes from only one of them, and %d consumers leave some queues without any; use %d or more, or keep the queues in one slot with a hash tag in their name, such as {orders}:jobs", n, r.s.Consumers, n)
	}
	r.warn("the queues are in different slots of the cluster: each consumer takes from only one of them, so none has priority")
	return nil
}

// apart is a backend whose queues lie on several servers, so that no consumer
// can wait for all of them at once.
type apart interface{ CrossSlot() bool }

// apart reports whether the queues of this run are in different slots.
func (r *run) apart() bool {
	b, ok := r.b.(apart)
	return ok && b.CrossSlot() && len(r.s.Queues) > 1
}

// openConsumer opens the i-th consumer. It takes from all queues, or from one of
// them in turn where they are in different slots.
func (r *run) openConsumer(i int) (jobqueue.Consumer, error) {
	if r.apart() {
		return r.b.(jobqueue.MultiQueue).OpenConsumerOn(r.ctx, i%len(r.s.Queues))
	}
	return r.b.OpenConsumer(r.ctx)
}

func (r *run) waiter() (pace.Waiter, error) {
	w, err := r.o.Waiter()
	if err == nil {
		r.waiters = append(r.waiters, w)
	}
	return w, err
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
