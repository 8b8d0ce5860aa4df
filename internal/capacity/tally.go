package capacity

import (
	"slices"
	"time"
)

// of are the trials of that kind that count.
func (s *search) of(k Kind) (all []Trial) {
	for _, t := range s.trials {
		if t.Kind == k && t.Verdict != Invalid {
			all = append(all, t)
		}
	}
	return all
}

// at are the trials at a rate, with that verdict: all but closed loops.
func (s *search) at(v Verdict) (all []Trial) {
	for _, t := range s.trials {
		if t.Kind != Ceiling && t.Verdict == v {
			all = append(all, t)
		}
	}
	return all
}

// above are those of the trials at that rate or a higher one.
func above(trials []Trial, rate float64) []Trial {
	return slices.DeleteFunc(trials, func(t Trial) bool { return t.Rate < rate })
}

// below are those of the trials at that rate or a lower one.
func below(trials []Trial, rate float64) []Trial {
	return slices.DeleteFunc(trials, func(t Trial) bool { return t.Rate > rate })
}

// Last is the last of the trials that was no closed loop.
func Last(trials []Trial) (t Trial, ok bool) {
	for _, t := range slices.Backward(trials) {
		if t.Kind != Ceiling {
			return t, true
		}
	}
	return Trial{}, false
}

// count is how many trials were made, of those that MaxTrials bounds: neither
// what was lost to causes that pass nor closed loops after the first.
func (s *search) count() int {
	n := 0
	for i, t := range s.trials {
		if !(t.Verdict == Invalid && t.Passing) && (t.Kind != Ceiling || i == 0) {
			n++
		}
	}
	return n
}

// invalidRow is how many trials were invalid at the end, without those of the
// past: a search that is resumed tries again.
func (s *search) invalidRow() (n int) {
	for _, t := range slices.Backward(s.trials[s.since:]) {
		if t.Kind == Ceiling {
			continue
		}
		if t.Verdict != Invalid {
			break
		}
		n++
	}
	return n
}

// gaveUp reports whether too many trials in a row were invalid.
func (s *search) gaveUp() bool {
	n := s.invalidRow()
	if n == 0 {
		return false
	}
	if last, _ := Last(s.trials); !last.Passing {
		return n >= patience
	}
	return n >= forbearance
}

// anyGood reports whether any rate held in any trial.
func (s *search) anyGood() bool { return len(s.at(Good)) > 0 }

// spent is the part of the budget that is gone.
func (s *search) spent() (d time.Duration) {
	for _, t := range s.trials[s.since:] {
		d += t.Took
	}
	return d + s.vain
}

// short reports whether the budget does not suffice for so much more, and for
// the closed loop at the end.
func (s *search) short(need time.Duration) bool {
	return s.o.Budget > 0 && s.spent()+need+s.reserve() > s.o.Budget
}

// cost is what a trial of that length may take.
func (s *search) cost(length time.Duration) time.Duration { return length + s.over() }

// over is the most that any trial took beyond the time that it measured.
func (s *search) over() (most time.Duration) {
	for _, t := range s.trials {
		most = max(most, t.Took-t.measured())
	}
	return most
}

// left is the longest time that the search can still take by its rules when
// nothing has to be repeated.
func (s *search) left() time.Duration {
	short := max(0, s.mostShort()-len(s.of(Short)))
	if len(s.of(Long)) > 0 {
		short = 0
	}
	left := time.Duration(short)*s.cost(s.o.Trial) + time.Duration(max(1, enough-len(s.of(Long))))*s.cost(s.o.Confirm) + s.reserve()
	if s.o.Budget > 0 {
		left = min(left, s.o.Budget-s.spent())
	}
	return left
}
