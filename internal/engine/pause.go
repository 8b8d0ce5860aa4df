package engine

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/scenario"
)

// pause is the time in which no consumer takes a job. nil means none.
type pause struct {
	// until ends when the pause begins: pops that wait then end.
	until context.Context
	over  chan struct{} // closed when it is over
}

// startPause starts the clock of the pause. One that begins with the load has begun
// when startPause returns; stop ends its goroutine.
func startPause(ctx context.Context, s scenario.Hold, epoch time.Time) (p *pause, stop func()) {
	if s.For == 0 {
		return nil, func() {}
	}
	until, begin := context.WithCancel(ctx)
	p = &pause{until: until, over: make(chan struct{})}
	if s.From == 0 {
		begin()
	}
	wait, gone := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(p.over)
		defer begin()
		for _, at := range []time.Duration{s.From, s.From + s.For} {
			timer := time.NewTimer(time.Until(epoch.Add(at)))
			select {
			case <-timer.C:
			case <-wait.Done():
				timer.Stop()
				return
			}
			begin()
		}
	}()
	return p, func() { gone(); <-done }
}

// pops is the context under which a consumer may wait for jobs now. held is true
// during the pause: then it may not.
func (p *pause) pops(ctx context.Context) (pops context.Context, held bool) {
	if p == nil || ctx.Err() != nil {
		return ctx, false
	}
	if p.until.Err() == nil {
		return p.until, false
	}
	select {
	case <-p.over:
		return ctx, false
	default:
		return nil, true
	}
}

// wait waits for the end of the pause, or of ctx.
func (p *pause) wait(ctx context.Context) {
	select {
	case <-p.over:
	case <-ctx.Done():
	}
}

// begun reports whether a pop ended because the pause began.
func (p *pause) begun(pops context.Context) bool {
	return p != nil && pops == p.until && pops.Err() != nil
}
