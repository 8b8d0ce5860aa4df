package capacity

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// settled reports whether bisection has found out what it can within its means.
func (s *search) settled(p *posterior) bool {
	n := len(s.of(Short))
	if s.lost(p) || n >= s.mostShort() {
		return true
	}
	// What is left of the budget is kept for confirming. Without a good trial there is
	// nothing to confirm yet.
	if n >= 1 && s.short(s.keep()+s.cost(s.o.Trial)) && (s.anyGood() || s.short(s.cost(s.o.Trial))) {
		return true
	}
	return n >= leastTrials && math.Expm1(p.quantile(0.9)-p.quantile(0.1)) < s.o.Width
}

// keep is the part of the budget that is kept for confirming.
func (s *search) keep() time.Duration {
	return min(max(confirms*s.cost(s.o.Confirm), time.Duration(kept*float64(s.o.Budget))), (enough+1)*s.cost(s.o.Confirm))
}

// mostShort is how many short trials there may be.
func (s *search) mostShort() int { return max(1, s.o.MaxTrials*3/4) }

// margin is how near to the end of the rates that are looked at a belief has left them.
const margin = 10 * gridStep

// lost reports whether the belief has left the rates that are looked at: no more than
// that is known of what lies beyond. That there is nothing below takes a trial at the
// lowest rate.
func (s *search) lost(p *posterior) bool {
	loops := s.opening()
	if loops[len(loops)-1].Bound == 0 && p.quantile(0.5) > p.at[len(p.at)-1]-margin {
		return true
	}
	return p.quantile(0.5) < p.at[0]+margin && len(below(s.at(Bad), s.lowest(p))) > 0
}

// lowest is the lowest rate that is looked at.
func (s *search) lowest(p *posterior) float64 { return Round(math.Exp(p.at[0])) }

// longest is how long a trial may become: no more than a third of what is left for its
// kind, so that no single trial takes the budget.
func (s *search) longest(t Trial) time.Duration {
	if t.Kind == Ceiling || s.o.Budget == 0 {
		return longest * t.Length
	}
	room := s.o.Budget - s.spent() - s.reserve()
	if t.Kind == Short {
		room -= s.keep()
	}
	return min(max(t.Length, (room/3).Truncate(100*time.Millisecond)), longest*t.Length)
}

// confirm is the next confirming trial.
func (s *search) confirm(p *posterior, t Trial) (Trial, string) {
	if s.lost(p) {
		return t, "the limit lies beyond all rates that are looked at"
	}
	if !s.anyGood() {
		return t, "no trial was good"
	}
	t.Kind, t.Length = Long, s.o.Confirm
	if s.short(s.cost(t.Length)) {
		// A shorter one says more than none.
		t.Length = max(s.o.Trial, (s.o.Budget - s.spent() - s.reserve() - s.over()).Round(time.Millisecond))
	}
	t.Rate = s.target(p)
	long := s.of(Long)
	if len(long) == 0 {
		return t, ""
	}
	last := long[len(long)-1]
	n, _ := s.confirmed(last.Rate)
	if last.Verdict == Good && (n >= enough || n >= confirms && s.short(s.cost(s.o.Confirm))) {
		rate, good, against := s.best()
		if against > 0 {
			return t, fmt.Sprintf("%s jobs/s held in %d of %d confirming trials", format(rate), good, good+against)
		}
		return t, fmt.Sprintf("%s jobs/s held in %d confirming trials", format(rate), good)
	}
	if last.Verdict == Good {
		t.Rate = last.Rate
		return t, ""
	}
	// Steps down become longer, so that they arrive.
	bad := slices.DeleteFunc(slices.Clone(long), func(t Trial) bool { return t.Verdict != Bad })
	step := 0.02 * math.Exp2(float64(max(0, len(bad)-2)))
	if s.short(2 * s.cost(s.o.Confirm)) {
		step = max(step, lastStep) // there is no other one
	}
	t.Rate = Round(min(last.Rate*math.Exp(-step), t.Rate))
	return t, ""
}

// target is the rate to confirm by what is believed.
func (s *search) target(p *posterior) float64 {
	chance := sure
	// Where there is time for no more trials than it takes, no step down is left.
	if s.short((confirms + 1) * s.cost(s.o.Confirm)) {
		chance = surest
	}
	loops := s.opening()
	loop := loops[len(loops)-1]
	if loop.Bound == 0 {
		return Round(math.Exp(p.safe(chance)))
	}
	rate := math.Exp(p.safe(chance - boundHelps))
	return Round(min(rate, loop.Achieved-max(spare*loop.Achieved, loop.Error)))
}

// confirmed is how many confirming trials say that the system carries that rate, 0
// where that is not settled, and how many speak against it. A trial that held at a
// higher rate counts, and so does one that failed at a lower rate, against it.
func (s *search) confirmed(rate float64) (good, bad int) {
	short := func(t Trial) bool { return t.Kind != Long }
	good = len(slices.DeleteFunc(above(s.at(Good), rate), short))
	bad = len(slices.DeleteFunc(below(s.at(Bad), rate), short))
	if good >= confirms && good > bad {
		return good, bad
	}
	return 0, bad
}

// best is the highest rate that is confirmed, 0 without one, with the confirming trials that
// say so and those that speak against it.
func (s *search) best() (rate float64, good, against int) {
	for _, t := range s.at(Good) {
		if t.Kind != Long || t.Rate <= rate {
			continue
		}
		if n, bad := s.confirmed(t.Rate); n > 0 {
			rate, good, against = t.Rate, n, bad
		}
	}
	return rate, good, against
}

// held is how many trials say so once there is no time for more: short ones count then,
// if all that held at that rate or a higher one did for as long together as it takes
// otherwise, and if none failed at that rate or a lower one.
func (s *search) held(rate float64) (good int) {
	held, sum := above(s.at(Good), rate), time.Duration(0)
	for _, t := range held {
		sum += t.measured()
	}
	if len(below(s.at(Bad), rate)) > 0 || sum < confirms*s.o.Confirm {
		return 0
	}
	return len(held)
}
