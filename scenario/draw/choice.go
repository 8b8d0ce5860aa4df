package draw

import (
	"errors"
	"fmt"
	"math"
)

// Choice picks one of N, for example the tenant of a job. With Skew 0 all are
// equally likely; else they follow the law of Zipf, by which number i, counted
// from 0, comes in proportion to 1/(i+1)^Skew. With Skew 1 and 100 tenants the
// first one has a fifth of all jobs.
type Choice struct {
	N    int     // at least 1
	Skew float64 // 0 to 10
}

// Bounds of a [Choice].
const (
	maxChoices = 1_000_000_000
	maxSkew    = 10
)

// Validate reports every fault of the choice.
func (c Choice) Validate() error {
	var faults []error
	if c.N < 1 || c.N > maxChoices {
		faults = append(faults, fmt.Errorf("a choice among %d is not one among 1 to %d", c.N, maxChoices))
	}
	if !(c.Skew >= 0 && c.Skew <= maxSkew) {
		faults = append(faults, fmt.Errorf("a skew of %v is not between 0 and %d", c.Skew, maxSkew))
	}
	return errors.Join(faults...)
}

// At is what job n picks, 0 to N-1, a pure function. No allocation. For
// many picks keep a [Picker].
func (c Choice) At(seed uint64, n int64) int { return c.Picker().At(seed, n) }

// Picker is a [Choice] that is ready to be made often, in some 100 ns and some
// 50 bytes whatever N is. It does not change; use it from any goroutine.
type Picker struct {
	n           uint64
	skew        float64
	first, last float64 // the integral of the hat up to 1 and N
	sure        float64 // what is so near to a whole number is never rejected
}

// Picker prepares a valid choice.
//
// Source: W. Hörmann and G. Derflinger, Rejection-inversion to generate variates
// from monotone discrete distributions, ACM TOMACS 6 (1996).
func (c Choice) Picker() Picker {
	p := Picker{n: uint64(max(1, c.N)), skew: c.Skew}
	if c.Skew > 0 {
		p.first = p.integral(1.5) - 1
		p.last = p.integral(float64(p.n) + .5)
		p.sure = 2 - p.inverse(p.integral(2.5)-p.height(2))
	}
	return p
}

// At is what job n picks.
func (p Picker) At(seed uint64, n int64) int {
	if p.n <= 1 {
		return 0
	}
	if p.skew == 0 {
		return int(below(mix(seed, choiceStream, uint64(n)), p.n))
	}
	// A job takes as many random numbers as it needs, each of a stream of its
	// own.
	for try := uint64(0); ; try++ {
		u := p.last + unit(mix(seed, choiceStream+try<<32, uint64(n)))*(p.first-p.last)
		x := p.inverse(u)
		k := min(max(1, math.Floor(x+.5)), float64(p.n))
		if k-x <= p.sure || u >= p.integral(k+.5)-p.height(k) {
			return int(k) - 1
		}
	}
}

// height is the hat at x, 1/x^skew.
func (p Picker) height(x float64) float64 { return math.Exp(-p.skew * math.Log(x)) }

// integral is that of the hat, (x^(1-skew) - 1) / (1-skew), or log x at skew 1.
func (p Picker) integral(x float64) float64 {
	l := math.Log(x)
	if t := (1 - p.skew) * l; math.Abs(t) > 1e-8 {
		return math.Expm1(t) / t * l
	}
	return l
}

// inverse is that of integral.
func (p Picker) inverse(y float64) float64 {
	if t := max(-1, (1-p.skew)*y); math.Abs(t) > 1e-8 {
		return math.Exp(math.Log1p(t) / t * y)
	}
	return math.Exp(y)
}
