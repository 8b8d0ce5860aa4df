package queueing_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/queueing"
)

func TestStallAgreesWithTene(t *testing.T) {
	t.Parallel()
	s := queueing.Stall{Length: 100 * time.Second, Span: 200 * time.Second}
	near(t, "p75 in s", s.Quantile(0.75).Seconds(), 50, 1e-6)
	near(t, "p99.99 in s", s.Quantile(0.9999).Seconds(), 99.98, 1e-6)
	near(t, "p50 in s", s.Quantile(0.5).Seconds(), 0, 1e-6)
	near(t, "share that waits", s.Ramp(), 0.5, 1e-12)
}

func TestStallAgreesWithAMeasuredPipeline(t *testing.T) {
	t.Parallel()
	// 400 jobs/s for 15 s through four workers of 6 ms, the server stopped for
	// 500 ms; measured 242.4, 401.3 and 455.0 ms, at 6.2 ms without a stall.
	s := queueing.Stall{Length: 500 * time.Millisecond, Span: 15 * time.Second, Utilisation: 0.647}
	for p, want := range map[float64]float64{0.95: 241.4, 0.98: 400.2, 0.99: 453.2} {
		near(t, "quantile in ms", 6.2+s.Quantile(p).Seconds()*1e3, want, 0.2)
	}
	// The same stall with the drain forgotten is what corrected histograms show.
	s.Utilisation = 0
	for p, want := range map[float64]float64{0.95: 6.2, 0.98: 206, 0.99: 356} {
		near(t, "quantile without drain in ms", 6.2+s.Quantile(p).Seconds()*1e3, want, 0.3)
	}
}

// simulate is the wait of each of the jobs that arrive at the given moments
// and are served in order, one per cycle, never between from and from+length.
func simulate(at []time.Duration, cycle, from, length time.Duration) []time.Duration {
	waits := make([]time.Duration, len(at))
	var free time.Duration
	for i, a := range at {
		start := max(a, free)
		if start >= from && start < from+length {
			start = from + length
		}
		waits[i] = start - a
		free = start + cycle
	}
	return waits
}

func TestStallIsWhatASimulatedStallShows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const rate, span = 1000, 20 * time.Second
		rho := rapid.Float64Range(0, 0.8).Draw(t, "rho")
		s := queueing.Stall{Length: 800 * time.Millisecond, Span: span, Utilisation: rho}
		at := make([]time.Duration, rate*int(span/time.Second))
		for k := range at {
			at[k] = time.Duration(k) * time.Second / rate
		}
		waits := simulate(at, time.Duration(rho*float64(time.Second)/rate), 5*time.Second+300*time.Microsecond, s.Length)
		slices.Sort(waits)
		for _, p := range []float64{0.5, 0.9, 0.95, 0.98, 0.99, 0.999} {
			got := waits[int(math.Ceil(p*float64(len(waits))-1e-9))-1]
			if d := got - s.Quantile(p); d.Abs() > 2*time.Millisecond {
				t.Fatalf("rho %.2f: p%v = %v, formula %v", rho, 100*p, got, s.Quantile(p))
			}
		}
	})
}

func TestQuantileSpreadIsThatOfSimulatedPoissonRuns(t *testing.T) {
	t.Parallel()
	const rate, runs = 1000, 300
	s := queueing.Stall{Length: 800 * time.Millisecond, Span: 20 * time.Second, Utilisation: 0.6}
	random := rand.New(rand.NewPCG(3, 3))
	const p = 0.97
	var sum, square float64
	for range runs {
		waits := simulate(poisson(random, 20_000, rate), 600*time.Microsecond, 5*time.Second, s.Length)
		slices.Sort(waits)
		v := waits[19_400-1].Seconds()
		sum += v
		square += v * v
	}
	mean := sum / runs
	near(t, "mean quantile in s", mean, s.Quantile(p).Seconds(), 0.008)
	sd := math.Sqrt(square/runs - mean*mean)
	near(t, "spread over formula", sd/s.QuantileSpread(p, rate).Seconds(), 1, 0.15)
}

func TestTailIsTheInverseOfQuantile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := queueing.Stall{Length: time.Second, Span: 30 * time.Second, Utilisation: rapid.Float64Range(0, 0.9).Draw(t, "rho")}
		x := time.Duration(rapid.Int64Range(1, int64(time.Second)-1).Draw(t, "x"))
		if back := s.Quantile(1 - s.Tail(x)); (back - x).Abs() > time.Microsecond {
			t.Fatalf("Quantile(1 - Tail(%v)) = %v", x, back)
		}
	})
	s := queueing.Stall{Length: time.Second, Span: 30 * time.Second, Utilisation: 0.5}
	if s.Tail(time.Second) != 0 || s.Drained() != 2*time.Second {
		t.Errorf("Tail(S) = %v, Drained = %v; want 0 and 2s", s.Tail(time.Second), s.Drained())
	}
}
