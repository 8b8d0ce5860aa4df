package recovery_test

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/recovery"
)

// system is a queue with constant arrivals and one worker of constant speed, which
// does nothing during the stalls. Jobs are worked off in order.
type system struct {
	rate   float64       // arrivals per second
	rho    float64       // utilization
	base   time.Duration // the latency on top of the work
	length time.Duration
	stalls []stall
}

type stall struct{ from, length time.Duration }

func (s stall) end() time.Duration { return s.from + s.length }

// fault is the stall as a fault.
func (s stall) fault() recovery.Fault {
	return recovery.Fault{Begin: int64(s.from), End: int64(s.end()), FirstError: recovery.Never}
}

// work is how long the worker takes for a job.
func (s system) work() time.Duration { return time.Duration(s.rho / s.rate * float64(time.Second)) }

// job is the n-th one, when it is due.
func (s system) due(n int) time.Duration {
	return time.Duration(float64(n) / s.rate * float64(time.Second))
}

// run simulates the system.
func (s system) run() (in recovery.Input) {
	in.Until = int64(s.length)
	for _, one := range s.stalls {
		in.Faults = append(in.Faults, one.fault())
	}
	var free time.Duration
	for n := 0; s.due(n) < s.length; n++ {
		due := s.due(n)
		free = s.after(max(due, free), s.work())
		in.Jobs = append(in.Jobs, recovery.Job{Due: int64(due), Ended: int64(free + s.base)})
	}
	return in
}

// after is when so much work is done that begins at a moment.
func (s system) after(at, work time.Duration) time.Duration {
	for _, one := range s.stalls {
		switch {
		case at+work <= one.from:
			return at + work
		case at >= one.end():
			continue
		case at < one.from:
			work -= one.from - at
		}
		at = one.end()
	}
	return at + work
}
