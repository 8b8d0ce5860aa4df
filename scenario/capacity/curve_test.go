package capacity_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/queuedyno/queuedyno/scenario/capacity"
)

// An M/M/1 queue with 1,000 jobs/s has the mean response 1/(1000-x), and its
// greatest power at half of its capacity.
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
	trials, err := capacity.Curve(t.Context(), probe, 1000, 3, rand.New(rand.NewPCG(1, 1)), capacity.Options{})
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
	if knee := capacity.KneeOf(points); knee == nil || math.Abs(knee.Rate-500) > 0.001 {
		t.Errorf("knee %+v, want 500", knee)
	}
	if knee := capacity.KneeOf(points[:3]); knee != nil {
		t.Errorf("knee %+v of three points, want none", knee)
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
