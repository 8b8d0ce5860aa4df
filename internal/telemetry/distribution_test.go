package telemetry

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
)

// upper is the upper end of a native bucket in seconds.
func upper(index int) float64 { return math.Exp2(float64(index) / (1 << nativeSchema)) }

func TestEveryDurationIsInTheNativeBucketThatHoldsIt(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		v := math.Exp(r.Float64()*math.Log(3600e9)) / 1e9 // 1 ns to an hour
		i := nativeIndex(v)
		// The ends are computed here in another way, which rounds differently.
		if v > upper(i)*(1+1e-12) || v <= upper(i-1)*(1-1e-12) {
			t.Fatalf("%g s is in bucket %d, from %g to %g", v, i, upper(i-1), upper(i))
		}
	}
	// A power of two is the upper end of its bucket exactly.
	for exponent := -29; exponent < 12; exponent++ {
		if got, want := nativeIndex(math.Ldexp(1, exponent)), exponent<<nativeSchema; got != want {
			t.Errorf("2^%d s is in bucket %d, want %d", exponent, got, want)
		}
	}
}

func TestBothKindsOfBucketsHoldEveryDuration(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	h := latency.New()
	for range 50_000 {
		h.Record(int64(math.Exp(r.NormFloat64()*2 + math.Log(2e6)))) // about 2 ms
	}
	h.Record(0)
	h.Record(-5)                         // a clock that was wrong
	h.Record(int64(3 * time.Hour))       // beyond the histogram's range
	h.Record(int64(5 * time.Nanosecond)) // below the first bound
	d := distributionOf(h)

	if want := uint64(h.Count()); d.count != want {
		t.Errorf("%d durations, want %d", d.count, want)
	}
	if want := h.Mean() * float64(h.Count()) / 1e9; math.Abs(d.sum-want) > 1e-9*want {
		t.Errorf("they add up to %g s, want %g", d.sum, want)
	}
	n := d.zero
	for _, one := range d.native {
		n += uint64(one)
	}
	if n != d.count || d.zero != 2 {
		t.Errorf("native buckets hold %d of %d, and %d of zero, want 2", n, d.count, d.zero)
	}
	if got := d.native[nativeIndex(3*3600)]; got != 1 {
		t.Errorf("%d durations of three hours, want 1", got)
	}
	for _, bound := range classicBounds() {
		var want uint64
		for _, b := range h.Buckets() {
			if float64(b.To)/1e9 <= bound {
				want += uint64(b.Count)
			}
		}
		if got := d.upTo[bound]; got != want {
			t.Errorf("%d durations up to %g s, want %d", got, bound, want)
		}
	}
}

func TestAnEmptyDistributionHasEveryClassicBucket(t *testing.T) {
	t.Parallel()
	d := distributionOf(latency.New())
	if len(d.upTo) != len(classicBounds()) || d.count != 0 || d.sum != 0 || len(d.native) != 0 {
		t.Errorf("%+v", d)
	}
}
