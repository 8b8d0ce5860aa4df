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
	// Confirm is the length of a confirming trial. Zero means [ConfirmLength].
	Confirm time.Duration
	// Budget is the time that all trials may take together. Zero means no limit.
	Budget time.Duration
	// MaxTrials bounds the number of trials, without those that were lost to causes
	// that pass; three quarters of them may be short ones. Zero means 30.
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

// ErrCut is returned by a [Probe] that was stopped; the search then ends
// with the answer so far.
var ErrCut = errors.New("the search was cut short")

// ErrLate is returned by a [Probe] whose trial was not over within the time that
// it had. The trial does not count, and the search ends with what it knows.
var ErrLate = errors.New("the trial took longer than the budget allows")

// Limits of patience that are not worth an option.
const (
	leastTrials = 6 // never believe fewer
	patience    = 3 // invalid trials in a row before the generator is blamed
	forbearance = 8 // the same where the causes may pass
	// hopeless is after how many trials, all of them bad, the lowest rate is tried.
	hopeless = 3
	// longest is by which factor a trial may become longer that is too short to tell.
	longest = 4
	// sure is the chance to hold, by what is believed, of the rate that is to be
	// confirmed, as a share of the chance that a very low rate has; surest is the same
	// where there is no time for a second rate. Less will do below a bound, which
	// excludes what is too high.
	sure, surest, boundHelps = 0.90, 0.98, 0.03
	// spare is the least part of what the closed loop carried that a confirmed rate
	// leaves free. A system without anything to spare never catches up.
	spare = 0.015
	// confirms is how many good trials confirm a rate, and enough how many are made
	// where the budget allows it.
	confirms, enough = 2, 3
	// lastStep is how far down the last confirming trial goes if the ones before it
	// failed: a bound that is low says more than none.
	lastStep = 0.15
	// kept is the part of the budget that is kept for confirming.
	kept        = 0.4
	closingPart = 12   // the closed loop at the end is left out where it takes more than this part of the budget
	beyond      = 1e15 // jobs per second that nothing does
)

// ConfirmLength is how long a confirming trial is by default: 30 s, or a twelfth of
// the budget where that is less, but never less than a short trial.
func ConfirmLength(trial, budget time.Duration) time.Duration {
	length := 30 * time.Second
	if budget > 0 {
		length = min(length, (budget / 12).Round(100*time.Millisecond))
	}
	return max(length, trial)
}

func (o Options) withDefaults() Options {
	if o.Trial <= 0 {
		o.Trial = 5 * time.Second
	}
	if o.Confirm <= 0 {
		o.Confirm = ConfirmLength(o.Trial, o.Budget)
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
// confirms a rate that it believes the system to carry with longer trials. It steps
// down from a rate that fails one of them and confirms again; part of the budget is
// kept for that. A closed loop ends it as one began it: a difference between the two
// comes from the host or the server (see [Answer.Drift]).
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
	t.Longest = s.longest(t)
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
	t.Outcome, t.Within, t.Longest = outcome, 0, 0
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
	loops   int // closed loops that known begins with
}

// belief is what the trials say together; nil before there is a ceiling.
func (s *search) belief() *posterior {
	ceiling := s.ceiling()
	if ceiling == nil || !(ceiling.Achieved > 0 && ceiling.Achieved < beyond) {
		return nil
	}
	// Another closed loop sets another bound.
	if loops := s.opening(); s.known == nil || s.loops != len(loops) {
		last := loops[len(loops)-1]
		s.known, s.learned, s.loops = newPosterior(last.Achieved, last.Bound, s.o.Least), 0, len(loops)
	}
	for ; s.learned < len(s.trials); s.learned++ {
		if t := s.trials[s.learned]; t.Kind != Ceiling && t.Verdict != Invalid {
			s.known.learn(math.Log(t.Rate), t.Verdict == Good)
		}
	}
	return s.known
}

// ceiling is the first closed loop.
func (s *search) ceiling() *Trial {
	if loops := s.opening(); len(loops) > 0 {
		return &loops[0]
	}
	return nil
}

// opening are the closed loops but the one that ended a search.
func (s *search) opening() (loops []Trial) {
	for _, t := range s.trials {
		if t.Kind == Ceiling && (len(loops) == 0 || t.Again) {
			loops = append(loops, t)
		}
	}
	return loops
}

// next is the trial to make, or why the search ends.
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
	short := len(s.of(Long)) == 0 && !s.settled(p)
	if last, ok := Last(s.trials); ok && last.Verdict == Invalid {
		if s.gaveUp() && last.Passing && last.Kind == Short && s.anyGood() {
			// The disturbance lasts. What the system carries in spite of it can still
			// be confirmed.
			return s.confirm(p, t)
		}
		if s.gaveUp() {
			return t, fmt.Sprintf("%d trials in a row said nothing of the system: %s", s.invalidRow(), reason(last))
		}
		if short || last.Kind != Short {
			t.Kind, t.Rate, t.Length = last.Kind, last.Rate, last.Length
			if last.Passing && s.invalidRow() > 1 {
				// While the disturbance lasts, a lower rate may still hold.
				t.Rate = max(Round(last.Rate*0.9), s.lowest(p))
			}
			return t, ""
		}
	}
	if short && s.contradicted() {
		t.Kind, t.Again = Ceiling, true
		return t, ""
	}
	if short && !s.anyGood() && (len(s.of(Short)) >= hopeless || p.quantile(0.5) < p.at[0]+margin) {
		t.Rate = s.lowest(p) // is there any at all?
		return t, ""
	}
	if short {
		t.Rate = Round(math.Exp(p.quantile(0.5)))
		return t, ""
	}
	return s.confirm(p, t)
}

// contradicted reports whether a trial held at a rate above what the closed loop
// carried, which is contrary to what a bound means. The loop is made again then, once:
// the host may have been slow while it was made.
func (s *search) contradicted() bool {
	loops := s.opening()
	if len(loops) > 1 || loops[0].Bound == 0 || s.short(confirms*s.cost(s.o.Confirm)+loops[0].Took) {
		return false
	}
	return slices.ContainsFunc(s.of(Short), func(t Trial) bool {
		return t.Verdict == Good && t.Rate > loops[0].Achieved+loops[0].Error
	})
}

// closing is the closed loop that ends the search. Compared with the first one, it
// shows whether the host has kept its speed. It is left out right after another
// closed loop, and where the budget has no room for it.
func (s *search) closing() (t Trial, ok bool) {
	if _, opened := Last(s.trials); !opened || s.count() >= s.o.MaxTrials {
		return t, false
	}
	need := s.reserve()
	t = Trial{N: len(s.trials) + 1, Kind: Ceiling, Length: s.o.Trial}
	return t, need > 0 && (s.o.Budget == 0 || s.spent()+need <= s.o.Budget)
}

// reserve is the time that the closed loop at the end will take, 0 where there
// will be none. It gives way to another confirming trial after one that failed.
func (s *search) reserve() time.Duration {
	c := s.ceiling()
	if c == nil || s.belief() == nil {
		return 0
	}
	if long := s.of(Long); len(long) > 0 && long[len(long)-1].Verdict == Bad {
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
