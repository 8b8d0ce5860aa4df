package paired

import (
	"cmp"
	"math"
	"slices"
)

// SignedRank is Wilcoxon's signed-rank test of the values against the center,
// exact: greater is the chance of a rank sum as high as that of the values above
// the center if they lay symmetrically about it, less of one as low. Values that
// are the center itself are left out, and equal distances share their mean rank.
// Without a value left both are 1.
func SignedRank(values []float64, center float64) (greater, less float64) {
	var off []float64
	for _, v := range values {
		if v != center {
			off = append(off, v-center)
		}
	}
	if len(off) == 0 {
		return 1, 1
	}
	slices.SortFunc(off, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	// Ranks are doubled, so that a mean of two is a whole number, too.
	ranks := make([]int, len(off))
	above, total := 0, 0
	for i := 0; i < len(off); {
		j := i + 1
		for j < len(off) && math.Abs(off[j]) == math.Abs(off[i]) {
			j++
		}
		for k := i; k < j; k++ {
			ranks[k] = i + 1 + j // twice the mean of i+1 … j
			total += ranks[k]
			if off[k] > 0 {
				above += ranks[k]
			}
		}
		i = j
	}
	chance := sums(ranks, total)
	for s, c := range chance {
		if s >= above {
			greater += c
		}
		if s <= above {
			less += c
		}
	}
	return min(greater, 1), min(less, 1)
}

// sums is the chance of each sum of the ranks when each of them counts or not by
// the toss of a coin.
func sums(ranks []int, total int) []float64 {
	chance := make([]float64, total+1)
	chance[0] = 1
	for _, r := range ranks {
		for s := total; s >= 0; s-- {
			chance[s] /= 2
			if s >= r {
				chance[s] += chance[s-r] / 2
			}
		}
	}
	return chance
}

// Critical is the largest rank sum k of n values without ties for which the
// chance of k or less is at most tail; -1 when no k is.
func Critical(n int, tail float64) int {
	ranks, total := make([]int, n), 0
	for i := range ranks {
		ranks[i] = i + 1
		total += i + 1
	}
	k, below := -1, 0.0
	for s, c := range sums(ranks, total) {
		if below += c; below > tail {
			break
		}
		k = s
	}
	return k
}

// Estimate is where values lie: the center of Hodges and Lehmann, and an
// interval that is open unless Bounded.
type Estimate struct {
	Center, Low, High float64
	Bounded           bool
}

// Shift estimates the center of the values from the means of all their pairs,
// and its exact interval that leaves out the tail on each side.
func Shift(values []float64, tail float64) Estimate {
	n := len(values)
	means := make([]float64, 0, n*(n+1)/2)
	for i, a := range values {
		for _, b := range values[i:] {
			means = append(means, (a+b)/2)
		}
	}
	slices.Sort(means)
	e := Estimate{Center: median(means)}
	if k := Critical(n, tail); k >= 0 && n > 0 {
		e.Low, e.High, e.Bounded = means[k], means[len(means)-1-k], true
	}
	return e
}

// Spread is the robust standard deviation: 1.4826 times the median distance from
// the median.
func Spread(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	m := median(values)
	off := make([]float64, len(values))
	for i, v := range values {
		off[i] = math.Abs(v - m)
	}
	return 1.4826 * median(off)
}

// Holm adjusts chances for their number, so that all that stay at or below a
// limit do so together with that error.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	highest := 0.0
	for i, at := range order {
		highest = max(highest, min(1, float64(len(p)-i)*p[at]))
		out[at] = highest
	}
	return out
}
