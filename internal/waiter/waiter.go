// Package waiter waits for a moment, as precisely as the system can. When a job is
// due is the matter of package pace; this is the half that knows a clock.
package waiter

import (
	"sync"
	"time"
)

// Waiter waits for one goroutine at a time. Stop may be called by any.
type Waiter interface {
	// Wait returns after d and reports true, or at once and false when Stop is
	// or was called. It never returns early otherwise.
	Wait(d time.Duration) bool
	// Stop ends the wait that goes on and all that come. It may be called
	// more than once.
	Stop()
	// Close frees what the waiter holds. Nothing may wait any more.
	Close() error
}

// Precise returns the most precise waiter that this system has: a kernel
// timer read through Go's network poller on Linux, else [Coarse].
//
// The language's own timers are not used on Linux because they rest on
// epoll_wait, whose timeout is in whole milliseconds: a sleep of 200 µs takes
// about 1.1 ms. A kernel timer that becomes readable wakes the poller like any
// packet, some 30 µs after the moment, holds no thread while it waits, and so
// serves hundreds of goroutines as well as one. It costs two system calls a
// wait and one file descriptor.
func Precise() (Waiter, error) { return newPrecise() }

// Coarse returns a waiter on the language's own timers: good to about a
// millisecond, on every system, and in the virtual time of testing/synctest. Its
// error is always nil: it has the form of [Precise], so that either can be given.
func Coarse() (Waiter, error) { return &coarse{stopped: make(chan struct{})}, nil }

type coarse struct {
	timer   *time.Timer
	stopped chan struct{}
	once    sync.Once
}

var _ Waiter = (*coarse)(nil)

func (w *coarse) Wait(d time.Duration) bool {
	select {
	case <-w.stopped:
		return false
	default:
	}
	if d <= 0 {
		return true
	}
	if w.timer == nil {
		w.timer = time.NewTimer(d)
	} else {
		w.timer.Reset(d)
	}
	select {
	case <-w.timer.C:
		return true
	case <-w.stopped:
		w.timer.Stop()
		return false
	}
}

func (w *coarse) Stop() { w.once.Do(func() { close(w.stopped) }) }

func (w *coarse) Close() error { return nil }
