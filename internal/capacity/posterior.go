package capacity

import "math"

// What is believed of a plant before the first trial: where its capacity lies
// around the ceiling, and how noisy trials are. The noise is not known either,
// so the belief is held for a few noises side by side; a plant with a sharp
// edge is then found in half of the trials that a noisy one takes, and a noisy
// one is not believed too early.
const (
	gridStep = 0.01 // of ln(rate), fine beside what trials can tell
	// Where the capacity is expected, as shares of the ceiling, and how far
	// beyond it is looked for.
	expectLow, expectHigh = 0.1, 1.3
	gridLow, gridHigh     = 0.001, 8.0
	outside               = 0.05 // belief that it lies out there, on each side
)

// noise is how trials come out: with probability (1-fluke)*Phi((C-x)/spread)
// a trial at ln(rate) x is good when the capacity is C.
type noise struct{ spread, fluke, belief float64 }

func noises() []noise {
	return []noise{
		{0.01, 0.03, 0.20},
		{0.03, 0.04, 0.20},
		{0.08, 0.05, 0.40},
		{0.15, 0.10, 0.20},
	}
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

// newPosterior is the belief before any trial when the ceiling is known. No rate
// below least is looked at.
func newPosterior(ceiling, least float64) *posterior {
	from, to := math.Log(max(ceiling*gridLow, min(least, ceiling))), math.Log(ceiling*gridHigh)
	low, high := max(from, math.Log(ceiling*expectLow)), math.Log(ceiling*expectHigh)
	p := &posterior{noises: noises()}
	for x := from; x <= to; x += gridStep {
		p.at = append(p.at, x)
	}
	density := func(x float64) float64 {
		switch {
		case x < low:
			return outside / (low - from)
		case x > high:
			return outside / (to - high)
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

// quantile is the place below which the share q of the belief lies.
func (p *posterior) quantile(q float64) float64 {
	sum := 0.0
	for i, x := range p.at {
		before := sum
		for _, row := range p.weight {
			sum += row[i]
		}
		if sum >= q {
			return x + gridStep*((q-before)/(sum-before)-0.5)
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
