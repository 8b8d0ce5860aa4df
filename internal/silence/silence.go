// Package silence finds the longest time in which a server answered nothing. Begin reading
// at [Silence].
package silence

import (
	"context"
	"errors"
	"time"
)

// Silence is the longest time in which the server answered nothing, as the questions
// for the queue's length found it: one of them was given up in it.
type Silence struct {
	answered int64 // when the last answer came
	overdue  bool  // a question after it was given up
	from, to int64 // the longest silence that is over; both 0 when there was none
	over     int64 // when the last one was over; 0 when there was none
}

// Answer takes in an answer at that moment.
func (s *Silence) Answer(at int64) {
	if s.overdue {
		s.over = at
		if at-s.answered > s.to-s.from {
			s.from, s.to = s.answered, at
		}
	}
	s.answered, s.overdue = at, false
}

// GiveUp takes in a question that was not answered in time.
func (s *Silence) GiveUp(err error) {
	s.overdue = s.overdue || errors.Is(err, context.DeadlineExceeded)
}

// Within reports whether the server is silent at that moment, or was at any time of the span
// before it.
func (s Silence) Within(span time.Duration, at int64) bool {
	return s.overdue || s.over > 0 && at-s.over < int64(span)
}

// Longest is the longest silence until the given end. It lasts when the server has
// not answered since.
func (s Silence) Longest(end int64) (from, length time.Duration, lasts bool) {
	if s.overdue && end-s.answered >= s.to-s.from {
		return time.Duration(s.answered), time.Duration(end - s.answered), true
	}
	return time.Duration(s.from), time.Duration(s.to - s.from), false
}
