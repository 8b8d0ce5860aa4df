// Package stationarity tells whether a series of measurements has settled: where its
// warm-up ends, and whether it drifts afterwards. Pure functions over numbers.
package stationarity

import (
	"math"
	"slices"
)

// minBatches is how many batches of five MSER-5 wants at least.
const minBatches = 20

// MSER5 finds how many of the first values of a series are warm-up, by the
// marginal standard error rule on means of five (White 1997; Spratt 1998): with
// z the means, it is five times the d that minimises
//
//	g(d) = sum over i > d of (z_i - mean of z after d)^2 / (n-d)^2
//
// for d up to n/2. settled is false when the minimum lies at that end: the
// series has not settled within its first half. ok is false when it has fewer
// than 100 values.
func MSER5(y []float64) (warmup int, settled, ok bool) {
	n := len(y) / 5
	if n < minBatches {
		return 0, false, false
	}
	z := make([]float64, n)
	for i := range z {
		for _, v := range y[5*i : 5*i+5] {
			z[i] += v / 5
		}
	}
	// From the end, with a running mean and sum of squares (Welford), since
	// the difference of two large sums would lose the digits that matter.
	var mean, m2 float64
	best, at := math.Inf(1), 0
	for d := n - 1; d >= 0; d-- {
		k := float64(n - d)
		delta := z[d] - mean
		mean += delta / k
		m2 += delta * (z[d] - mean)
		if d <= n/2 {
			if g := m2 / (k * k); g <= best {
				best, at = g, d
			}
		}
	}
	return 5 * at, at < n/2-1, true
}

// Drift compares the halves of a series by their medians, in units of the
// spread within them: the difference of the log medians over the standard
// deviation of the log values around their own half's median. ok is false when
// there are fewer than 20 values, or values that have no logarithm.
func Drift(y []float64) (ratio, spreads float64, ok bool) {
	if len(y) < 20 {
		return 0, 0, false
	}
	logs := make([]float64, len(y))
	for i, v := range y {
		if v <= 0 {
			return 0, 0, false
		}
		logs[i] = math.Log(v)
	}
	a, b := logs[:len(logs)/2], logs[len(logs)/2:]
	ma, mb := median(a), median(b)
	var ss float64
	for _, v := range a {
		ss += (v - ma) * (v - ma)
	}
	for _, v := range b {
		ss += (v - mb) * (v - mb)
	}
	sd := math.Sqrt(ss / float64(len(logs)-2))
	ratio = math.Exp(mb - ma)
	if sd == 0 {
		if ma == mb {
			return 1, 0, true
		}
		return ratio, math.Inf(1), true
	}
	return ratio, math.Abs(mb-ma) / sd, true
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
