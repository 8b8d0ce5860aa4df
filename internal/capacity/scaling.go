package capacity

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/queuedyno/queuedyno/internal/number"
)

// Size is the capacity of a system at one size of it: with so many workers, say.
type Size struct {
	N float64 `json:"n"`
	// Capacity is in jobs per second.
	Capacity float64 `json:"capacity_per_s"`
}

// Scaling is the Universal Scalability Law fitted to capacities:
//
//	X(N) = lambda*N / (1 + sigma*(N-1) + kappa*N*(N-1))
//
// Source: N. J. Gunther, Guerrilla Capacity Planning (Springer 2007), chapter 4.
type Scaling struct {
	// Lambda is the capacity at size 1, in jobs per second. Sigma is the share
	// that contention for what all share costs, Kappa that of keeping each other
	// up to date.
	Lambda float64 `json:"lambda_per_s"`
	Sigma  float64 `json:"sigma"`
	Kappa  float64 `json:"kappa"`
	// Sizes are what it was fitted to, from the smallest. Residuals are measured
	// over fitted less 1, in the same order; Largest is that which is farthest
	// from 0.
	Sizes     []Size    `json:"sizes"`
	Residuals []float64 `json:"residuals"`
	Largest   float64   `json:"largest_residual"`
	// Peak is the size beyond which capacity falls, 0 where it never does.
	Peak float64 `json:"peak"`
	// Refused is why the fit is not to be believed, empty when it may be.
	Refused string `json:"refused"`
}

// What it takes to believe a fit.
const (
	leastSizes      = 6
	largestResidual = 0.10
)

// At is the capacity that the law gives for size n.
func (s Scaling) At(n float64) float64 {
	return s.Lambda * n / (1 + s.Sigma*(n-1) + s.Kappa*n*(n-1))
}

// FitUSL fits the law to capacities by least squares of the residuals, so that
// every size counts alike. A fit of fewer than six sizes, or with a residual
// above 10%, is refused and says so.
func FitUSL(points []Size) Scaling {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b Size) int { return cmp.Compare(a.N, b.N) })
	sizes := map[float64]bool{}
	for _, p := range points {
		if !(p.N >= 1 && p.Capacity > 0) || math.IsInf(p.N, 0) || math.IsInf(p.Capacity, 0) {
			return Scaling{Sizes: points, Refused: fmt.Sprintf("%g jobs/s at size %g is no capacity of a system", p.Capacity, p.N)}
		}
		sizes[p.N] = true
	}
	if n := len(sizes); n < leastSizes {
		return Scaling{Sizes: points, Refused: fmt.Sprintf("it takes the capacity at %d sizes or more, and there are %d", leastSizes, n)}
	}
	s := solve(points)
	s.Sizes = points
	for _, p := range points {
		r := p.Capacity/s.At(p.N) - 1
		s.Residuals = append(s.Residuals, r)
		if math.Abs(r) > math.Abs(s.Largest) {
			s.Largest = r
		}
	}
	if s.Kappa > 0 && s.Sigma < 1 {
		s.Peak = math.Floor(math.Sqrt((1 - s.Sigma) / s.Kappa))
	}
	if !(math.Abs(s.Largest) <= largestResidual) {
		at := points[slices.Index(s.Residuals, s.Largest)].N
		s.Refused = fmt.Sprintf("at size %g it is off by %s, and more than %s anywhere is no fit", at, number.Percent(math.Abs(s.Largest)), number.Percent(largestResidual))
	}
	return s
}

// solve is the least sum of squared residuals at which no parameter is negative. The
// parameters are 1, sigma and kappa over lambda: what the law divides by, and so each
// residual, grows with them in proportion. So the sum has one minimum for each choice of
// what is held at 0, and the least of those without a negative parameter is the answer.
func solve(points []Size) Scaling {
	var best [3]float64
	least := math.Inf(1)
	for _, held := range [][3]bool{{}, {1: true}, {2: true}, {1: true, 2: true}} {
		v, ok := minimum(points, held)
		if !ok || v[0] <= 0 || v[1] < 0 || v[2] < 0 {
			continue
		}
		sum := 0.0
		for _, p := range points {
			r := -1.0
			for i, a := range row(p) {
				r += a * v[i]
			}
			sum += r * r
		}
		if sum < least {
			best, least = v, sum
		}
	}
	return Scaling{Lambda: 1 / best[0], Sigma: best[1] / best[0], Kappa: best[2] / best[0]}
}

// row are the factors of the three parameters in the residual at p.
func row(p Size) [3]float64 {
	w := p.Capacity / p.N
	return [3]float64{w, w * (p.N - 1), w * p.N * (p.N - 1)}
}

// minimum solves the normal equations for what is not held at 0, by Gaussian elimination.
// They are scaled by their diagonal: the factors differ by the square of the largest size.
// ok is false where they have no single solution.
func minimum(points []Size, held [3]bool) (v [3]float64, ok bool) {
	var m [3][3]float64
	for _, p := range points {
		a := row(p)
		for i := range a {
			v[i] += a[i]
			for j := range a {
				m[i][j] += a[i] * a[j]
			}
		}
	}
	var scale [3]float64
	for i := range m {
		scale[i] = math.Sqrt(m[i][i])
	}
	for i := range m {
		v[i] /= scale[i]
		for j := range m {
			m[i][j] /= scale[i] * scale[j]
			if held[i] || held[j] {
				m[i][j] = 0
			}
		}
		if held[i] {
			m[i][i], v[i] = 1, 0
		}
	}
	for i := range m {
		if !(m[i][i] > 1e-12) {
			return v, false
		}
		for k := i + 1; k < len(m); k++ {
			q := m[k][i] / m[i][i]
			for j := i; j < len(m); j++ {
				m[k][j] -= q * m[i][j]
			}
			v[k] -= q * v[i]
		}
	}
	for i := len(m) - 1; i >= 0; i-- {
		for j := i + 1; j < len(m); j++ {
			v[i] -= m[i][j] * v[j]
		}
		v[i] /= m[i][i]
	}
	for i := range v {
		v[i] /= scale[i]
	}
	return v, true
}
