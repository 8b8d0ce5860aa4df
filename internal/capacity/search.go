package capacity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Options bound a search. The zero value is good.
type Options struct {
	// Trial is the length of a short trial. Zero means 5 s.
	Trial time.Duration
	// Confirm is the length of a confirming trial. Zero means 30 s, or an
	// eighth of the budget where that is less, but never less than Trial.
	Confirm time.Duration
	// Budget is the time that all trials may take together. Zero means no limit.
	Budget time.Duration
	// MaxTrials bounds the number of trials, those left out that were lost to
	// causes that pass; three quarters of them may be
	// short ones. Zero means 30.
	MaxTrials int
	// Width ends the search: the ratio of the 90% to the 10% quantile of the
	// belief, less 1. Zero means 0.06.
	Width float64
	// Least is the lowest rate that is tried. Zero means a thousandth of the
	// ceiling.
	Least float64
	// Past are the trials of a search that is to be gone on with. Their time
	// does not count against the budget.
	Past []Trial
	// Done is called after each trial with the trial and the answer so far.
	Done func(Trial, Answer)
	// Next is called before each trial with the longest time that the search
	// can still take by its own rules, draining not counted.
	Next func(t Trial, left time.Duration)
}

// ErrCut is returned by a [Probe] that was told to stop; the search then ends
// with the answer so far.
var ErrCut = errors.New("the search was cut short")

// ErrLate is returned by a [Probe] whose trial was not over within the time that
// it had. The trial does not count, and the search ends with what it knows.
var ErrLate = errors.New("the trial took longer than the budget allows")

// Limits of patience that are not worth an option.
const (
	leastTrials = 6    // never believe fewer
	patience    = 3    // invalid trials in a row before the generator is blamed
	forbearance = 8    // the same where the causes may pass
	retreat     = 0.03 // of ln(rate), after a rate that was not confirmed
	maxLevels   = 5    // rates that are tried to be confirmed
	closingPart = 12   // the closed loop at the end is left out where it takes more than this part of the budget
	beyond      = 1e15 // jobs per second that nothing does
)

func (o Options) withDefaults() Options {
	if o.Trial <= 0 {
		o.Trial = 5 * time.Second
	}
	if o.Confirm <= 0 {
		o.Confirm = 30 * time.Second
		if o.Budget > 0 {
			o.Confirm = min(o.Confirm, o.Budget/8)
		}
		o.Confirm = max(o.Confirm, o.Trial)
	}
	if o.MaxTrials <= 0 {
		o.MaxTrials = 30
	}
	if o.Width <= 0 {
		o.Width = 0.06
	}
	return o
}

// Search finds the highest rate at which the probe is good. It returns all
// trials, those of the past included, and the answer; also together with an
// error, then with what was known until then. A context that ends is no error:
// the answer so far is the answer.
//
// It begins with a ceiling (see [Ceiling]), bisects the logarithm of the rate
// with trials that are each at the median of what is believed by then, and
// confirms what it believes the system to carry with trials of full length,
// stepping back from rates that they refute. A closed loop ends it as one began
// it: what differs between the two is not the system's doing (see
// [Answer.Drift]).
func Search(ctx context.Context, probe Probe, o Options) ([]Trial, Answer, error) {
	s := &search{o: o.withDefaults(), trials: slices.Clone(o.Past), since: len(o.Past)}
	for {
		t, why := s.next()
		if why == "" && s.short(s.cost(t.Length)) {
			why = s.usedUp()
		}
		if why == "" && ctx.Err() != nil {
			why = interrupted
		}
		if why == "" {
			var err error
			if why, err = s.try(ctx, probe, t); err != nil {
				return s.trials, s.answer(why), err
			}
			if why == "" {
				continue
			}
		}
		if t, ok := s.closing(); ok && why != interrupted {
			cut, err := s.try(ctx, probe, t)
			if err != nil {
				return s.trials, s.answer(cut), err
			}
			if cut == interrupted {
				why = cut
			}
		}
		return s.trials, s.answer(why), nil
	}
}

const interrupted = "it was interrupted"

// try makes a trial and keeps it. It returns why the search ends with it, empty
// when it goes on.
func (s *search) try(ctx context.Context, probe Probe, t Trial) (why string, err error) {
	if s.o.Next != nil {
		s.o.Next(t, s.left())
	}
	if s.o.Budget > 0 {
		t.Within = s.o.Budget - s.spent()
		if t.Kind != Ceiling {
			t.Within -= s.reserve()
		}
	}
	outcome, err := probe(ctx, t)
	switch {
	case errors.Is(err, ErrCut) || err != nil && ctx.Err() != nil:
		return interrupted, nil
	case errors.Is(err, ErrLate):
		s.vain += t.Within
		return s.usedUp(), nil
	case err != nil:
		return "a trial could not be made", fmt.Errorf("trial %d: %w", t.N, err)
	}
	t.Outcome, t.Within = outcome, 0
	s.trials = append(s.trials, t)
	if s.o.Done != nil {
		s.o.Done(t, s.answer(""))
	}
	return "", nil
}

func (s *search) usedUp() string { return fmt.Sprintf("the budget of %s is used up", s.o.Budget) }

// search is a search in progress. All that it decides follows from the trials,
// so that a stored search can be gone on with as if it had never stopped.
type search struct {
	o      Options
	trials []Trial
	since  int           // how many of them are of the past
	vain   time.Duration // what trials took that were not over in time

	known   *posterior // after the first learned trials
	learned int
}

// belief is what the trials say together; nil before there is a ceiling.
func (s *search) belief() *posterior {
	ceiling := s.ceiling()
	if ceiling == nil || !(ceiling.Achieved > 0 && ceiling.Achieved < beyond) {
		return nil
	}
	if s.known == nil {
		s.known = newPosterior(ceiling.Achieved, s.o.Least)
	}
	for ; s.learned < len(s.trials); s.learned++ {
		if t := s.trials[s.learned]; t.Kind != Ceiling && t.Verdict != Invalid {
			s.known.learn(math.Log(t.Rate), t.Verdict == Good)
		}
	}
	return s.known
}

func (s *search) ceiling() *Trial {
	for i, t := range s.trials {
		if t.Kind == Ceiling {
			return &s.trials[i]
		}
	}
	return nil
}

// next is the trial to make, or why there is none any more.
func (s *search) next() (t Trial, why string) {
	t = Trial{N: len(s.trials) + 1, Kind: Short, Length: s.o.Trial}
	if s.ceiling() == nil {
		t.Kind = Ceiling
		return t, ""
	}
	p := s.belief()
	if p == nil {
		return t, "the closed loop at the beginning completed no job"
	}
	if n := s.count(); n >= s.o.MaxTrials {
		return t, fmt.Sprintf("%d trials were made", n)
	}
	if last, ok := Last(s.trials); ok && last.Verdict == Invalid {
		if s.gaveUp() && last.Passing && last.Kind == Short && s.anyGood() {
			// The disturbance lasts. What the system carries beside it can still
			// be confirmed.
			return s.confirm(p, t)
		}
		if s.gaveUp() {
			return t, fmt.Sprintf("%d trials in a row said nothing of the system: %s", s.invalidRow(), reason(last))
		}
		t.Kind, t.Rate, t.Length = last.Kind, last.Rate, last.Length
		return t, ""
	}
	if len(s.of(Long)) == 0 && !s.settled(p) {
		t.Rate = Round(math.Exp(p.quantile(0.5)))
		return t, ""
	}
	return s.confirm(p, t)
}

// closing is the closed loop that ends the search: what it carries beside what
// the first one did shows whether the host has kept its speed. There is none
// right after another, nor one for which there is no room.
func (s *search) closing() (t Trial, ok bool) {
	if _, opened := Last(s.trials); !opened || s.count() >= s.o.MaxTrials {
		return t, false
	}
	need := s.reserve()
	t = Trial{N: len(s.trials) + 1, Kind: Ceiling, Length: s.o.Trial}
	return t, need > 0 && (s.o.Budget == 0 || s.spent()+need <= s.o.Budget)
}

// reserve is the time that the closed loop at the end will take, 0 where there
// will be none.
func (s *search) reserve() time.Duration {
	c := s.ceiling()
	if c == nil || s.belief() == nil {
		return 0
	}
	if _, opened := Last(s.trials); opened && s.trials[len(s.trials)-1].Kind == Ceiling {
		return 0
	}
	took := max(c.Took, s.o.Trial)
	if s.o.Budget > 0 && closingPart*took > s.o.Budget {
		return 0
	}
	return took
}

// settled reports whether bisection has said what it can within its means.
func (s *search) settled(p *posterior) bool {
	n := len(s.of(Short))
	if s.lost(p) || n >= s.mostShort() {
		return true
	}
	// What is left of the budget is better spent on confirming something, as long
	// as it suffices for that. One trial is to spare, since bad ones drain long.
	confirm := 2 * s.cost(s.o.Confirm)
	if s.anyGood() && s.short(confirm+2*s.cost(s.o.Trial)) && !s.short(confirm) {
		return true
	}
	return n >= leastTrials && math.Expm1(p.quantile(0.9)-p.quantile(0.1)) < s.o.Width
}

// mostShort is how many short trials there may be.
func (s *search) mostShort() int { return max(1, s.o.MaxTrials*3/4) }

// lost reports whether the belief has left the rates that are looked at.
func (s *search) lost(p *posterior) bool {
	margin := 10 * gridStep
	return p.quantile(0.5) < p.at[0]+margin || p.quantile(0.5) > p.at[len(p.at)-1]-margin
}

// confirm is the next trial of full length.
func (s *search) confirm(p *posterior, t Trial) (Trial, string) {
	if s.lost(p) {
		return t, "the limit lies beyond all rates that are looked at"
	}
	if !s.anyGood() {
		return t, "no trial was good"
	}
	long := s.of(Long)
	t.Kind, t.Length = Long, s.o.Confirm
	if len(long) == 0 {
		t.Rate = Round(math.Exp(p.quantile(0.1)))
		return t, ""
	}
	rate := long[len(long)-1].Rate
	switch s.bound(rate) {
	case Lower:
		return t, fmt.Sprintf("%s jobs/s held in trials of full length", format(rate))
	case Undecided:
		t.Rate = rate
		return t, ""
	}
	if s.levels() >= maxLevels {
		return t, fmt.Sprintf("none of %d rates that seemed to hold did so in trials of full length", maxLevels)
	}
	t.Rate = Round(min(rate*math.Exp(-retreat), math.Exp(p.quantile(0.1))))
	return t, ""
}

// bound classifies a rate by all trials at it.
func (s *search) bound(rate float64) Bound {
	var at []Trial
	for _, t := range s.trials {
		if t.Kind != Ceiling && t.Rate == rate {
			at = append(at, t)
		}
	}
	return Classify(at, s.o.Confirm)
}

// reason is the first reason of a trial, for a sentence about it.
func reason(t Trial) string {
	if len(t.Reasons) == 0 {
		return "no reason is known"
	}
	return t.Reasons[0]
}

// Round is the rate to four digits: more would say nothing, and it is how a
// rate reads and can be typed again.
func Round(rate float64) float64 {
	if rate <= 0 || math.IsInf(rate, 0) || math.IsNaN(rate) {
		return rate
	}
	digit := math.Pow(10, math.Floor(math.Log10(rate))-3)
	if digit < 1 {
		return math.Round(rate*math.Round(1/digit)) / math.Round(1/digit)
	}
	return math.Round(rate/digit) * digit
}

func format(rate float64) string { return fmt.Sprintf("%.5g", rate) }
