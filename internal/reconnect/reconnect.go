// Package reconnect says when a lost connection is opened again: how long to pause
// before each try, and when to report the outage. It opens nothing itself. Begin
// reading at [Policy].
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

// Wait waits for d, or until done is closed; done may be nil.
func Wait(d time.Duration, done <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}
