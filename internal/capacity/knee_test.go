package capacity_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

// bent is a curve with a median latency of so much at each rate.
func bent(rates []float64, latency func(rate float64) float64) (points []capacity.Point) {
	for _, rate := range rates {
		points = append(points, capacity.Point{
			Rate: rate, Achieved: capacity.Interval{Value: rate}, Sustained: true,
			Latency: map[string]capacity.Interval{"p50": {Value: latency(rate)}},
		})
	}
	return points
}

func TestFewPointsHaveTheirGreatestPowerForAKnee(t *testing.T) {
	t.Parallel()
	queue := func(x float64) float64 { return 1e9 / (1000 - x) } // its power is greatest at 500
	for n, want := range map[int]string{3: "", 4: "greatest power", 7: "greatest power", 8: "Kneedle"} {
		rates := []float64{100, 500, 800, 900, 920, 940, 960, 980}[:n]
		knee := capacity.KneeOf(bent(rates, queue))
		switch {
		case want == "" && knee != nil, want != "" && (knee == nil || !strings.HasPrefix(knee.Method, want)):
			t.Errorf("%d points: knee %+v, want by %q", n, knee, want)
		case want == "greatest power" && knee.Rate != 500:
			t.Errorf("%d points: knee at %v, want 500", n, knee.Rate)
		}
	}
}

func TestACurveThatDoesNotTurnHasNoKnee(t *testing.T) {
	t.Parallel()
	rates := []float64{100, 200, 300, 400, 500, 600, 700, 800, 900, 1000}
	for name, latency := range map[string]func(float64) float64{
		"flat":                   func(float64) float64 { return 5e6 },
		"flat with noise":        func(x float64) float64 { return 5e6 * (1 + 0.1*math.Sin(x)) },
		"it bends downward":      func(x float64) float64 { return 1e6 * math.Sqrt(x) },
		"it falls with the rate": func(x float64) float64 { return 1e9 / x },
	} {
		if knee := capacity.KneeOf(bent(rates, latency)); knee != nil {
			t.Errorf("%s: knee %+v, want none", name, knee)
		}
	}
}

// A curve that is flat up to somewhere and steep from there on has its knee
// there, whatever the units.
func TestTheKneeIsWhereACurveTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(8, 20).Draw(t, "n")
		turn := rapid.IntRange(2, n-2).Draw(t, "turn")
		unit := math.Exp(rapid.Float64Range(-5, 10).Draw(t, "unit"))
		scale := math.Exp(rapid.Float64Range(0, 20).Draw(t, "scale"))
		var rates []float64
		for i := range n {
			rates = append(rates, unit*float64(i+1))
		}
		knee := capacity.KneeOf(bent(rates, func(x float64) float64 { return scale * (1 + max(0, x-rates[turn])/unit) }))
		if knee == nil || knee.Rate != rates[turn] || !strings.HasPrefix(knee.Method, "Kneedle") {
			t.Fatalf("knee %+v, want %v", knee, rates[turn])
		}
	})
}
