package line_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/line"
)

// What is left over at the points has no slope and no mean: there is no better line.
func TestNothingOfALineIsLeftOver(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfNDistinct(rapid.Float64Range(-1e3, 1e3), 2, 30, rapid.ID[float64]).Draw(t, "x")
		y := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), len(x), len(x)).Draw(t, "y")
		f, ok := line.Through(x, y)
		if !ok || f.XX < 1e-3 {
			t.Skip("nearly above each other")
		}
		var sum, along float64
		for i := range x {
			r := f.Residual(x[i], y[i])
			sum, along = sum+r, along+r*(x[i]-f.MeanX)
		}
		if n := float64(len(x)); math.Abs(sum)/n > 1e-6*(1+math.Abs(f.Slope)) || math.Abs(along)/f.XX > 1e-6*(1+math.Abs(f.Slope)) {
			t.Fatalf("%g and %g are left of %v %v by %+v", sum, along, x, y, f)
		}
	})
}

func TestPointsWithoutASingleLine(t *testing.T) {
	t.Parallel()
	for _, p := range [][2][]float64{{}, {{1}, {1}}, {{2, 2}, {1, 5}}, {{1, 2}, {1}}} {
		if f, ok := line.Through(p[0], p[1]); ok {
			t.Errorf("%v has the line %+v", p, f)
		}
	}
}
