package scenario

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/strain"
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
		Inspect(ctx context.Context) (jobqueue.Facts, error)
	}
	// pinger opens a connection on which the server is asked for nothing.
	pinger interface {
		OpenPing(ctx context.Context) (jobqueue.Ping, error)
	}
	// peeker shows what waits in the queue without taking it.
	peeker interface {
		Peek(ctx context.Context, from, n int64) ([]string, error)
	}
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
	r.sampler = newSampler(r)
	return nil
}

// do runs the load and drains it. All goroutines end before it returns.
func (r *run) do() {
	var sending, taking, answering, hearing, sampling sync.WaitGroup
	probes := r.startProbes()
	var before strain.Snapshot
	if !r.o.NoProbes {
		before = strain.Take()
	}
	r.cpu[0] = processCPU()
	if r.o.Begin != nil {
		r.o.Begin()
	}
	r.epoch = time.Now()
	if r.tokens == nil {
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

	r.supervise(&sending)
	r.ended = time.Now()
	if r.o.End != nil {
		r.o.End()
	}
	r.cpu[1] = processCPU()
	if !r.o.NoProbes {
		r.strain = before.Until(strain.Take())
	}
	if probes != nil {
		r.probes = probes.Stop()
	}

	// Nothing is on its way any more, or we wait for it no longer. Consumers
	// end first, while their answers and notifications can still arrive.
	stopPops()
	taking.Wait()
	r.await(time.Second, func() bool { return r.outstanding() == 0 })
	for _, p := range r.producers {
		p.conn.Close()
	}
	answering.Wait()
	deaf()
	for _, s := range r.subscribers {
		r.mu.Lock()
		conn := s.conn
		r.mu.Unlock()
		conn.Close()
	}
	hearing.Wait()
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

// supervise waits for the end of the schedule, keeps the load on until every
// job of the window is accounted for, and drains.
func (r *run) supervise(sending *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		r.passed.Wait()
		close(done)
	}()
	reason := r.untilPassed(done)
	left := r.s.DrainTimeout
	// The load stays on while the window's last jobs are on their way: they
	// are to meet the same system as those before them.
	if reason == "" {
		reason = r.naturalReason()
		if !r.await(r.s.DrainTimeout, func() bool {
			t := sum(r.tallies)
			return r.rec.completed()+t.windowNobody >= t.windowSent || r.stopping()
		}) {
			left = 10 * time.Millisecond
		}
	}
	r.mu.Lock()
	r.stopReason = reason
	r.mu.Unlock()
	r.halt()
	<-done
	if r.ctx.Err() == nil {
		// A producer whose write the server does not take would wait for ever.
		sent := make(chan struct{})
		go func() {
			sending.Wait()
			close(sent)
		}()
		if !r.await(max(r.s.DrainTimeout, time.Second), func() bool {
			select {
			case <-sent:
				return true
			default:
				return false
			}
		}) {
			r.cancelStuck()
		}
	}
	if r.ctx.Err() != nil {
		for _, p := range r.producers {
			p.conn.Close()
		}
	}
	sending.Wait()
	// The jobs that kept the load on have as much time to arrive as those of
	// the window had; when those took all of it, there is no more.
	if !r.await(left, func() bool { return r.outstanding() == 0 }) && r.ctx.Err() == nil {
		r.warn("%d jobs were still on their way when the drain timeout of %s was over", r.outstanding(), r.s.DrainTimeout)
	}
}

// cancelStuck ends a run whose server takes no more bytes.
func (r *run) cancelStuck() {
	r.fail("push", errors.New("push: the server took no bytes until the end of the drain timeout"))
}

// untilPassed waits until every producer has passed the window. It returns the
// reason when something else ended the load.
func (r *run) untilPassed(done <-chan struct{}) string {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	progress, last := time.Now(), int64(-1)
	for {
		select {
		case <-done:
			return r.failedReason()
		case <-r.ctx.Done():
			if r.fatal() == nil {
				r.interrupt()
				return "stopped at once from outside"
			}
			return r.failedReason()
		case <-r.o.Stop:
			r.interrupt()
			r.halt()
			return "stopped from outside; what was on its way was drained"
		case <-tick.C:
			// In a closed loop a lost job keeps its token. When all are lost,
			// nothing will ever happen again.
			if n := r.finished(); r.tokens == nil || n != last || r.outstanding() == 0 {
				progress, last = time.Now(), n
			} else if time.Since(progress) > r.s.DrainTimeout {
				r.halt()
				return fmt.Sprintf("no job was completed for %s, and all tokens of the closed loop are taken", r.s.DrainTimeout)
			}
		}
	}
}

// stopping reports whether the run is being stopped from outside. A soft stop
// while the window drains changes nothing but this wait.
func (r *run) stopping() bool {
	select {
	case <-r.o.Stop:
		r.interrupt()
		return true
	case <-r.ctx.Done():
		return true
	default:
		return false
	}
}

func (r *run) interrupt() {
	r.mu.Lock()
	r.interrupted = true
	r.mu.Unlock()
}

func (r *run) failedReason() string {
	if err := r.fatal(); err != nil {
		return "error: " + err.Error()
	}
	return ""
}

// naturalReason is why a load ended that nothing cut short.
func (r *run) naturalReason() string {
	r.mu.Lock()
	braked := r.braked
	r.mu.Unlock()
	if braked != "" && r.cut.Load() != never {
		return braked
	}
	if r.s.Load.Jobs > 0 && sum(r.tallies).sent >= r.s.Load.Jobs {
		return fmt.Sprintf("all %d jobs were sent", r.s.Load.Jobs)
	}
	return fmt.Sprintf("the schedule of %s was over", r.s.Load.Duration)
}

// finished is how many jobs are over, complete or known to be lost.
func (r *run) finished() int64 { return r.rec.added() + sum(r.tallies).nobody }

// outstanding is how many jobs were sent and are not over.
func (r *run) outstanding() int64 {
	over := r.finished()
	return sum(r.tallies).sent - over
}

// await looks every few milliseconds whether something has come about, for at
// most the given time or until the hard stop. It reports whether it has.
func (r *run) await(most time.Duration, come func() bool) bool {
	deadline := time.Now().Add(most)
	for !come() {
		if r.ctx.Err() != nil || time.Now().After(deadline) {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
	return true
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 5*time.Second)
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
