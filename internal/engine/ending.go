package engine

import (
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/stopreason"
)

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
