package capacity

import (
	"math"
	"slices"
	"sort"
)

// What is believed of a plant before the first trial: where its capacity lies
// around the ceiling, and how noisy trials are. The noise is not known either,
// so the belief is held for a few noises side by side; a plant with a sharp
// edge is then found in half of the trials that a noisy one takes, and a noisy
// one is not believed too early.
const (
	gridStep = 0.01 // of ln(rate), finer than what trials can tell
	// Where the capacity is expected, as shares of the ceiling, and how far
	// beyond it is looked for.
	expectLow, expectHigh = 0.1, 1.3
	gridLow, gridHigh     = 0.001, 8.0
	outside               = 0.05 // belief that it lies out there, on each side
	// Where the ceiling is a bound, the capacity is most likely close below it.
	nearBound, isNear = 0.9, 0.7
)

// noise is how trials come out: with probability (1-fluke)*Phi((C-x)/spread)
// a trial at ln(rate) x is good when the capacity is C.
type noise struct{ spread, fluke, belief float64 }

// noises are what is held possible. What workers carry has a sharp edge: less noise is
// expected where they, or something like them, are the bound.
func noises(bound bool) []noise {
	all := []noise{
		{0.01, 0.03, 0.32},
		{0.03, 0.04, 0.28},
		{0.08, 0.05, 0.29},
		{0.15, 0.10, 0.11},
	}
	if bound {
		all[0].belief, all[1].belief, all[2].belief, all[3].belief = 0.50, 0.35, 0.12, 0.03
	}
	return all
}

// posterior is the belief about ln(capacity) on a grid, for each noise.
//
// It is Bayesian bisection with a probit likelihood; M. Horstein, Sequential
// transmission using noiseless feedback (IEEE IT 9, 1963), R. Waeber, P. Frazier
// and S. Henderson, Bisection search with noisy responses (SIAM J. Control
// Optim. 51, 2013).
type posterior struct {
	at     []float64 // ln(rate)
	noises []noise
	weight [][]float64 // by noise, by place; all of them sum to 1
}

// newPosterior is the belief before any trial when the ceiling is known, and the
// bound that it sets, 0 for none. No rate below least is looked at, nor one above the
// bound.
func newPosterior(ceiling, bound, least float64) *posterior {
	from, to := math.Log(max(ceiling*gridLow, min(least, ceiling))), math.Log(ceiling*gridHigh)
	low, high := max(from, math.Log(ceiling*expectLow)), math.Log(ceiling*expectHigh)
	near := high
	if bound > 0 {
		high, to = math.Log(bound), math.Log(bound)
		near = max(low, math.Log(bound*nearBound))
	}
	p := &posterior{noises: noises(bound > 0)}
	for x := to; x >= from || len(p.at) < 2; x -= gridStep {
		p.at = append(p.at, x)
	}
	slices.Reverse(p.at)
	density := func(x float64) float64 {
		switch {
		case x < low:
			return outside / (low - from)
		case x > high:
			return outside / (to - high)
		case bound > 0 && x >= near:
			return isNear / (high - near)
		case bound > 0:
			return (1 - isNear - outside) / (near - low)
		}
		return (1 - 2*outside) / (high - low)
	}
	for _, n := range p.noises {
		row := make([]float64, len(p.at))
		for i, x := range p.at {
			row[i] = n.belief * density(x)
		}
		p.weight = append(p.weight, row)
	}
	p.normalise()
	return p
}

// learn takes a trial at ln(rate) x into account.
func (p *posterior) learn(x float64, good bool) {
	for k, n := range p.noises {
		for i, c := range p.at {
			like := (1 - n.fluke) * phi((c-x)/n.spread)
			if !good {
				like = 1 - like
			}
			p.weight[k][i] *= like
		}
	}
	p.normalise()
}

func (p *posterior) normalise() {
	sum := 0.0
	for _, row := range p.weight {
		for _, w := range row {
			sum += w
		}
	}
	for _, row := range p.weight {
		for i := range row {
			row[i] /= sum
		}
	}
}

// holds is the chance that a trial at ln(rate) x is good.
func (p *posterior) holds(x float64) (chance float64) {
	for k, n := range p.noises {
		for i, c := range p.at {
			if w := p.weight[k][i]; w > 1e-9 {
				chance += w * (1 - n.fluke) * phi((c-x)/n.spread)
			}
		}
	}
	return chance
}

// safe is the highest place on the grid at which a trial is good with so much of the
// chance that it has at the lowest one, where only a fluke makes it bad.
func (p *posterior) safe(share float64) float64 {
	chance := share * p.holds(p.at[0])
	i := sort.Search(len(p.at), func(i int) bool { return p.holds(p.at[i]) < chance })
	return p.at[max(0, i-1)]
}

// quantile is the place below which the share q of the belief lies.
func (p *posterior) quantile(q float64) float64 {
	sum := 0.0
	for i, x := range p.at {
		before := sum
		for _, row := range p.weight {
			sum += row[i]
		}
		if sum >= q {
			return min(x+gridStep*((q-before)/(sum-before)-0.5), p.at[len(p.at)-1])
		}
	}
	return p.at[len(p.at)-1]
}

// phi is the distribution function of the normal distribution.
func phi(z float64) float64 {
	switch {
	case z < -9:
		return 0
	case z > 9:
		return 1
	}
	return 0.5 * math.Erfc(-z/math.Sqrt2)
}
