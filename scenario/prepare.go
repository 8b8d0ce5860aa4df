package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// prepare opens everything and pushes nothing.
func (r *run) prepare() error {
	s := r.s
	if c, ok := r.b.(checker); ok {
		const own = 5 // for commands beside the load
		if err := c.Check(r.ctx, s.Producers+s.Consumers+s.Subscribers+own); err != nil {
			return err
		}
	}
	if n, err := r.b.Len(r.ctx); err != nil {
		return err
	} else if n > 0 {
		return fmt.Errorf("the queue is not empty: %d jobs of somebody else wait in it; name another queue, or clear it", n)
	}
	r.inspect(0)
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
	for i := range s.Consumers {
		conn, err := r.b.OpenConsumer(r.ctx)
		if err != nil {
			return fmt.Errorf("open consumer %d of %d: %w", i+1, s.Consumers, err)
		}
		c := &consumer{r: r, conn: turner(conn), tally: r.tally(), shard: r.rec.shard()}
		c.acked = c.published
		r.consumers = append(r.consumers, c)
		if s.Work.Time > 0 {
			if c.wait, err = r.waiter(); err != nil {
				return err
			}
		}
	}
	for i := range s.Producers {
		conn, err := r.b.OpenProducer(r.ctx)
		if err != nil {
			return fmt.Errorf("open producer %d of %d: %w", i+1, s.Producers, err)
		}
		p := &producer{r: r, index: i, conn: conn, tally: r.tally(), shard: r.rec.shard()}
		p.pipe, _ = conn.(jobqueue.Pipeliner)
		r.producers = append(r.producers, p)
		if !s.Load.Closed() {
			if p.wait, err = r.waiter(); err != nil {
				return err
			}
		}
	}
	var err error
	r.sampler, err = newSampler(r)
	return err
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
			r.warn("the server does not tell: %s", w)
		}
	}
}

// release closes what is open and removes the queue.
func (r *run) release() error {
	for _, p := range r.producers {
		p.conn.Close()
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
	if r.epoch.IsZero() {
		return nil // nothing was pushed, so nothing is ours
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 3*time.Second)
	defer cancel()
	if err := r.b.Clear(ctx); err != nil {
		if r.fatal() != nil {
			r.warn("the queue could not be removed: %s", err)
			return nil // the same fault, most likely
		}
		return fmt.Errorf("remove the queue: %w", err)
	}
	return nil
}
