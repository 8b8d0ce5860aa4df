package stationarity_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/queuedyno/queuedyno/internal/stationarity"
)

func noise(n int, level, sd float64, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	y := make([]float64, n)
	for i := range y {
		y[i] = level + sd*r.NormFloat64()
	}
	return y
}

func TestMSER5FindsTheEndOfAPlantedWarmUp(t *testing.T) {
	t.Parallel()
	off := 0
	for seed := range uint64(100) {
		y := noise(300, 10, 0.5, seed)
		for i := range 60 {
			y[i] += 20 * math.Exp(-float64(i)/15)
		}
		warmup, settled, ok := stationarity.MSER5(y)
		if !ok || warmup < 30 {
			t.Errorf("seed %d: warm-up of about 60 found at %d", seed, warmup)
		}
		if !settled || warmup > 100 {
			off++ // the rule is known to cut too much now and then
		}
	}
	if off > 10 {
		t.Errorf("far too much was cut in %d of 100 series", off)
	}
}

func TestMSER5LeavesASettledSeriesAlone(t *testing.T) {
	t.Parallel()
	if warmup, settled, ok := stationarity.MSER5(make([]float64, 200)); !ok || !settled || warmup != 0 {
		t.Errorf("a constant series: warm-up %d, settled %t", warmup, settled)
	}
	if _, _, ok := stationarity.MSER5(make([]float64, 99)); ok {
		t.Error("99 values were judged")
	}
}

func TestMSER5SeesThatARampDoesNotSettle(t *testing.T) {
	t.Parallel()
	y := make([]float64, 400)
	for i := range y {
		y[i] = float64(i)
	}
	if _, settled, ok := stationarity.MSER5(y); settled || !ok {
		t.Error("a ramp was said to settle")
	}
}

func TestDriftIsSeenAndNoiseIsNot(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		if _, spreads, ok := stationarity.Drift(noise(60, 10, 1, seed)); !ok || spreads > 3 {
			t.Errorf("seed %d: noise is called a drift of %.1f spreads", seed, spreads)
		}
	}
	y := append(noise(30, 10, 0.5, 1), noise(30, 14, 0.5, 2)...)
	if ratio, spreads, ok := stationarity.Drift(y); !ok || spreads < 3 || math.Abs(ratio-1.4) > 0.1 {
		t.Errorf("a step from 10 to 14: ratio %.2f, %.1f spreads", ratio, spreads)
	}
	if _, _, ok := stationarity.Drift(make([]float64, 60)); ok {
		t.Error("zeros have no logarithm and were judged")
	}
}
