package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/token"
	"github.com/queuedyno/queuedyno/internal/waiter"
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
	waiters     []waiter.Waiter
	passed      sync.WaitGroup // a producer leaves it when it has passed the window
	conns       sync.Mutex     // guards their connections, which change when one is lost
}

// Connections is how many connections to Redis a run of the scenario opens at most.
// apart says that its queues lie on several servers.
func Connections(s scenario.Scenario, apart bool) int {
	const own = 5 // for commands outside the load
	producers := s.Producers
	switch s.Entry.Kind {
	case scenario.EntryPostgres:
		producers = s.Entry.Postgres.Connections
	case scenario.EntryHTTP:
		producers = 0
	}
	if apart {
		producers *= len(s.Queues) // each has a connection to each queue
	}
	return producers + s.Consumers + s.Subscribers + own
}

// prepare opens everything and pushes nothing.
func (r *run) prepare() error {
	s := r.s
	if c, ok := r.b.(interface{ Unverified() bool }); ok && c.Unverified() {
		r.warn("the server's TLS certificate was not verified: its identity is not known")
	}
	if c, ok := r.b.(checker); ok && !s.Load.Observed {
		if err := c.Check(r.ctx, Connections(s, r.apart())); err != nil {
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
		return &NotEmptyError{Jobs: n}
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
		conn, err := r.openConsumer(r.ctx, i)
		if err != nil {
			return fmt.Errorf("open consumer %d of %d: %w", i+1, s.Consumers, err)
		}
		c := &consumer{r: r, index: i, conn: publishpop.Of(conn), popWait: redisconn.PopWait(s.Consumers), tally: r.tally(), shard: r.rec.Shard()}
		c.acked = c.published
		r.consumers = append(r.consumers, c)
		if s.Work.Time > 0 {
			if c.wait, err = r.waiter(); err != nil {
				return err
			}
			c.service = service(s.Work, s.Seed, s.Shard.Index*s.Consumers+i)
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
	p.prover, _ = conn.(prover)
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

// service is how long the work of one consumer takes, job by job. Each consumer of all shards
// draws times that differ from the others'.
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
func (r *run) openConsumer(ctx context.Context, i int) (jobqueue.Consumer, error) {
	if r.apart() {
		return r.b.(jobqueue.MultiQueue).OpenConsumerOn(ctx, i%len(r.s.Queues))
	}
	return r.b.OpenConsumer(ctx)
}

func (r *run) waiter() (waiter.Waiter, error) {
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

// prefill pushes the jobs that wait when the load begins. They are due at the
// moment at which the consumers are let loose.
func (r *run) prefill() error {
	// Where jobs need not go to several queues, a push takes as many as fit into
	// one write.
	const most = 1000
	if plan.Prefill(r.s) == 0 {
		return nil
	}
	p, limit, due := r.producers[0], plan.Prefill(r.s), -int64(lead)
	var d *storeDoor
	if r.store != nil {
		d = r.entry.doors[0].(*storeDoor)
		p = d.producer
	}
	size := int64(r.s.Batch)
	if p.aimer == nil {
		size = max(size, min(most, maxWrite/int64(r.format.Max))/size*size)
	}
	for r.filled < limit && !r.stopping() {
		g := plan.Clip(pace.Group{First: r.filled, Jobs: int(size)}, limit)
		if d != nil {
			d.encode(g)
			if err := r.store.Insert(r.ctx, d.ids, d.tenants); err != nil {
				return fmt.Errorf("prefill the table: %w", err)
			}
		}
		if err := p.fill(g, due); err != nil {
			return fmt.Errorf("prefill the queue: %w", err)
		}
		r.filled += int64(g.Jobs)
	}
	return nil
}

// fill pushes a group before the load begins and waits for the answer.
func (p *producer) fill(g pace.Group, due int64) error {
	p.batch, p.arena, p.slots = p.batch[:0], p.arena[:0], p.slots[:0]
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		j := p.r.start(n, due)
		j.Stamp[flight.SentAt], j.Stamp[flight.AckedAt] = due, due
		p.slots = append(p.slots, j)
		at := len(p.arena)
		p.arena = p.r.format.Append(p.arena, n)
		p.batch = append(p.batch, p.arena[at:len(p.arena):len(p.arena)])
	}
	p.aim(g)
	if err := p.conn.Push(p.r.ctx, p.batch...); err != nil {
		return err
	}
	for i, j := range p.slots {
		j.Launch(g.First + int64(i))
		marks := flight.Acked
		if p.r.store != nil {
			j.Stamp[flight.StoredAt] = due
			marks |= flight.Stored
		}
		j.Mark(g.First+int64(i), marks)
	}
	p.tally.Add(ledger.Sent, int64(g.Jobs))
	p.tally.Add(ledger.Acked, int64(g.Jobs))
	p.batch, p.arena, p.slots = p.batch[:0], p.arena[:0], p.slots[:0]
	return nil
}
