package paired

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Plan says after how many pairs it is looked whether they decide, and with
// which error each time. A look costs error, so there are few.
type Plan struct {
	Looks []int
	// Alpha is the error of one look, for fail and for pass each.
	Alpha float64
}

// The error of all looks together, and the fewest pairs that can decide at all:
// with four, chance alone gives the most telling pairs once in sixteen times.
const (
	Alpha      = 0.05
	LeastPairs = 5
)

// Within is the plan for at most so many pairs: a look after 8, 12, 16 … of them
// and one after the last. The errors of each are such that all together stay
// below [Alpha]: up to four by simulation, beyond as the sum of their bounds.
func Within(pairs int) Plan {
	var p Plan
	for n := 8; n <= pairs-2; n += 4 {
		p.Looks = append(p.Looks, n)
	}
	p.Looks = append(p.Looks, pairs)
	k, simulated := len(p.Looks), []float64{Alpha, 0.029, 0.022, 0.02}
	p.Alpha = Alpha / float64(k)
	if k <= len(simulated) {
		p.Alpha = simulated[k-1]
	}
	return p
}

// leastToFail is how many pairs it takes at least until one of so many metrics
// that gate can fail: Holm's correction wants its chance to be their number times
// rarer than alpha, and n pairs that agree in sign have the chance 2^-n.
func leastToFail(gates int, alpha float64) int {
	n := LeastPairs
	for math.Ldexp(float64(max(gates, 1)), -n) > alpha && n < 1000 {
		n++
	}
	return n
}

// Look reports whether it is looked after n pairs.
func (p Plan) Look(n int) bool { return slices.Contains(p.Looks, n) }

// Order says for each of n pairs whether the candidate runs first. Of two pairs
// that follow each other one is the other way round, so that a steady drift of
// the machine falls out; which one it is, is drawn.
func Order(seed uint64, n int) []bool {
	r := rand.New(rand.NewPCG(seed, 2))
	out := make([]bool, 0, n+1)
	for len(out) < n {
		first := r.IntN(2) == 1
		out = append(out, first, !first)
	}
	return out[:n]
}

// The standard normal quantiles of an error of 5% and of a chance of 80% to
// find what is there, added; and how much of the power of a mean the rank test
// has when the noise is normal.
const (
	reachZ     = 1.6449 + 0.8416
	efficiency = 0.955
)

// reach is by how much, as a logarithm, a change has to lie off the margin to be
// seen with 80% chance.
func reach(spread float64, pairs int) float64 {
	if pairs == 0 {
		return math.Inf(1)
	}
	return reachZ * spread / math.Sqrt(efficiency*float64(pairs))
}

// Detectable is the smallest margin, as a share, that n pairs of that spread
// decide with 80% chance when nothing changed.
func Detectable(spread float64, pairs int) float64 { return math.Expm1(reach(spread, pairs)) }

// pairsFor is how many pairs of that spread it takes to decide, with 80% chance, what lies
// so far off the margin as a logarithm.
func pairsFor(spread, away float64) int {
	n := math.Ceil(reachZ * reachZ * spread * spread / (efficiency * away * away))
	return int(min(max(n, LeastPairs), 1e6))
}
