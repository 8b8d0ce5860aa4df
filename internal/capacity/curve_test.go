package capacity_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

// An M/M/1 queue with 1,000 jobs/s has the mean response 1/(1000-x). Scaled to
// 0..1 over the points from 100 to 950 jobs/s, it hangs lowest below the diagonal
// where (1000-x)^2 is 1000*0.85/18.89: at 788 jobs/s, and 800 is the nearest.
func TestACurveShowsTheKneeOfAQueue(t *testing.T) {
	t.Parallel()
	var order []float64
	probe := func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		order = append(order, tr.Rate)
		o := capacity.Outcome{Verdict: capacity.Good, Achieved: min(tr.Rate, 1000), Figures: map[string]float64{}}
		if tr.Rate >= 1000 {
			o.Verdict = capacity.Bad
			return o, nil
		}
		o.Figures["end_to_end.p50"] = 1e9 / (1000 - tr.Rate)
		return o, nil
	}
	trials, err := capacity.Curve(t.Context(), probe, 1000, 3, rand.New(rand.NewPCG(1, 1)), nil, capacity.Options{})
	if err != nil || len(trials) != 3*len(capacity.Fractions()) {
		t.Fatalf("%d trials, %v; want 3 at each of %d rates", len(trials), err, len(capacity.Fractions()))
	}
	if slices.IsSorted(order) {
		t.Error("the trials were made in order of their rates: a host that drifts would bend the curve")
	}
	points := capacity.Points(trials)
	if len(points) != len(capacity.Fractions()) || points[0].Rate != 100 || points[0].Trials != 3 {
		t.Fatalf("points %+v; want one a rate, from the lowest", points)
	}
	for _, p := range points {
		if p.Sustained != (p.Rate < 1000) {
			t.Errorf("at %v: sustained = %t", p.Rate, p.Sustained)
		}
	}
	if knee := capacity.KneeOf(points); knee == nil || math.Abs(knee.Rate-800) > 0.001 {
		t.Errorf("knee %+v, want 800", knee)
	}
}

func TestACurveGoesOnWhereItWasLeft(t *testing.T) {
	t.Parallel()
	probe := func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		o := capacity.Outcome{Verdict: capacity.Good, Achieved: tr.Rate}
		if tr.N == 13 {
			o.Verdict = capacity.Invalid
		}
		return o, nil
	}
	cut := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
		if tr.N == 17 {
			return capacity.Outcome{}, capacity.ErrCut
		}
		return probe(ctx, tr)
	}
	o := capacity.Options{Past: make([]capacity.Trial, 10)}
	first, err := capacity.Curve(t.Context(), cut, 500, 2, rand.New(rand.NewPCG(1, 1)), nil, o)
	if err != nil || len(first) != 6 {
		t.Fatalf("%d trials, %v; want six until it was cut", len(first), err)
	}
	all, err := capacity.Curve(t.Context(), probe, 500, 2, rand.New(rand.NewPCG(1, 1)), first, o)
	if err != nil || len(all) != 2*len(capacity.Fractions())+1 || len(capacity.Missing(all, 500, 2)) > 0 {
		t.Fatalf("%d trials, %v; want two at each rate, and the invalid one", len(all), err)
	}
	for i, tr := range all {
		if tr.N != 11+i || i < len(first) && tr.Rate != first[i].Rate {
			t.Errorf("trial %d at %v is number %d of all, want those that were made first", tr.N, tr.Rate, i+1)
		}
	}
	if more := capacity.Missing(all, 500, 3); len(more) != len(capacity.Fractions()) {
		t.Errorf("a third repeat misses %d trials, want one a rate", len(more))
	}
}

func TestPointsCarryTheIntervalOfTheirTrials(t *testing.T) {
	t.Parallel()
	trial := func(rate, p50 float64, v capacity.Verdict) capacity.Trial {
		return capacity.Trial{Kind: capacity.Curved, Rate: rate, Outcome: capacity.Outcome{
			Verdict: v, Achieved: rate, Figures: map[string]float64{"end_to_end.p50": p50},
		}}
	}
	points := capacity.Points([]capacity.Trial{
		trial(10, 1, capacity.Good), trial(10, 4, capacity.Bad), trial(10, 1e9, capacity.Invalid), trial(20, 7, capacity.Bad),
	})
	if len(points) != 2 || points[0].Trials != 2 || !points[0].Sustained || points[1].Sustained {
		t.Fatalf("points %+v; want two, the invalid trial left out", points)
	}
	// Of ln 1 and ln 4 the mean is ln 2, the standard error ln 2, and t(1) 12.706.
	got := points[0].Latency["p50"]
	if math.Abs(got.Value-2) > 1e-9 || math.Abs(math.Log2(got.High)-1-12.706) > 1e-6 || math.Abs(math.Log2(got.Low)-1+12.706) > 1e-6 {
		t.Errorf("interval %+v, want 2 times or by 2^12.706", got)
	}
	if one := points[1].Latency["p50"]; math.Abs(one.Value-7) > 1e-9 || one.Low != 0 || one.High != 0 {
		t.Errorf("interval %+v of one trial, want none", one)
	}
}
