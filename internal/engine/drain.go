package engine

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// untilOver waits for the end of the schedule. It returns the reason when something
// else ended the load.
func (r *run) untilOver() string {
	passed := make(chan struct{})
	go func() {
		r.passed.Wait()
		close(passed)
	}()
	if reason := r.untilPassed(passed); reason != "" {
		return reason
	}
	return r.untilWindowOver()
}

// drain keeps the load on until every job of the window is accounted for, waits for
// the jobs on their way, and ends all goroutines of the run.
func (r *run) drain(c *crew) {
	if !r.s.Load.Observed {
		r.drainJobs(&c.sending)
	}
	r.ended, r.outcome.drained = time.Now(), r.now()
	if r.o.End != nil {
		r.o.End()
	}
	r.measured(c)
	r.dismiss(c)
}

// drainJobs waits for the jobs of the window while the load stays on, then for all.
func (r *run) drainJobs(sending *sync.WaitGroup) {
	left := r.s.DrainTimeout
	// The window's last jobs must meet the same system as those before them.
	if r.reason == "" {
		r.stop(r.naturalReason())
		if !r.await(r.s.DrainTimeout, func() bool {
			t := ledger.SumOf(r.tallies, ledger.WindowLost, ledger.WindowSent)
			return r.rec.Completed()+t[ledger.WindowLost] >= t[ledger.WindowSent] || r.stopping() || r.hopeless() || r.faults.ended()
		}) {
			left = min(left, 250*time.Millisecond)
		}
	}
	r.halt()
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
			r.fail("push", errors.New("push: the server took no bytes until the end of the drain timeout"))
		}
	}
	if r.ctx.Err() != nil {
		for _, p := range r.producers {
			r.closeProducer(&p.conn)
		}
	}
	sending.Wait()
	// The jobs that kept the load on have as much time to arrive as those of the
	// window had. If those took all of it, no time is left.
	if !r.await(left, func() bool { return r.outstanding() == 0 || r.hopeless() || r.faults.ended() }) && r.ctx.Err() == nil {
		r.warn("%d jobs were still on their way when the drain timeout of %s was over", r.outstanding(), r.s.DrainTimeout)
	}
	if r.ctx.Err() != nil && r.fatal() == nil {
		r.interrupt() // also when it came after the schedule was over
		if r.reason == stopreason.Outside {
			r.stop(stopreason.ThenAtOnce)
		}
	}
}

// shorten ends the load because a limit or a threshold was broken.
func (r *run) shorten(reason string, at time.Duration) {
	r.ending.shorten(reason, at)
	r.halt()
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
			return r.hardReason() // producers end by the hard stop, too
		case <-r.ctx.Done():
			return r.hardReason()
		case <-r.o.Stop:
			r.interrupt()
			r.halt()
			return stopreason.Outside
		case <-tick.C:
			if end := r.scheduleEnd(); end > 0 && r.now() > end+int64(r.s.DrainTimeout) {
				r.halt()
				return stopreason.NotAllSent
			}
			if r.tokens != nil && r.unrecognized.hopeless() {
				r.halt()
				return stopreason.NotUnderstood
			}
			// In a closed loop a lost job keeps its token. When all are lost,
			// nothing will ever happen again.
			if n := r.finished(); r.tokens == nil || n != last || r.outstanding() == 0 {
				progress, last = time.Now(), n
			} else if time.Since(progress) > r.s.DrainTimeout {
				r.halt()
				return stopreason.NoProgress
			}
		}
	}
}

// untilWindowOver waits for the end of the window, which comes later than its last
// job: a window that ended with that job would be too short, and its rates too high. It returns the reason when something else ended the load.
func (r *run) untilWindowOver() string {
	if !r.s.Load.Open() || r.s.Load.Duration == 0 || r.s.Load.Jobs > 0 && r.total(ledger.Sent)-r.filled >= plan.JobLimit(r.s) {
		return "" // it ends with its last job
	}
	// What is due at the very end belongs to the time after it.
	over := time.NewTimer(time.Until(r.epoch.Add(r.s.Load.Duration - 1)))
	defer over.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over.C:
			return ""
		case <-r.ctx.Done():
			return r.hardReason()
		case <-r.o.Stop:
			r.interrupt()
			r.halt()
			return stopreason.Outside
		case <-tick.C:
			if r.cut.Load() != never {
				return "" // a threshold or a limit ended the load
			}
		}
	}
}

// scheduleEnd is when the last job of an open loop is due, 0 for a closed one.
func (r *run) scheduleEnd() int64 {
	if r.tokens != nil {
		return 0
	}
	end := r.rec.To
	if n := r.s.Load.Jobs; n > 0 && !r.s.Load.Varies() {
		last := float64(n) / r.s.Load.Rate.Float() * float64(time.Second)
		if r.s.Load.Arrivals == pace.Poisson {
			last += 10 * math.Sqrt(float64(n)) / r.s.Load.Rate.Float() * float64(time.Second)
		}
		if last < float64(end) {
			end = int64(last)
		}
	}
	return end
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

// hardReason is why the load was ended at once, empty when it was not.
func (r *run) hardReason() string {
	if r.fatal() != nil {
		return stopreason.Error
	}
	if r.ctx.Err() == nil {
		return ""
	}
	r.interrupt()
	return stopreason.AtOnce
}

// naturalReason is why a load ended that nothing cut short.
func (r *run) naturalReason() string {
	if reason := r.shortened(); reason != "" {
		return reason
	}
	if r.s.Load.Jobs > 0 && r.total(ledger.Sent)-r.filled >= plan.JobLimit(r.s) {
		return stopreason.JobsSent
	}
	return stopreason.ScheduleOver
}

// await checks every few milliseconds whether something has happened, for at most the
// given time or until the hard stop. It reports whether it has.
func (r *run) await(limit time.Duration, happened func() bool) bool {
	deadline := time.Now().Add(limit)
	for !happened() {
		if r.ctx.Err() != nil || time.Now().After(deadline) {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
	return true
}

// ending is why and when the load ended.
type ending struct {
	mu          sync.Mutex // guards what follows
	interrupted bool
	reason      string
	aborted     string // the threshold that ended the load, empty when none did
	cutBy       string // the limit or the threshold that ended the load, see shorten
	cutAt       time.Duration
}

// interrupt notes that the run was stopped from outside.
func (e *ending) interrupt() {
	e.mu.Lock()
	e.interrupted = true
	e.mu.Unlock()
}

// shorten notes that the load is ended because a limit or a threshold was broken. The
// first reason is kept, except that a threshold, which says more, replaces a limit.
func (e *ending) shorten(reason string, at time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cutBy == "" || reason == stopreason.Threshold && e.cutBy != reason {
		e.cutBy, e.cutAt = reason, at
	}
}

// abort notes the threshold that ends the load. The first one is kept.
func (e *ending) abort(expr string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.aborted == "" {
		e.aborted = expr
	}
}

// stop notes why the load ended.
func (e *ending) stop(reason string) {
	e.mu.Lock()
	e.reason = reason
	e.mu.Unlock()
}

// over reports whether the load has ended.
func (e *ending) over() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reason != ""
}

// shortened is the limit or the threshold that ended the load, empty when none did.
func (e *ending) shortened() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cutBy
}

// stoppedAt is when a limit or a threshold ended the load, 0 when none did.
func (e *ending) stoppedAt() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reason != e.cutBy {
		return 0
	}
	return e.cutAt.Seconds()
}
