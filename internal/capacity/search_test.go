package capacity_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

// plant is a system with a known capacity whose trials are noisy: its limit
// moves from trial to trial by spread, and with chance fluke a good rate fails.
type plant struct {
	capacity, ceiling, spread, fluke float64
	random                           *rand.Rand
}

func (p plant) probe(_ context.Context, t capacity.Trial) (capacity.Outcome, error) {
	o := capacity.Outcome{Verdict: capacity.Good, Took: t.Length + 1600*time.Millisecond, Achieved: t.Rate}
	if t.Kind == capacity.Ceiling {
		o.Achieved = p.ceiling
		return o, nil
	}
	limit := math.Log(p.capacity) + p.spread*p.random.NormFloat64()
	if math.Log(t.Rate) > limit || p.random.Float64() < p.fluke {
		o.Verdict = capacity.Bad
	}
	return o, nil
}

// draw is a plant somewhere in a range of 40 to 1 (METHOD: truth unknown there).
func draw(seed uint64, spread, fluke float64) plant {
	random := rand.New(rand.NewPCG(seed, 7))
	p := plant{spread: spread, fluke: fluke, random: random}
	p.capacity = 100 * math.Exp(random.Float64()*math.Log(40))
	// An SLO is reached anywhere below the ceiling, and a ceiling is noisy too.
	p.ceiling = p.capacity / (0.12 + 1.1*random.Float64())
	return p
}

func quantile(v []float64, q float64) float64 {
	slices.Sort(v)
	return v[int(q*float64(len(v)))]
}

func TestSearchesOfNoisyPlantsEndConfirmedBelowTheirCapacity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		searches              float64
		spread, fluke         float64
		budget                time.Duration
		confirmed, above      float64 // at least, at most
		rate, median, atWorst float64 // the median answer, the median error of the belief, and its 95% quantile
		took                  time.Duration
	}{
		{1000, 0, 0, 2 * time.Minute, 1, 0, 0.93, 0.01, 0.02, 2 * time.Minute},
		{1000, 0.03, 0.02, 2 * time.Minute, 0.98, 0.01, 0.91, 0.02, 0.06, 2 * time.Minute},
		{1000, 0.08, 0.05, 2 * time.Minute, 0.98, 0.01, 0.87, 0.035, 0.12, 2 * time.Minute},
		{200, 0.08, 0.05, 0, 0.98, 0.01, 0.87, 0.03, 0.07, 6 * time.Minute},
	} {
		t.Run(fmt.Sprintf("spread %v, flukes %v, budget %v", c.spread, c.fluke, c.budget), func(t *testing.T) {
			t.Parallel()
			var rates, errs []float64
			var confirmed, above float64
			for seed := range uint64(c.searches) {
				p := draw(seed, c.spread, c.fluke)
				_, a, err := capacity.Search(t.Context(), p.probe, capacity.Options{Budget: c.budget})
				if err != nil || a.Took > c.took {
					t.Fatalf("%s of %s, %v", a.Took, c.took, err)
				}
				errs = append(errs, math.Abs(a.Median/p.capacity-1))
				if a.Status != capacity.Confirmed {
					continue
				}
				confirmed++
				rates = append(rates, a.Rate/p.capacity)
				if a.Rate > p.capacity {
					above++
				}
			}
			t.Logf("confirmed %.3f, above %.3f, half below %.3f, median error %.3f, error at 95%% %.3f",
				confirmed/c.searches, above/c.searches, quantile(rates, 0.5), quantile(errs, 0.5), quantile(errs, 0.95))
			if got := confirmed / c.searches; got < c.confirmed {
				t.Errorf("%.3f of the searches ended with a confirmed rate, want %v", got, c.confirmed)
			}
			if got := above / c.searches; got > c.above {
				t.Errorf("%.3f of the answers lie above the capacity, want %v", got, c.above)
			}
			if got := quantile(rates, 0.5); got < c.rate {
				t.Errorf("half of the answers lie below %.3f of the capacity, want %v", got, c.rate)
			}
			if got := quantile(errs, 0.5); got > c.median {
				t.Errorf("half of the beliefs are off by more than %.3f, want %v", got, c.median)
			}
			if got := quantile(errs, 0.95); got > c.atWorst {
				t.Errorf("one belief in twenty is off by more than %.3f, want %v", got, c.atWorst)
			}
		})
	}
}

func TestFlukesDoNotStopASearch(t *testing.T) {
	t.Parallel()
	p := plant{capacity: 1000, ceiling: 1100, random: rand.New(rand.NewPCG(1, 1))}
	for at := 2; at <= 6; at++ {
		probe := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
			o, err := p.probe(ctx, tr)
			if tr.N == at {
				o.Verdict = capacity.Bad // whatever the rate
			}
			return o, err
		}
		_, a, err := capacity.Search(t.Context(), probe, capacity.Options{})
		if err != nil || a.Status != capacity.Confirmed || a.Rate < 915 || a.Rate > 1000 {
			t.Errorf("trial %d fails by chance: %+v, %v; want 1000 confirmed anyway", at, a, err)
		}
	}
}

func TestAGeneratorThatGivesOutMakesTheAnswerABoundFromBelow(t *testing.T) {
	t.Parallel()
	probe := func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		o := capacity.Outcome{Verdict: capacity.Good, Achieved: 1000}
		if tr.Rate > 800 {
			o.Verdict, o.Reasons = capacity.Invalid, []string{"sent late"}
		}
		return o, nil
	}
	trials, a, err := capacity.Search(t.Context(), probe, capacity.Options{})
	if err != nil || a.Status != capacity.AtLeast || a.Rate <= 0 || a.Rate > 800 {
		t.Fatalf("%+v, %v; want at least some rate up to 800", a, err)
	}
	if a.Limit.Part != "generator" || a.Limit.Detail != "sent late" {
		t.Errorf("the limit is %+v, want the generator and why", a.Limit)
	}
	if n := a.Invalid; n != 3 {
		t.Errorf("%d of %d trials were invalid, want 3 in a row and no more", n, len(trials))
	}
}

func TestADisturbanceThatPassesIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := plant{capacity: 1000, ceiling: 1100, random: rand.New(rand.NewPCG(1, 1))}
	probe := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		o, err := p.probe(ctx, tr)
		if tr.N >= 4 && tr.N < 11 { // seven in a row
			o.Verdict, o.Passing = capacity.Invalid, true
		}
		return o, err
	}
	_, a, err := capacity.Search(t.Context(), probe, capacity.Options{})
	if err != nil || a.Status != capacity.Confirmed || a.Rate < 915 || a.Rate > 1000 || a.Invalid != 7 {
		t.Errorf("%+v, %v; want 1000 confirmed after seven trials that did not count", a, err)
	}
}

func TestWhatHoldsBesideALastingDisturbanceIsConfirmed(t *testing.T) {
	t.Parallel()
	probe := func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		o := capacity.Outcome{Verdict: capacity.Good, Achieved: 1100, Took: tr.Length}
		if tr.Kind != capacity.Ceiling && tr.Rate > 700 {
			o.Verdict, o.Passing, o.Reasons = capacity.Invalid, true, []string{"other programs"}
		}
		return o, nil
	}
	_, a, err := capacity.Search(t.Context(), probe, capacity.Options{})
	if err != nil || a.ConfirmedRate == 0 || a.Rate > 700 || a.Status == capacity.NoRate || a.Narrow() {
		t.Errorf("%+v, %v; want a rate up to 700 confirmed, and more not ruled out", a, err)
	}
}

func TestASystemThatIsNeverGoodHasNoCapacity(t *testing.T) {
	t.Parallel()
	least := math.Inf(1)
	probe := func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		if tr.Kind == capacity.Ceiling {
			return capacity.Outcome{Verdict: capacity.Good, Achieved: 500}, nil
		}
		least = min(least, tr.Rate)
		return capacity.Outcome{Verdict: capacity.Bad}, nil
	}
	trials, a, err := capacity.Search(t.Context(), probe, capacity.Options{Least: 4})
	if err != nil || a.Status != capacity.NoRate || a.Rate != 0 {
		t.Errorf("%+v, %v; want that there is no rate", a, err)
	}
	if len(trials) > 23 || least < 4 || least > 10 {
		t.Errorf("%d trials down to %v jobs/s, want few, down to 4 or so and not below", len(trials), least)
	}
}

func TestAStoredSearchGoesOnAsIfItHadNeverStopped(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, o capacity.Options) ([]capacity.Trial, capacity.Answer) {
		// Every trial's luck is its own, whichever search makes it.
		probe := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
			p := draw(seed, 0.05, 0.05)
			p.random = rand.New(rand.NewPCG(seed, uint64(tr.N)))
			return p.probe(ctx, tr)
		}
		trials, a, err := capacity.Search(t.Context(), probe, o)
		if err != nil {
			t.Fatal(err)
		}
		return trials, a
	}
	for seed := range uint64(10) {
		whole, want := run(seed, capacity.Options{})
		for _, stored := range []int{0, 1, 5, len(whole) - 1, len(whole)} {
			trials, got := run(seed, capacity.Options{Past: whole[:stored]})
			if diff := cmp.Diff(want, got); diff != "" || len(trials) != len(whole) {
				t.Fatalf("gone on after %d of %d trials (-whole +resumed):\n%s", stored, len(whole), diff)
			}
		}
	}
}

func TestTheBudgetHoldsAndIsSpentOnAConfirmation(t *testing.T) {
	t.Parallel()
	for _, budget := range []time.Duration{20 * time.Second, time.Minute, 100 * time.Second, 4 * time.Minute} {
		p := draw(3, 0.01, 0)
		var spent time.Duration
		_, a, err := capacity.Search(t.Context(), p.probe, capacity.Options{
			Budget: budget,
			Done:   func(tr capacity.Trial, _ capacity.Answer) { spent += tr.Took },
		})
		if err != nil || spent > budget {
			t.Errorf("%s of a budget of %s, %v", spent, budget, err)
		}
		if budget >= time.Minute && a.Status != capacity.Confirmed {
			t.Errorf("a budget of %s ends with %q (%s), want something confirmed", budget, a.Status, a.Why)
		}
		if a.Rate == 0 || budget >= time.Minute && a.Low > p.capacity*1.05 {
			t.Errorf("a budget of %s: %+v, want a rate that %.0f jobs/s allow", budget, a, p.capacity)
		}
	}
}

// Bad trials drain for up to three seconds here, the worst of them last.
func TestTheBudgetHoldsWhateverTheLastTrialHasToDrain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		p := draw(seed, 0.05, 0.05)
		for budget := 15 * time.Second; budget <= 2*time.Minute; budget += 7 * time.Second {
			var spent time.Duration
			probe := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
				o, err := p.probe(ctx, tr)
				if o.Verdict == capacity.Bad {
					o.Took = tr.Length + time.Duration(p.random.Float64()*3*float64(time.Second))
				}
				if o.Took > tr.Within {
					spent += tr.Within
					return capacity.Outcome{}, capacity.ErrLate
				}
				return o, err
			}
			trials, a, err := capacity.Search(t.Context(), probe, capacity.Options{
				Trial: 2 * time.Second, Budget: budget,
				Done: func(tr capacity.Trial, _ capacity.Answer) { spent += tr.Took },
			})
			if err != nil || spent > budget {
				t.Fatalf("%d trials took %s of a budget of %s, %v", len(trials), spent, budget, err)
			}
			if len(trials) < 3 || spent == budget && a.Why != "the budget of "+budget.String()+" is used up" {
				t.Errorf("a budget of %s ends with %d trials, %q", budget, len(trials), a.Why)
			}
		}
	}
}

func TestAnInterruptedSearchAnswersWithWhatItKnows(t *testing.T) {
	t.Parallel()
	p := plant{capacity: 1000, ceiling: 1100, random: rand.New(rand.NewPCG(1, 1))}
	probe := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		if tr.N == 5 {
			return capacity.Outcome{}, capacity.ErrCut
		}
		return p.probe(ctx, tr)
	}
	trials, a, err := capacity.Search(t.Context(), probe, capacity.Options{})
	if err != nil || len(trials) != 4 || a.Status != capacity.Estimated || a.Low > 1000 || a.High < 1000 {
		t.Errorf("%d trials, %+v, %v; want an estimate around 1000 after 4", len(trials), a, err)
	}
	broken := errors.New("no connection")
	trials, a, err = capacity.Search(t.Context(), func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		if tr.N == 5 {
			return capacity.Outcome{}, broken
		}
		return p.probe(ctx, tr)
	}, capacity.Options{})
	if !errors.Is(err, broken) || len(trials) != 4 || a.Status != capacity.Estimated {
		t.Errorf("%d trials, %+v, %v; want the error, and what was known", len(trials), a, err)
	}
}

func ExampleSearch() {
	// A system that carries up to 1,234 jobs/s.
	probe := func(_ context.Context, t capacity.Trial) (capacity.Outcome, error) {
		if t.Kind == capacity.Ceiling {
			return capacity.Outcome{Verdict: capacity.Good, Achieved: 1300}, nil
		}
		if t.Rate > 1234 {
			return capacity.Outcome{Verdict: capacity.Bad, Reasons: []string{"too slow"}}, nil
		}
		return capacity.Outcome{Verdict: capacity.Good}, nil
	}
	_, answer, err := capacity.Search(context.Background(), probe, capacity.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Status, answer.Rate < 1234, answer.RefutedRate > 1234)
	// Output: confirmed true true
}
