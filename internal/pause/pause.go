// Package pause is the time of a run in which no consumer takes a job. Begin reading at
// [Start].
package pause

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/scenario"
)

// Pause is the time in which no consumer takes a job. nil means none.
type Pause struct {
	// until ends when the pause begins: pops that wait then end.
	until context.Context
	over  chan struct{} // closed when it is over
}

// Start starts the clock of the pause. One that begins with the load has begun
// when Start returns; stop ends its goroutine.
func Start(ctx context.Context, s scenario.Hold, epoch time.Time) (p *Pause, stop func()) {
	if s.For == 0 {
		return nil, func() {}
	}
	until, begin := context.WithCancel(ctx)
	p = &Pause{until: until, over: make(chan struct{})}
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

// Pops is the context under which a consumer may wait for jobs now. held is true
// during the pause: then it may not.
func (p *Pause) Pops(ctx context.Context) (pops context.Context, held bool) {
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

// Wait waits for the end of the pause, or of ctx.
func (p *Pause) Wait(ctx context.Context) {
	select {
	case <-p.over:
	case <-ctx.Done():
	}
}

// Begun reports whether a pop ended because the pause began.
func (p *Pause) Begun(pops context.Context) bool {
	return p != nil && pops == p.until && pops.Err() != nil
}
