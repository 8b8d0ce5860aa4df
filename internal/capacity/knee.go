package capacity

import "slices"

// Knee is where latency begins to rise faster than throughput. It suggests at
// which rate to operate a system; it is no capacity.
type Knee struct {
	// Rate is the achieved rate in jobs per second.
	Rate float64 `json:"rate_per_s"`
	// Method says how it was found.
	Method string `json:"method"`
}

// What it takes to find a knee.
const (
	leastForPower   = 4
	leastForKneedle = 8
	// Below this rise of latency from its least to its greatest, the bend of a
	// curve is the bend of its noise.
	leastRise = 1.25
)

// KneeOf suggests an operating point from the points of a curve that were
// sustained, with p50 for the latency: the knee by Kneedle where there are
// eight of them and it finds one, else the greatest power (L. Kleinrock, Power
// and deterministic rules of thumb, ICC 1979), rate over response. It is nil
// below four such points, and where the greatest power is the last: then latency
// has not begun to rise faster than throughput.
func KneeOf(points []Point) *Knee {
	var rates, latencies []float64
	for _, p := range points {
		if latency := p.Latency["p50"]; p.Sustained && latency.Value > 0 && p.Achieved.Value > 0 {
			rates, latencies = append(rates, p.Achieved.Value), append(latencies, latency.Value)
		}
	}
	if len(rates) < leastForPower {
		return nil
	}
	if len(rates) >= leastForKneedle {
		if i, ok := kneedle(rates, latencies); ok {
			return &Knee{Rate: rates[i], Method: "Kneedle: where median latency turns upward"}
		}
	}
	powers := make([]float64, len(rates))
	for i := range rates {
		powers[i] = rates[i] / latencies[i]
	}
	best := slices.Index(powers, slices.Max(powers))
	if best == len(powers)-1 {
		return nil
	}
	return &Knee{Rate: rates[best], Method: "greatest power: achieved rate over median latency"}
}

// kneedle is the point at which a curve that bends upward turns. With both axes
// scaled to 0..1 the curve hangs below the diagonal, and the knee is where it
// hangs lowest, if it comes back by more than the mean step between points
// before it hangs as low again: else the low is one of noise.
//
// Source: V. Satopaa, J. Albrecht, D. Irwin, B. Raghavan, Finding a "Kneedle" in
// a Haystack (ICDCS Workshops 2011), with a sensitivity of 1 and no smoothing;
// it is worded for curves that bend downward, of which ours is the half turn.
func kneedle(x, y []float64) (at int, ok bool) {
	lowX, highX := slices.Min(x), slices.Max(x)
	lowY, highY := slices.Min(y), slices.Max(y)
	if highX <= lowX || highY < leastRise*lowY {
		return 0, false
	}
	depth := make([]float64, len(x))
	for i := range x {
		depth[i] = (x[i]-lowX)/(highX-lowX) - (y[i]-lowY)/(highY-lowY)
	}
	step := 1 / float64(len(x)-1)
	found := 0.0
	// The half turn makes the last point the first.
	for i := len(x) - 2; i > 0; i-- {
		if depth[i] < depth[i+1] || depth[i] <= depth[i-1] || depth[i] <= found {
			continue
		}
		for j := i - 1; j >= 0 && depth[j] < depth[i]; j-- {
			if depth[j] < depth[i]-step {
				at, ok, found = i, true, depth[i]
				break
			}
		}
	}
	return at, ok
}
