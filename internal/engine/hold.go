package engine

import (
	"context"
	"time"
)

// hold is the time in which no consumer takes a job. nil means none.
type hold struct {
	// until ends when the hold begins: pops that wait then end.
	until context.Context
	over  chan struct{} // closed when it is over
}

// startHold sets the clock of the hold. It has begun when the load begins at the
// latest if it begins with it; stop ends its goroutine.
func (r *run) startHold(ctx context.Context) (h *hold, stop func()) {
	s := r.s.Hold
	if s.For == 0 {
		return nil, func() {}
	}
	until, begin := context.WithCancel(ctx)
	h = &hold{until: until, over: make(chan struct{})}
	if s.From == 0 {
		begin()
	}
	wait, gone := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(h.over)
		defer begin()
		for _, at := range []time.Duration{s.From, s.From + s.For} {
			timer := time.NewTimer(time.Until(r.epoch.Add(at)))
			select {
			case <-timer.C:
			case <-wait.Done():
				timer.Stop()
				return
			}
			begin()
		}
	}()
	return h, func() { gone(); <-done }
}

// pops is the context under which a consumer may wait for jobs now. held is true
// while the hold goes on: then it may not.
func (h *hold) pops(ctx context.Context) (pops context.Context, held bool) {
	if h == nil || ctx.Err() != nil {
		return ctx, false
	}
	if h.until.Err() == nil {
		return h.until, false
	}
	select {
	case <-h.over:
		return ctx, false
	default:
		return nil, true
	}
}

// rest waits for the end of the hold, or of ctx.
func (h *hold) rest(ctx context.Context) {
	select {
	case <-h.over:
	case <-ctx.Done():
	}
}

// begun reports whether a pop ended because the hold began.
func (h *hold) begun(pops context.Context) bool {
	return h != nil && pops == h.until && pops.Err() != nil
}
