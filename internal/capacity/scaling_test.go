package capacity_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

// planted is a law, and its capacities at some sizes.
func planted(t *rapid.T) (capacity.Scaling, []capacity.Size) {
	s := capacity.Scaling{
		Lambda: math.Exp(rapid.Float64Range(-2, 12).Draw(t, "ln lambda")),
		Sigma:  rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.001, 0.5)).Draw(t, "sigma"),
		Kappa:  rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.0001, 0.05)).Draw(t, "kappa"),
	}
	var points []capacity.Size
	n := 0.0
	for range rapid.IntRange(6, 12).Draw(t, "sizes") {
		n += float64(rapid.IntRange(1, 6).Draw(t, "step"))
		points = append(points, capacity.Size{N: n, Capacity: s.At(n)})
	}
	return s, points
}

func TestAFitFindsTheLawThatWasPlanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want, points := planted(t)
		got := capacity.FitUSL(points)
		if got.Refused != "" || math.Abs(got.Largest) > 1e-6 || len(got.Residuals) != len(points) {
			t.Fatalf("%+v: refused, or off: %+v", want, got)
		}
		if math.Abs(got.Lambda/want.Lambda-1) > 1e-3 || math.Abs(got.Sigma-want.Sigma) > 1e-3 || math.Abs(got.Kappa-want.Kappa) > 1e-4 {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

// With noise of 2% the curve is found to within a few percent over the sizes
// that were measured, whatever its parameters are.
func TestAFitFindsTheCurveThroughNoise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want, points := planted(t)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for i := range points {
			points[i].Capacity *= 1 + 0.04*(random.Float64()-0.5)
		}
		got := capacity.FitUSL(points)
		if got.Refused != "" || got.Lambda <= 0 || got.Sigma < 0 || got.Kappa < 0 {
			t.Fatalf("%+v; want a law that makes sense", got)
		}
		for _, p := range points {
			if math.Abs(got.At(p.N)/want.At(p.N)-1) > 0.05 {
				t.Fatalf("at %v: %v, want %v", p.N, got.At(p.N), want.At(p.N))
			}
		}
	})
}

func TestTheParametersAreFoundThroughNoise(t *testing.T) {
	t.Parallel()
	want := capacity.Scaling{Lambda: 200, Sigma: 0.05, Kappa: 0.001}
	var points []capacity.Size
	random := rand.New(rand.NewPCG(7, 7))
	for _, n := range []float64{1, 2, 4, 8, 12, 16, 24, 32, 48, 64} {
		points = append(points, capacity.Size{N: n, Capacity: want.At(n) * (1 + 0.02*random.NormFloat64())})
	}
	got := capacity.FitUSL(points)
	if math.Abs(got.Lambda/want.Lambda-1) > 0.05 || math.Abs(got.Sigma-want.Sigma) > 0.015 || math.Abs(got.Kappa/want.Kappa-1) > 0.2 {
		t.Errorf("%+v, want nearly %+v", got, want)
	}
	// The square root of 0.95/0.001 is 30.8, and the peak is flat.
	if got.Peak < 27 || got.Peak > 34 {
		t.Errorf("peak at %v, want about 30", got.Peak)
	}
}

func TestASawToothIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, points := planted(t)
		for i := range points {
			if i%2 == 1 {
				points[i].Capacity *= rapid.Float64Range(0.4, 0.6).Draw(t, "tooth")
			}
		}
		got := capacity.FitUSL(points)
		if !strings.Contains(got.Refused, "it is off by") || math.Abs(got.Largest) <= 0.1 {
			t.Fatalf("%+v; want it refused with the largest residual", got)
		}
	})
}

func TestAFitIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	five := []capacity.Size{{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 50}}
	for want, points := range map[string][]capacity.Size{
		"there are 0":              nil,
		"there are 5":              append(five[:5:5], capacity.Size{N: 5, Capacity: 51}),
		"0 jobs/s at size 6 is no": append(five[:5:5], capacity.Size{N: 6}),
		"at size 0 is no":          append(five[:5:5], capacity.Size{Capacity: 5}),
		"at size 7 is no":          append(five[:5:5], capacity.Size{N: 7, Capacity: math.Inf(1)}),
	} {
		if got := capacity.FitUSL(points); !strings.Contains(got.Refused, want) {
			t.Errorf("refused with %q, want %q", got.Refused, want)
		}
	}
}

func TestNothingThatScalesAllTheWayHasAPeak(t *testing.T) {
	t.Parallel()
	var points []capacity.Size
	for n := 1.0; n <= 8; n++ {
		points = append(points, capacity.Size{N: n, Capacity: 150 * n * math.Pow(1.005, n)}) // faster than in proportion
	}
	if got := capacity.FitUSL(points); got.Refused != "" || got.Sigma != 0 || got.Kappa != 0 || got.Peak != 0 {
		t.Errorf("%+v, want no loss and no peak", got)
	}
}

func ExampleFitUSL() {
	// Of every job a twentieth goes through one lock.
	var points []capacity.Size
	for _, workers := range []float64{1, 2, 4, 8, 16, 32} {
		points = append(points, capacity.Size{N: workers, Capacity: 100 * workers / (1 + 0.05*(workers-1))})
	}
	s := capacity.FitUSL(points)
	fmt.Printf("%.0f jobs/s each, contention %.2f, 64 would carry %.0f jobs/s\n", s.Lambda, s.Sigma, s.At(64))
	// Output: 100 jobs/s each, contention 0.05, 64 would carry 1542 jobs/s
}
