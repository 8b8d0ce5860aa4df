package latency_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/queuedyno/queuedyno/internal/latency"
)

// sample is n values over six decades.
func sample(seed uint64, n int) []int64 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(math.Exp(r.Float64()*14)) + 1
	}
	return out
}

func fill(values []int64) *latency.Histogram {
	h := latency.New()
	for _, v := range values {
		h.Record(v)
	}
	return h
}

func TestQuantileIsTheNearestRankWithinAThousandth(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 300, 1000, 1600, 54_321} {
		for _, missing := range []int64{0, 3, int64(n / 50)} {
			values := sample(uint64(n), n)
			h := fill(values)
			slices.Sort(values)
			for _, q := range []float64{0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999} {
				total := float64(int64(n) + missing)
				// The rank in whole ten-thousandths, so that it has no rounding.
				rank := (int64(math.Round(q*10_000))*(int64(n)+missing) + 9_999) / 10_000
				got, err := h.Quantile(q, missing)
				switch {
				case total*(1-q) < latency.MinTail-1e-6:
					if !errors.Is(err, latency.ErrFewValues) {
						t.Errorf("n %d + %d: Quantile(%v) = %d, %v; want ErrFewValues", n, missing, q, got, err)
					}
				case rank > int64(n):
					if !errors.Is(err, latency.ErrCensored) {
						t.Errorf("n %d + %d: Quantile(%v) = %d, %v; want ErrCensored", n, missing, q, got, err)
					}
				default:
					want := values[rank-1]
					if d := math.Abs(float64(got - want)); err != nil || d > float64(want)/1000+1 {
						t.Errorf("n %d + %d: Quantile(%v) = %d, %v; want %d", n, missing, q, got, err, want)
					}
				}
			}
		}
	}
}

func TestExtremesAndMeanAreExact(t *testing.T) {
	t.Parallel()
	values := sample(7, 1000)
	h := fill(values)
	var sum float64
	for _, v := range values {
		sum += float64(v)
	}
	if h.Min() != slices.Min(values) || h.Max() != slices.Max(values) || math.Abs(h.Mean()-sum/1000) > 1e-6*h.Mean() {
		t.Errorf("min %d, max %d, mean %f; want %d, %d, %f", h.Min(), h.Max(), h.Mean(), slices.Min(values), slices.Max(values), sum/1000)
	}
	if one := fill([]int64{5_000_000}); one.Max() != 5_000_000 || one.Stddev() != 0 {
		t.Errorf("one value of 5 ms: max %d, stddev %f", one.Max(), one.Stddev())
	}
}

func TestMergingIsRecordingTogether(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	a, b := sample(1, 5000), sample(2, 300)
	merged := fill(a)
	merged.Merge(fill(b))
	merged.Merge(latency.New())
	whole := fill(append(a, b...))
	if !slices.Equal(merged.Buckets(), whole.Buckets()) || merged.Count() != whole.Count() || merged.Min() != whole.Min() || merged.Max() != whole.Max() {
		t.Error("the merged histogram is not the one of all values")
	}
	merged.Reset()
	if merged.Count() != 0 || len(merged.Buckets()) != 0 || merged.Max() != 0 {
		t.Error("something is left after Reset")
	}
}

func TestOverflowIsCountedAndNeverClamped(t *testing.T) {
	t.Parallel()
	h := latency.New()
	for range 99 {
		h.Record(1000)
	}
	h.Record(2 * latency.Highest)
	if h.Count() != 100 || h.Overflow() != 1 || h.Max() != 2*latency.Highest {
		t.Errorf("count %d, overflow %d, max %d", h.Count(), h.Overflow(), h.Max())
	}
	if v, err := h.Quantile(0.5, 0); v < 999 || v > 1001 || err != nil {
		t.Errorf("p50 = %d, %v", v, err)
	}
}

func TestNegativeValuesShowInTheMinimum(t *testing.T) {
	t.Parallel()
	if h := fill([]int64{-5, 10}); h.Min() != -5 || h.Count() != 2 || h.Mean() != 2.5 {
		t.Errorf("min %d, count %d, mean %f", h.Min(), h.Count(), h.Mean())
	}
}

func TestEncodedHistogramsComeBack(t *testing.T) {
	t.Parallel()
	h := fill(sample(3, 10_000))
	text, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := latency.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.Buckets(), h.Buckets()) || back.Count() != h.Count() {
		t.Error("the decoded histogram is another one")
	}
	if again, _ := back.Encode(); again != text {
		t.Error("the same histogram is encoded in two ways")
	}
}

func TestEachShowsTheBuckets(t *testing.T) {
	t.Parallel()
	h := latency.New()
	values := []int64{0, 1, 1023, 1024, 2047, 2048, 2049, 4095, 4096, latency.Highest, latency.Highest - 1, latency.Highest + 1, -7}
	for shift := range 42 {
		values = append(values, 1<<shift-1, 1<<shift, 1<<shift+1)
	}
	for _, v := range append(values, sample(5, 10_000)...) {
		h.Record(v)
	}
	var got []latency.Bucket
	h.Each(func(b latency.Bucket) { got = append(got, b) })
	if want := h.Buckets(); !slices.Equal(got, want) {
		t.Errorf("%d buckets, want %d", len(got), len(want))
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("the first that differs is %+v, want %+v", got[i], want[i])
			}
		}
	}
	latency.New().Each(func(b latency.Bucket) { t.Errorf("an empty histogram has %+v", b) })
}

func TestCumulativeEndsAtAllValues(t *testing.T) {
	t.Parallel()
	h := fill(sample(4, 10_000))
	points := h.Cumulative(5)
	last := points[len(points)-1]
	if last.Count != 10_000 || last.Quantile != 1 {
		t.Errorf("the last point is %+v", last)
	}
	if !slices.IsSortedFunc(points, func(a, b latency.Point) int { return int(a.Value - b.Value) }) {
		t.Error("the points do not ascend")
	}
	if latency.New().Cumulative(5) != nil {
		t.Error("an empty histogram has points")
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	h := latency.New()
	if n := testing.AllocsPerRun(1000, func() { h.Record(12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	h := fill([]int64{1, 1000, 1_000_000})
	text, err := h.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("")
	f.Add("HISTFAAAAA==")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 10_000 {
			return
		}
		h, err := latency.Decode(s)
		if err != nil {
			return
		}
		again, err := h.Encode()
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if back, err := latency.Decode(again); err != nil || !slices.Equal(back.Buckets(), h.Buckets()) {
			t.Errorf("the histogram did not survive: %v", err)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	h := latency.New()
	b.ReportAllocs()
	i := int64(0)
	for b.Loop() {
		i++
		h.Record(100_000 + i*7919%5_000_000)
	}
}

func BenchmarkEncode(b *testing.B) {
	h := fill(sample(5, 1000))
	for b.Loop() {
		if _, err := h.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheShapeIsThatOfTheRange(t *testing.T) {
	t.Parallel()
	buckets, sub := latency.New().Shape()
	if sub != 2048 || int64(sub)<<(buckets-1) <= latency.Highest || int64(sub)<<(buckets-2) > latency.Highest {
		t.Errorf("%d buckets of %d, for up to %d", buckets, sub, latency.Highest)
	}
}
