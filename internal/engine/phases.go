package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// What a backend may be able to do beside its contract.
type (
	// checker is asked before anything starts whether the backend takes jobs
	// and has room for so many connections.
	checker interface {
		Check(ctx context.Context, connections int) error
	}
	// inspector tells facts about its server.
	inspector interface {
		Inspect(ctx context.Context) (redisfacts.Facts, error)
	}
	// pinger opens a connection on which the server is asked for nothing.
	pinger interface {
		OpenPing(ctx context.Context) (*redisconn.Ping, error)
	}
	// pooled counts how often a command beside the load waited in vain for a
	// connection.
	pooled interface{ PoolTimeouts() int64 }
	// peeker shows what waits in the queue without taking it.
	peeker interface {
		Peek(ctx context.Context, from, n int64) ([]string, error)
	}
)

// The Redis client can do all of this.
var _ interface {
	checker
	inspector
	pinger
	pooled
	peeker
} = (*jobqueue.Client)(nil)

// do runs the load and drains it. All goroutines end before it returns.
func (r *run) do() {
	var sending, taking, answering, hearing, sampling sync.WaitGroup
	if r.o.Workers != nil {
		r.o.Workers.Begin()
	}
	if err := r.prefill(); err != nil {
		r.fail("push", err)
	}
	probes := r.startProbes()
	var before hoststat.Snapshot
	if !r.o.NoProbes {
		before = hoststat.Take()
	}
	r.cpu[0] = processCPU()
	if r.o.Begin != nil {
		r.o.Begin()
	}
	r.epoch = time.Now()
	if r.s.Load.Open() {
		r.epoch = r.epoch.Add(lead)
	}
	r.started = r.epoch
	hardStop := context.AfterFunc(r.ctx, r.halt)
	defer hardStop()

	hearCtx, deaf := context.WithCancel(r.ctx)
	defer deaf()
	for _, s := range r.subscribers {
		hearing.Go(func() { r.fail("receive", s.loop(hearCtx)) })
	}
	popCtx, stopPops := context.WithCancel(r.ctx)
	defer stopPops()
	var endHold func()
	r.hold, endHold = r.startHold(popCtx)
	defer endHold()
	for _, c := range r.consumers {
		taking.Go(func() {
			if err := c.loop(popCtx); popCtx.Err() == nil || !errors.Is(err, popCtx.Err()) {
				r.fail("consume", err)
			}
		})
	}
	r.passed.Add(len(r.producers))
	for _, p := range r.producers {
		if p.pipe != nil {
			answering.Go(func() { r.fail("push", p.answers()) })
		}
		sending.Go(func() {
			time.Sleep(time.Until(r.epoch))
			if r.tokens != nil {
				r.fail("push", p.closed())
			} else {
				r.fail("push", p.open())
			}
		})
	}
	sampleCtx, stopSampling := context.WithCancel(context.WithoutCancel(r.ctx))
	defer stopSampling()
	sampling.Go(func() { r.sampler.loop(sampleCtx) })
	sampling.Go(func() { r.brake(sampleCtx) })
	if r.rest != nil {
		sampling.Go(func() { r.rest.loop(sampleCtx) })
	}

	if r.s.Load.Observed {
		r.lookOn()
	} else {
		r.supervise(&sending)
	}
	r.ended, r.carriedUntil = time.Now(), r.now()
	if r.o.End != nil {
		r.o.End()
	}
	r.cpu[1] = processCPU()
	if !r.o.NoProbes {
		r.strain = before.Until(hoststat.Take())
	}
	if probes != nil {
		r.probes = probes.Stop()
	}
	if r.o.Workers != nil {
		r.worked = r.o.Workers.End()
	}

	// Nothing is on its way any more, or we wait for it no longer. Consumers
	// end first, while their answers and notifications can still arrive.
	stopPops()
	if r.outstanding() > 0 {
		// The time to drain is over: what a consumer still works on stays
		// unfinished.
		for _, c := range r.consumers {
			if c.wait != nil {
				c.wait.Stop()
			}
		}
	}
	taking.Wait()
	r.await(time.Second, func() bool { return r.outstanding() == 0 })
	for _, p := range r.producers {
		r.closed(&p.conn)
		close(p.fresh)
	}
	answering.Wait()
	deaf()
	for _, s := range r.subscribers {
		r.mu.Lock()
		conn := s.conn
		r.mu.Unlock()
		if err := conn.Close(); errors.Is(err, jobqueue.ErrLost) {
			r.unconfirmed.Add(1)
		}
	}
	hearing.Wait()
	r.mu.Lock()
	away, interrupted := r.away, r.interrupted
	r.mu.Unlock()
	if away != nil && !interrupted {
		r.fail("connect", away)
	}
	stopSampling()
	sampling.Wait()
}

// halt ends the sending at this moment: everything due until now is still sent,
// nothing due later.
func (r *run) halt() {
	r.cut.CompareAndSwap(never, max(0, r.now()))
	if r.tokens != nil {
		r.tokens.end()
	}
	for _, p := range r.producers {
		if p.wait != nil {
			p.wait.Stop()
		}
	}
	if r.ctx.Err() != nil {
		for _, w := range r.waiters {
			w.Stop()
		}
	}
}
