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
	s := fit{points}.solve()
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

// fit is a fit in progress. Its parameters are 1, sigma and kappa over lambda:
// what the law divides by grows with each of them in proportion.
type fit struct{ points []Size }

// row are the factors of the three parameters in the residual at p.
func row(p Size) [3]float64 {
	w := p.Capacity / p.N
	return [3]float64{w, w * (p.N - 1), w * p.N * (p.N - 1)}
}

// cost is half the sum of the squared residuals.
func (f fit) cost(v [3]float64) (sum float64) {
	for _, p := range f.points {
		a := row(p)
		r := a[0]*v[0] + a[1]*v[1] + a[2]*v[2] - 1
		sum += r * r / 2
	}
	return sum
}

// solve is the method of Levenberg and Marquardt (D. Marquardt, SIAM J. Appl.
// Math. 11, 1963), kept where no parameter is negative: one that is 0 and would
// become less is left out of the step, and a step that goes too far is cut.
//
// It starts where C. Hale's usl does: sigma 0.1, kappa 0.01, and for lambda the
// greatest capacity per size.
func (f fit) solve() Scaling {
	lambda := 0.0
	for _, p := range f.points {
		lambda = max(lambda, p.Capacity/p.N)
	}
	v := [3]float64{1 / lambda, 0.1 / lambda, 0.01 / lambda}
	damping, best := 1e-3, f.cost(v)
	for range 500 {
		gradient, curvature := f.slope(v)
		var held [3]bool
		for i := range v {
			held[i] = v[i] <= 0 && gradient[i] > 0
		}
		next := v
		for i, d := range step(gradient, curvature, held, damping) {
			next[i] = max(0, v[i]+d)
		}
		next[0] = max(next[0], v[0]/10) // lambda is finite
		c := f.cost(next)
		if !(c < best) {
			if damping *= 4; damping > 1e12 {
				break
			}
			continue
		}
		v, best, damping = next, c, max(damping/10, 1e-15)
	}
	return Scaling{Lambda: 1 / v[0], Sigma: v[1] / v[0], Kappa: v[2] / v[0]}
}

// slope is the gradient of the cost, and its second derivatives.
func (f fit) slope(v [3]float64) (gradient [3]float64, curvature [3][3]float64) {
	for _, p := range f.points {
		a := row(p)
		r := a[0]*v[0] + a[1]*v[1] + a[2]*v[2] - 1
		for i := range a {
			gradient[i] += a[i] * r
			for j := range a {
				curvature[i][j] += a[i] * a[j]
			}
		}
	}
	return gradient, curvature
}

// step solves (curvature + damping*its diagonal) step = -gradient for what is
// not held, by Gaussian elimination; the matrix is positive definite.
func step(gradient [3]float64, m [3][3]float64, held [3]bool, damping float64) (d [3]float64) {
	for i := range m {
		m[i][i] *= 1 + damping
		d[i] = -gradient[i]
		if held[i] {
			for j := range m {
				m[i][j], m[j][i] = 0, 0
			}
			m[i][i], d[i] = 1, 0
		}
	}
	for i := range m {
		for k := i + 1; k < len(m); k++ {
			if m[i][i] == 0 {
				return [3]float64{}
			}
			q := m[k][i] / m[i][i]
			for j := i; j < len(m); j++ {
				m[k][j] -= q * m[i][j]
			}
			d[k] -= q * d[i]
		}
	}
	for i := len(m) - 1; i >= 0; i-- {
		for j := i + 1; j < len(m); j++ {
			d[i] -= m[i][j] * d[j]
		}
		if m[i][i] == 0 {
			return [3]float64{}
		}
		d[i] /= m[i][i]
	}
	return d
}
