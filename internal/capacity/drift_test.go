package capacity_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

// The host slows down by a factor in the middle of a search.
func slowing(factor float64) capacity.Probe {
	p := &plant{capacity: 1000, ceiling: 1100, random: rand.New(rand.NewPCG(1, 1))}
	return func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		if tr.N == 8 {
			p.capacity, p.ceiling = p.capacity*factor, p.ceiling*factor
		}
		return p.probe(ctx, tr)
	}
}

func TestASearchSaysThatTheHostDidNotKeepItsSpeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		factor  float64
		drifted bool
	}{{1, false}, {0.95, false}, {1.05, false}, {0.7, true}, {1.4, true}} {
		probe := slowing(c.factor)
		trials, a, err := capacity.Search(t.Context(), probe, capacity.Options{})
		if err != nil || math.Abs(a.Drift()-(c.factor-1)) > 1e-9 || a.Drifted() != c.drifted {
			t.Errorf("a host that becomes %v as fast: drift %v, drifted %v, %v", c.factor, a.Drift(), a.Drifted(), err)
		}
		if a.LoopBefore != 1100 || a.LoopAfter != 1100*c.factor || trials[len(trials)-1].Kind != capacity.Ceiling {
			t.Errorf("%v: closed loops %v and %v, the last trial %+v", c.factor, a.LoopBefore, a.LoopAfter, trials[len(trials)-1])
		}
	}
}

func TestTheClosedLoopAtTheEndChangesNoAnswer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		p := draw(seed, 0.08, 0.2)
		probe := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
			o, err := p.probe(ctx, tr)
			if tr.Kind != capacity.Ceiling && p.random.Float64() < 0.4 {
				o.Verdict, o.Passing, o.Reasons = capacity.Invalid, p.random.Float64() < 0.5, []string{"sent late"}
			}
			return o, err
		}
		var before capacity.Answer
		var last capacity.Trial
		trials, a, err := capacity.Search(t.Context(), probe, capacity.Options{Done: func(tr capacity.Trial, a capacity.Answer) {
			if last = tr; tr.Kind != capacity.Ceiling {
				before = a
			}
		}})
		if err != nil || len(trials) != a.Trials {
			t.Fatalf("seed %d: %d trials, %+v, %v", seed, len(trials), a, err)
		}
		if a.Status != before.Status || a.Rate != before.Rate || a.Limit.Part != before.Limit.Part || a.Limit.Detail != before.Limit.Detail {
			t.Errorf("seed %d: %s %v (%+v) before the last closed loop, %s %v (%+v) after it", seed, before.Status, before.Rate, before.Limit, a.Status, a.Rate, a.Limit)
		}
		if (a.LoopAfter > 0) != (last.Kind == capacity.Ceiling && len(trials) > 1) {
			t.Errorf("seed %d: closed loop after it %v, but the last trial is %+v", seed, a.LoopAfter, last)
		}
	}
}

func TestASmallBudgetIsNotSpentOnClosedLoops(t *testing.T) {
	t.Parallel()
	for budget := 10 * time.Second; budget < 3*time.Minute; budget += 5 * time.Second {
		p := draw(3, 0.01, 0)
		trials, a, err := capacity.Search(t.Context(), p.probe, capacity.Options{Budget: budget})
		if err != nil || a.Took > budget {
			t.Fatalf("%s of a budget of %s, %v", a.Took, budget, err)
		}
		// A closed loop of 5 s takes 6.6 s here.
		if worth := budget >= 12*6600*time.Millisecond; (a.LoopAfter > 0) != worth {
			t.Errorf("a budget of %s: closed loop at the end %v, in %d trials and %s", budget, a.LoopAfter, len(trials), a.Took)
		}
	}
}

func TestAnInterruptedSearchMakesNoClosedLoopAtItsEnd(t *testing.T) {
	t.Parallel()
	p := plant{capacity: 1000, ceiling: 1100, random: rand.New(rand.NewPCG(1, 1))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	trials, a, err := capacity.Search(ctx, p.probe, capacity.Options{Done: func(tr capacity.Trial, _ capacity.Answer) {
		if tr.N == 9 {
			cancel()
		}
	}})
	if err != nil || len(trials) != 9 || a.LoopAfter != 0 || a.Why != "it was interrupted" {
		t.Errorf("%d trials, %+v, %v", len(trials), a, err)
	}
}
