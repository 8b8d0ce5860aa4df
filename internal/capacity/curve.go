package capacity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Curved are trials at shares of a capacity, for the curve of latency against
// throughput.
const Curved Kind = "curve"

// Fractions are the shares of the capacity at which a curve is measured.
func Fractions() []float64 {
	return []float64{0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1, 1.05}
}

// Point is what the trials of a curve found at one rate.
type Point struct {
	// Rate is what was offered, in jobs per second, and Achieved what came out.
	Rate     float64  `json:"rate_per_s"`
	Achieved Interval `json:"achieved_per_s"`
	// Latency is end_to_end by quantile name, in nanoseconds; what no trial
	// could tell is missing.
	Latency map[string]Interval `json:"end_to_end_ns"`
	// Sustained is true when at least half of the trials were good.
	Sustained bool `json:"sustained"`
	Trials    int  `json:"trials"`
	Good      int  `json:"good"`
}

// Interval is an estimate over repeated trials with its 95% interval.
type Interval struct {
	Value float64 `json:"value"`
	// Low and High are both 0 with a single trial, which has no interval.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Curve makes trials at [Fractions] of the capacity, so many repeats of each, in
// random order, so that a host that drifts does not bend the curve. Trials of o
// have its Trial length; Done and Next are called as by [Search].
//
// What was made of the curve before is gone on with: only what is missing is
// made, and all of it is returned.
func Curve(ctx context.Context, probe Probe, capacity float64, repeats int, random *rand.Rand, made []Trial, o Options) ([]Trial, error) {
	o = o.withDefaults()
	plan := Missing(made, capacity, repeats)
	random.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	done := slices.Clone(made)
	for _, rate := range plan {
		if ctx.Err() != nil {
			return done, nil
		}
		t := Trial{N: len(o.Past) + len(done) + 1, Kind: Curved, Rate: rate, Length: o.Trial}
		outcome, err := probe(ctx, t)
		if errors.Is(err, ErrCut) || err != nil && ctx.Err() != nil {
			return done, nil
		}
		if err != nil {
			return done, fmt.Errorf("trial %d: %w", t.N, err)
		}
		t.Outcome = outcome
		done = append(done, t)
		if o.Done != nil {
			o.Done(t, Answer{})
		}
	}
	return done, nil
}

// Missing are the rates, one for each trial, at which a curve still has to be
// measured. Invalid trials do not count as made.
func Missing(made []Trial, capacity float64, repeats int) (rates []float64) {
	have := map[float64]int{}
	for _, t := range made {
		if t.Kind == Curved && t.Verdict != Invalid {
			have[t.Rate]++
		}
	}
	for _, f := range Fractions() {
		rate := Round(f * capacity)
		for range repeats - have[rate] {
			rates = append(rates, rate)
		}
	}
	return rates
}

// Points sums the trials of a curve up, by rate, from the lowest. Invalid trials
// do not count.
func Points(trials []Trial) []Point {
	by := map[float64][]Trial{}
	for _, t := range trials {
		if t.Kind == Curved && t.Verdict != Invalid {
			by[t.Rate] = append(by[t.Rate], t)
		}
	}
	var points []Point
	for rate, all := range by {
		p := Point{Rate: rate, Trials: len(all), Latency: map[string]Interval{}}
		var achieved []float64
		for _, t := range all {
			achieved = append(achieved, t.Achieved)
			if t.Verdict == Good {
				p.Good++
			}
		}
		p.Sustained = 2*p.Good >= p.Trials
		p.Achieved = estimate(achieved)
		for _, q := range []string{"p50", "p90", "p99"} {
			var values []float64
			for _, t := range all {
				if v, ok := t.Figures["end_to_end."+q]; ok {
					values = append(values, v)
				}
			}
			if len(values) > 0 {
				p.Latency[q] = estimate(values)
			}
		}
		points = append(points, p)
	}
	slices.SortFunc(points, func(a, b Point) int { return cmp.Compare(a.Rate, b.Rate) })
	return points
}

// estimate is the geometric mean with Student's interval of the logarithms:
// what varies from run to run varies in proportion.
func estimate(values []float64) Interval {
	var sum, square float64
	for _, v := range values {
		if v <= 0 {
			return Interval{}
		}
		sum += math.Log(v)
	}
	n := float64(len(values))
	mean := sum / n
	if len(values) < 2 {
		return Interval{Value: math.Exp(mean)}
	}
	for _, v := range values {
		square += (math.Log(v) - mean) * (math.Log(v) - mean)
	}
	// Two trials that disagree tell nothing; beyond e^20 that is said.
	half := min(20, student(len(values)-1)*math.Sqrt(square/(n-1)/n))
	return Interval{math.Exp(mean), math.Exp(mean - half), math.Exp(mean + half)}
}

// student is the 97.5% quantile of Student's t for that many degrees of
// freedom.
func student(freedom int) float64 {
	table := []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}
	if freedom <= len(table) {
		return table[freedom-1]
	}
	return 1.96 + 2.5/float64(freedom) // within 0.01 from there on
}
