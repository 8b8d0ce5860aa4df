// Package paired decides from pairs of runs, one of a baseline and one of a
// candidate, whether the candidate is worse by more than a margin.
//
// The unit is the pair: two runs made back to back, whose noise is partly the
// same. Of each metric it takes the logarithm of the candidate's figure over the
// baseline's and tests, exactly and without assuming a distribution beyond
// symmetry, on which side of the margin it lies. Fail means shown to be worse by
// more than the margin, pass shown not to be, and inconclusive that the pairs are too
// few for their noise. Both errors are bounded, over several metrics and over
// several looks.
//
// It runs nothing, keeps no clock and draws nothing but the order of the runs.
// Begin reading at [Judge].
package paired

import (
	"math"
	"slices"
)

// Verdict is the outcome of a comparison.
type Verdict string

// The verdicts. Judge never gives the last one: whether runs can be believed is
// not in their figures.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	Invalid      Verdict = "invalid"
)

// Metric is one figure that is compared.
type Metric struct {
	Name string `json:"name"`
	// HigherBetter says in which direction the figure improves.
	HigherBetter bool `json:"higher_better"`
	// Margin is by how much, as a share, the candidate may be worse: 0.1 is
	// ten percent. It is greater than zero, also of a metric that does not gate.
	Margin float64 `json:"margin"`
	// Gate says that the metric decides; others are only shown.
	Gate bool `json:"gate"`
}

// Pair holds the figures of two runs by metric. A figure that is missing, or below
// zero, leaves the pair out for that metric. Of two zeros the ratio is 1; what was
// zero and is no more, such as allocations, counts as a thousandfold, and the other
// way round: ranks need no more than that this is beyond every margin.
type Pair struct {
	Base, Candidate map[string]float64
}

// Figure is what the pairs say of one metric.
type Figure struct {
	Metric
	// Pairs is how many pairs had both figures, Missing how many had not.
	Pairs   int `json:"pairs"`
	Missing int `json:"missing"`
	// Base and Candidate are the medians of the runs.
	Base      float64 `json:"base"`
	Candidate float64 `json:"candidate"`
	// Change is the candidate over the baseline less 1 (Hodges and Lehmann);
	// Low and High are its exact 90% interval, null with less than 5 pairs.
	Change float64  `json:"change"`
	Low    *float64 `json:"low"`
	High   *float64 `json:"high"`
	// PFail is the chance of such pairs if the candidate were worse by the
	// margin at most, PFailHolm that for all metrics that gate together, PPass
	// the chance if it were worse by the margin at least.
	PFail     float64 `json:"p_fail"`
	PFailHolm float64 `json:"p_fail_holm"`
	PPass     float64 `json:"p_pass"`
	// Spread is the noise: the robust standard deviation of the logarithm of a
	// pair's ratio.
	Spread float64 `json:"spread"`
	// Detectable is how far beyond the margin a change must lie to be found with
	// 80% chance in so many pairs; as a share.
	Detectable float64 `json:"detectable"`
	// Verdict is fail or pass when the metric is decided, else inconclusive.
	Verdict Verdict `json:"verdict"`
	// PairsNeeded and MarginNeeded are about what would decide an inconclusive
	// metric: that many pairs in all, or that margin; 0 where neither helps.
	PairsNeeded  int     `json:"pairs_needed"`
	MarginNeeded float64 `json:"margin_needed"`
}

// Worse reports whether the whole interval lies on the worse side.
func (f Figure) Worse() bool {
	if f.HigherBetter {
		return f.High != nil && *f.High < 0
	}
	return f.Low != nil && *f.Low > 0
}

// Decision is what can be said after some pairs.
type Decision struct {
	Verdict Verdict  `json:"verdict"`
	Pairs   int      `json:"pairs"`
	Alpha   float64  `json:"alpha"`
	Figures []Figure `json:"figures"`
	// Reasons say in words why the verdict is what it is.
	Reasons []string `json:"reasons"`
}

// intervalTail is left out on each side of an interval.
const intervalTail = 0.05

// Judge decides at the error alpha, that of one look. The family of the metrics
// that gate keeps alpha as a whole: for fail by Holm's correction, for pass
// because all of them have to pass. Without a metric that gates the verdict is
// inconclusive.
func Judge(metrics []Metric, pairs []Pair, alpha float64) Decision {
	d := Decision{Pairs: len(pairs), Alpha: alpha, Verdict: Inconclusive, Reasons: []string{}}
	var gates []int
	var p []float64
	for i, m := range metrics {
		f := figure(m, pairs)
		d.Figures = append(d.Figures, f)
		if m.Gate {
			gates, p = append(gates, i), append(p, f.PFail)
		}
	}
	for i, adjusted := range Holm(p) {
		d.Figures[gates[i]].PFailHolm = adjusted
	}
	passes, least := len(gates) > 0, leastToFail(len(gates), alpha)
	for i := range d.Figures {
		f := &d.Figures[i]
		if !f.Gate {
			f.PFailHolm = f.PFail
		}
		f.Verdict = Inconclusive
		switch {
		case f.Pairs == 0:
		case f.PFailHolm <= alpha:
			f.Verdict = Fail
		case f.PPass <= alpha:
			f.Verdict = Pass
		}
		if f.Verdict == Inconclusive {
			f.need(least)
		}
		if !f.Gate {
			continue
		}
		passes = passes && f.Verdict == Pass
		if f.Verdict == Fail {
			d.Verdict = Fail
		}
	}
	if passes {
		d.Verdict = Pass
	}
	d.explain(len(gates), least)
	return d
}

// figure is what the pairs say of one metric, before the others are known.
func figure(m Metric, pairs []Pair) Figure {
	f := Figure{Metric: m, PFail: 1, PFailHolm: 1, PPass: 1}
	var worse, base, candidate []float64 // d of METHOD: above zero is worse
	for _, p := range pairs {
		a, measured := p.Base[m.Name]
		b, both := p.Candidate[m.Name]
		if !measured || !both || !(a >= 0) || !(b >= 0) || math.IsInf(a, 0) || math.IsInf(b, 0) {
			f.Missing++
			continue
		}
		l := ratio(a, b)
		if m.HigherBetter {
			l = -l
		}
		worse, base, candidate = append(worse, l), append(base, a), append(candidate, b)
	}
	if f.Pairs = len(worse); f.Pairs == 0 {
		return f
	}
	f.Base, f.Candidate = median(base), median(candidate)
	theta := math.Log1p(m.Margin)
	f.PFail, f.PPass = SignedRank(worse, theta)
	e := Shift(worse, intervalTail)
	f.Change = m.change(e.Center)
	if e.Bounded {
		low, high := m.change(e.Low), m.change(e.High)
		if m.HigherBetter {
			low, high = high, low
		}
		f.Low, f.High = &low, &high
	}
	f.Spread = Spread(worse)
	f.Detectable = math.Expm1(reach(f.Spread, f.Pairs))
	return f
}

// appeared is the logarithm of the ratio of something to nothing: ln 1000.
const appeared = 6.907755278982137

// ratio is the logarithm of b over a.
func ratio(a, b float64) float64 {
	switch {
	case a == b:
		return 0
	case a == 0:
		return appeared
	case b == 0:
		return -appeared
	}
	return math.Log(b) - math.Log(a)
}

// change turns a logarithm on the worse side into a share of the baseline.
func (m Metric) change(worse float64) float64 {
	if m.HigherBetter {
		worse = -worse
	}
	return math.Expm1(worse)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}
