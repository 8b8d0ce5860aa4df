package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// silence is the longest time in which the server answered nothing, as the questions
// for the queue's length found it: one of them was given up in it.
type silence struct {
	answered int64 // when the last answer came
	overdue  bool  // a question after it was given up
	from, to int64 // the longest silence that is over; both 0 when there was none
}

// answer takes in an answer at that moment.
func (s *silence) answer(at int64) {
	if s.overdue && at-s.answered > s.to-s.from {
		s.from, s.to = s.answered, at
	}
	s.answered, s.overdue = at, false
}

// giveUp takes in a question that was not answered in time.
func (s *silence) giveUp(err error) {
	s.overdue = s.overdue || errors.Is(err, context.DeadlineExceeded)
}

// longest is the longest silence until the given end. It lasts when the server has
// not answered since.
func (s silence) longest(end int64) (from, length time.Duration, lasts bool) {
	if s.overdue && end-s.answered >= s.to-s.from {
		return time.Duration(s.answered), time.Duration(end - s.answered), true
	}
	return time.Duration(s.from), time.Duration(s.to - s.from), false
}

// stalled is the longest time in which the server answered nothing, 0 when there
// was none of a second or more.
func (s *sampler) stalled() (from, length time.Duration, lasts bool) {
	if s == nil {
		return 0, 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silence.longest(s.stallEnd)
}

// stoppedError is why the queue could not be removed: the server had stopped
// answering, that far into the run.
type stoppedError struct {
	from  time.Duration
	cause error
}

func (e *stoppedError) Error() string {
	return fmt.Sprintf("the server stopped answering %.1f s into the run, so the queue could not be removed: %s", e.from.Seconds(), e.cause)
}

func (e *stoppedError) Unwrap() error { return e.cause }

// Hint is the remedy.
func (e *stoppedError) Hint() string {
	return "find out what held the server up (its log, SLOWLOG, a paused container or host), and run again"
}
