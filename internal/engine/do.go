package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/pause"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// What a backend may be able to do besides its contract.
type (
	// checker is asked before anything starts whether the backend takes jobs
	// and has room for so many connections.
	checker interface {
		Check(ctx context.Context, connections int) error
	}
	// inspector reports facts about its server.
	inspector interface {
		Inspect(ctx context.Context) (redisfacts.Facts, error)
	}
	// pinger opens a connection for PING only.
	pinger interface {
		OpenPing(ctx context.Context) (*redisconn.Ping, error)
	}
	// pooled counts how often a command outside the load timed out waiting for a
	// connection.
	pooled interface{ PoolTimeouts() int64 }
	// peeker shows what waits in the queue without taking it.
	peeker interface {
		Peek(ctx context.Context, from, n int64) ([]string, error)
	}
)

// crew are the goroutines of a run: do starts them, and drain waits for all of them.
type crew struct {
	sending, entering, taking, answering, hearing, sampling sync.WaitGroup

	stopEntry, stopSaving, stopPops, stopHearing, stopSampling context.CancelFunc
	endPause                                                   func()
	endHalt                                                    func() bool
	repair                                                     func() // ends the faults, and repairs what is broken
	probes                                                     *probe.Probes
	before                                                     hoststat.Snapshot
}

// do starts the clock and runs the load until its schedule is over or something else
// ends it. The error is that of [Options.Start]: there was no load.
func (r *run) do() (*crew, error) {
	c := &crew{}
	begin := func() {
		if r.o.Workers != nil {
			r.o.Workers.Begin()
		}
	}
	if r.o.Start == nil {
		begin()
	}
	if err := r.prefill(); err != nil {
		r.fail("push", err)
	}
	if r.o.Start != nil && r.ctx.Err() != nil {
		return nil, context.Cause(r.ctx) // the others must not wait for this one
	}
	epoch, err := r.awaitStart()
	if err != nil {
		return nil, err
	}
	if r.o.Start != nil {
		begin() // the wait for the others is no part of what workers need
	}
	c.probes = r.startProbes()
	r.sleepUntil(epoch.Add(-lead))
	if !r.o.NoProbes {
		c.before = hoststat.Take()
	}
	r.cpu[0] = hoststat.ProcessCPU()
	if r.o.Begin != nil {
		r.o.Begin()
	}
	if r.epoch = epoch; r.o.Start == nil {
		r.epoch = time.Now()
		if r.s.Load.Open() {
			r.epoch = r.epoch.Add(lead)
		}
	}
	r.started = r.epoch
	c.endHalt = context.AfterFunc(r.ctx, r.halt)
	r.startAll(c)
	if r.s.Load.Observed {
		r.stop(r.observe())
		r.halt()
	} else {
		r.stop(r.untilOver())
	}
	return c, nil
}

// probeLead is how long before the load the control probes are started where the
// beginning is agreed on with others: opening their connection takes time.
const probeLead = 150 * time.Millisecond

// awaitStart is when the load begins, where that is not at once. It returns shortly before.
func (r *run) awaitStart() (time.Time, error) {
	if r.o.Start == nil {
		return time.Time{}, nil
	}
	epoch, err := r.o.Start(r.ctx)
	if err == nil {
		if r.o.Shards != nil {
			r.foreign.expect(r.o.Shards())
		}
		r.sleepUntil(epoch.Add(-probeLead))
	}
	return epoch, err
}

// sleepUntil sleeps until the moment, or until the hard stop.
func (r *run) sleepUntil(at time.Time) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
	}
}

// startAll starts the goroutines, those at the end of a job's way first.
func (r *run) startAll(c *crew) {
	var hear, pops, samples, enter context.Context
	hear, c.stopHearing = context.WithCancel(r.ctx)
	if r.readers != nil {
		r.readers.live.Store(true)
	}
	for _, s := range r.subscribers {
		c.hearing.Go(func() { r.fail("receive", s.loop(hear)) })
	}
	pops, c.stopPops = context.WithCancel(r.ctx)
	r.saving, c.stopSaving = context.WithCancel(r.ctx)
	r.pause, c.endPause = pause.Start(pops, r.s.Hold, r.epoch)
	for _, one := range r.consumers {
		c.taking.Go(func() {
			if err := one.loop(pops); pops.Err() == nil || !errors.Is(err, pops.Err()) {
				r.fail("consume", err)
			}
		})
	}
	enter, c.stopEntry = context.WithCancel(r.ctx)
	if r.entry != nil {
		for _, d := range r.entry.doors {
			c.entering.Go(func() { r.fail(r.entry.op, r.entry.serve(enter, d)) })
		}
	}
	r.passed.Add(len(r.producers))
	for _, p := range r.producers {
		if p.pipe != nil {
			c.answering.Go(func() { r.fail("push", p.answers()) })
		}
		c.sending.Go(func() {
			time.Sleep(time.Until(r.epoch))
			if r.tokens != nil {
				r.fail("push", p.closed())
			} else {
				r.fail("push", p.open())
			}
			p.finish()
		})
	}
	samples, c.stopSampling = context.WithCancel(context.WithoutCancel(r.ctx))
	c.sampling.Go(func() { r.sampler.loop(samples) })
	c.sampling.Go(func() { r.watchLimits(samples) })
	c.sampling.Go(func() { r.watchEntry(samples) })
	if r.thinking != nil {
		c.sampling.Go(func() { r.thinking.Loop(samples) })
	}
	c.repair = r.faults.start(r.ctx, r.o.Stop)
}

// measured takes what was measured of this host and of the workers during the load.
func (r *run) measured(c *crew) {
	r.cpu[1] = hoststat.ProcessCPU()
	if !r.o.NoProbes {
		r.hoststat = c.before.Until(hoststat.Take())
	}
	if c.probes != nil {
		r.probes = c.probes.Stop()
	}
	if r.o.Workers != nil {
		r.worked = r.o.Workers.End()
	}
}

// lastSaves is how long rows are still updated when all jobs are over.
const lastSaves = 2 * time.Second

// dismiss ends the goroutines. Consumers end first, while their answers and
// notifications can still arrive.
func (r *run) dismiss(c *crew) {
	c.repair()
	c.stopEntry()
	if r.entry != nil {
		r.entry.end(r.outstanding() > 0)
	}
	r.entry.close() // a server that hangs answers no push
	c.entering.Wait()
	c.stopPops()
	if r.outstanding() > 0 {
		// The drain timeout is over: unfinished work stays unfinished.
		c.stopSaving()
		for _, one := range r.consumers {
			one.stopWork()
		}
	}
	// No job is outstanding, so what is saved now was given out twice.
	saved := time.AfterFunc(lastSaves, c.stopSaving)
	c.taking.Wait()
	saved.Stop()
	c.stopSaving()
	c.endPause()
	r.await(time.Second, func() bool { return r.outstanding() == 0 })
	for _, p := range r.producers {
		r.closeProducer(&p.conn)
		close(p.fresh)
	}
	c.answering.Wait()
	c.stopHearing()
	for _, s := range r.subscribers {
		r.conns.Lock()
		conn := s.conn
		r.conns.Unlock()
		if err := conn.Close(); errors.Is(err, jobqueue.ErrLost) {
			r.unconfirmed.Add(1)
		}
	}
	c.hearing.Wait()
	r.closeReaders()
	if r.away != nil && !r.interrupted && !r.faults.ended() {
		r.fail("connect", r.away)
	}
	c.stopSampling()
	c.sampling.Wait()
	c.endHalt()
}

// halt ends the sending at this moment: what is due by now is still sent, nothing due
// later is.
func (r *run) halt() {
	r.cut.CompareAndSwap(never, max(0, r.now()))
	if r.tokens != nil {
		r.tokens.End()
	}
	for _, p := range r.producers {
		if p.wait != nil {
			p.wait.Stop()
		}
	}
	if r.ctx.Err() != nil {
		r.conns.Lock()
		waiters := slices.Clone(r.waiters)
		r.conns.Unlock()
		for _, w := range waiters {
			w.Stop()
		}
	}
}

// startProbes starts the control probes. A run without them is as good, but less is
// known about it.
func (r *run) startProbes() *probe.Probes {
	if r.o.NoProbes {
		return nil
	}
	var ping probe.Pinger
	if b, ok := r.b.(pinger); ok && !r.s.Load.Observed { // an observer asks for as little as possible
		p, err := b.OpenPing(r.ctx)
		if err != nil {
			r.warn("no control probe of the server: %s", err)
		} else {
			ping = &lastingPing{r: r, open: b.OpenPing, now: p}
		}
	}
	p, err := probe.Start(r.ctx, ping, r.o.Waiter)
	if err != nil {
		r.warn("no control probes: %s", err)
		return nil
	}
	return p
}
