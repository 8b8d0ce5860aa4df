// Package fault carries out what a run breaks on purpose: each fault begins and ends at
// its planned moment, and what is broken is repaired however the run ends. It knows no
// queue and no server; an [Injector] does. It also says which faults cannot be carried
// out at a place. Begin reading at [Schedule].
package fault

import (
	"context"
	"sync"
	"time"
)

// Injector breaks one thing and repairs it.
type Injector interface {
	// Begin breaks it, and returns when it is broken.
	Begin(ctx context.Context) error
	// End repairs it, and returns when it is whole. It is called once for each Begin,
	// whether that succeeded or not. ctx does not end with the run.
	End(ctx context.Context) error
}

// Planned is one fault of a schedule.
type Planned struct {
	// At is when it begins and Until when it ends, from the start of the load.
	At, Until time.Duration
	// Stays means that it does not end: the injector's End is never called.
	Stays bool
	// What is what it breaks. While an earlier fault breaks the same, it does not begin,
	// and it ends that much later. Empty means that it waits for no other fault.
	What     string
	Injector Injector
}

// Outcome is what became of a fault.
type Outcome struct {
	// Began is when Begin returned and Ended when End did, from the start of the load.
	// Begun and Over say whether they did.
	Began, Ended time.Duration
	Begun, Over  bool
	// Err is the error of Begin or of End.
	Err error
}

// repairTime bounds the repair of one fault.
const repairTime = 30 * time.Second

// Schedule carries out faults. Its methods may be called by several goroutines.
type Schedule struct {
	// Now is the time since the start of the load.
	Now func() time.Duration
	// Begins and Ends are called right before the Begin of the i-th fault, and right
	// after its End. They may be nil.
	Begins, Ends func(i int)
	// Allowed reports whether a fault may still begin. nil means always.
	Allowed func() bool

	planned []Planned
	mu      sync.Mutex // guards outcomes
	out     []Outcome
}

// NewSchedule is the schedule of the faults.
func NewSchedule(planned []Planned) *Schedule {
	return &Schedule{planned: planned, out: make([]Outcome, len(planned))}
}

// Run carries the faults out. It returns when all of them are over or, soon after ctx
// ends, when what was broken by then is repaired.
func (s *Schedule) Run(ctx context.Context) {
	var all sync.WaitGroup
	over := make([]chan struct{}, len(s.planned))
	for i := range over {
		over[i] = make(chan struct{})
	}
	for i := range s.planned {
		all.Go(func() {
			whole := sync.OnceFunc(func() { close(over[i]) })
			defer whole()
			s.one(ctx, i, over, whole)
		})
	}
	all.Wait()
}

// one carries out the i-th fault. It calls whole as soon as what was broken is repaired;
// over is closed for each fault of which that is so.
func (s *Schedule) one(ctx context.Context, i int, over []chan struct{}, whole func()) {
	p := s.planned[i]
	if !s.wait(ctx, p.At) {
		return
	}
	late, free := s.turn(ctx, i, over)
	if !free || s.Allowed != nil && !s.Allowed() {
		return
	}
	p.Until += late
	if s.Begins != nil {
		s.Begins(i)
	}
	err := p.Injector.Begin(ctx)
	s.note(i, func(o *Outcome) { o.Began, o.Begun, o.Err = s.Now(), err == nil, err })
	if p.Stays {
		return
	}
	if err == nil {
		s.wait(ctx, p.Until)
	}
	repair, cancel := context.WithTimeout(context.WithoutCancel(ctx), repairTime)
	defer cancel()
	failed := p.Injector.End(repair)
	s.note(i, func(o *Outcome) {
		o.Ended, o.Over = s.Now(), o.Begun && failed == nil
		if o.Err == nil {
			o.Err = failed
		}
	})
	whole()
	if s.Ends != nil {
		s.Ends(i)
	}
}

// turn waits until the faults before the i-th that break the same are over, and returns
// how long that took. free is false when ctx ended first.
func (s *Schedule) turn(ctx context.Context, i int, over []chan struct{}) (late time.Duration, free bool) {
	p, from := s.planned[i], s.Now()
	for k, before := range s.planned {
		if k == i || p.What == "" || before.What != p.What || before.At > p.At || before.At == p.At && k > i {
			continue
		}
		select {
		case <-over[k]:
		case <-ctx.Done():
			return 0, false
		}
	}
	return s.Now() - from, ctx.Err() == nil
}

// wait waits for a moment of the load. It is false when ctx ended first.
func (s *Schedule) wait(ctx context.Context, at time.Duration) bool {
	timer := time.NewTimer(at - s.Now())
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (s *Schedule) note(i int, change func(*Outcome)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.out[i])
}

// Outcomes are what became of the faults so far, in the order of the plan.
func (s *Schedule) Outcomes() []Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Outcome(nil), s.out...)
}
