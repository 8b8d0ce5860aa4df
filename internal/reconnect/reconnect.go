// Package reconnect says when a lost connection is opened again: how long to pause
// before each try, when to report the outage, and when to give up. It opens nothing
// itself. Begin reading at [Policy].
package reconnect

import "time"

// Policy is how one loop reconnects. What counts are the failures in a row: the loss
// of the connection is the first, each try that fails is another.
type Policy struct {
	// Immediate is after how many failures the next try needs no pause.
	Immediate int
	// First is the first pause. Each pause is twice as long as the one before, up to
	// Longest.
	First, Longest time.Duration
	// Report is the number of failures that are worth reporting; 0 and 1 report every
	// loss.
	Report int
	// GiveUp is how long an outage may last; 0 sets no limit.
	GiveUp time.Duration
}

// Pause is how long to wait before the next try after so many failures.
func (p Policy) Pause(failures int) time.Duration {
	n := failures - p.Immediate - 1
	if n < 0 {
		return 0
	}
	pause := p.First
	for ; n > 0 && pause < p.Longest; n-- {
		pause *= 2
	}
	return min(pause, p.Longest)
}

// Reports reports whether so many failures are worth reporting.
func (p Policy) Reports(failures int) bool { return failures >= p.Report }

// GivesUp reports whether an outage that began then has lasted too long.
func (p Policy) GivesUp(began time.Time) bool {
	return p.GiveUp > 0 && !began.IsZero() && time.Since(began) > p.GiveUp
}

// Wait waits for d, or until one of the channels is closed; either may be nil.
func Wait(d time.Duration, done, ended <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	case <-ended:
	}
}
