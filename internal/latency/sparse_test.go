package latency_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/latency"
)

// exactOf is what a result knows of a histogram besides its buckets.
func exactOf(h *latency.Histogram) latency.Exact {
	e := latency.Exact{Min: h.Min(), Max: h.Max(), Overflow: h.Overflow()}
	sum, _ := h.Sum()
	e.Add(sum)
	return e
}

// TestASparseSumIsTheMergedHistogram adds encoded histograms up in any order, and compares
// the sum with one histogram that all values were recorded in.
func TestASparseSumIsTheMergedHistogram(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "histograms")
		whole := latency.New()
		var codes []string
		for i := range n {
			h := fill(sample(uint64(i), rapid.SampledFrom([]int{0, 1, 10, 3000}).Draw(t, "values")))
			if rapid.Bool().Draw(t, "extremes") {
				h.Record(0)
				h.Record(2047)
				h.Record(2048)
				h.Record(latency.Highest)
				h.Record(latency.Highest * 2)
			}
			code, err := h.Encode()
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
			whole.Merge(h)
		}
		order := rapid.Permutation(codes).Draw(t, "order")
		var c latency.BandCounter
		var left, right latency.Sparse
		for i, code := range order {
			to := &left
			if i%2 == 1 {
				to = &right
			}
			if err := c.Collect(code, to); err != nil {
				t.Fatal(err)
			}
		}
		right.Add(&left)
		got := latency.New()
		right.Into(got, exactOf(whole))
		if !slices.Equal(got.Buckets(), whole.Buckets()) {
			t.Fatal("the buckets differ")
		}
		if exactOf(got) != exactOf(whole) || got.Count() != whole.Count() {
			t.Fatalf("%+v of %d values, want %+v of %d", exactOf(got), got.Count(), exactOf(whole), whole.Count())
		}
		for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
			a, err1 := got.Quantile(q, 3)
			b, err2 := whole.Quantile(q, 3)
			if a != b || (err1 == nil) != (err2 == nil) {
				t.Fatalf("the %v quantile is %d, %v; want %d, %v", q, a, err1, b, err2)
			}
		}
	})
}

func TestASparseSumRefusesOtherBuckets(t *testing.T) {
	t.Parallel()
	other := hdrhistogram.New(1000, 60_000_000_000, 2)
	if err := other.RecordValue(rand.Int64N(1_000_000)); err != nil {
		t.Fatal(err)
	}
	code, err := other.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	var c latency.BandCounter
	var s latency.Sparse
	for _, bad := range []string{string(code), "", "x", string(code[:20])} {
		if c.Collect(bad, &s) == nil {
			t.Errorf("Collect(%q) = nil, want an error", bad)
		}
	}
	h := latency.New()
	s.Into(h, latency.Exact{})
	if h.Count() != 0 {
		t.Errorf("%d values after errors", h.Count())
	}
}

// TestThePlainFormHoldsTheSameBuckets compares both forms of one histogram bucket by bucket,
// and adds counts up that are larger than 32 bits.
func TestThePlainFormHoldsTheSameBuckets(t *testing.T) {
	t.Parallel()
	var c latency.BandCounter
	for seed, n := range []int{0, 1, 10, 1000, 100_000} {
		h := fill(append(sample(uint64(seed), n), -1, 0, 1, 1023, 1024, 2047, 2048, 4096, latency.Highest))
		packed, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		want, wantN, err1 := c.AppendBuckets([]byte(packed), nil, nil)
		got, gotN, err2 := c.AppendBuckets([]byte(h.EncodePlain()), nil, nil)
		if err1 != nil || err2 != nil || !slices.Equal(got, want) || !slices.Equal(gotN, wantN) {
			t.Errorf("%d values: %v and %v: the plain form holds %d buckets, the compressed one %d", n, err1, err2, len(got), len(want))
		}
	}
	var s latency.Sparse
	for range 3 {
		s.AddBuckets([]int32{0, 77, 5000}, []int64{1, 1<<32 - 1, 1 << 40})
	}
	h := latency.New()
	s.Into(h, latency.Exact{})
	if want := 3 * int64(1+1<<32-1+1<<40); h.Count() != want {
		t.Errorf("%d values after large counts, want %d", h.Count(), want)
	}
}

func TestAPlainHistogramThatIsCutOffIsRefused(t *testing.T) {
	t.Parallel()
	var c latency.BandCounter
	code := fill(sample(1, 100)).EncodePlain()
	for _, bad := range []string{code[:16], code[:52], code[:60], code[:len(code)-8], strings.Replace(code, "HISTE", "HISTI", 1)} {
		buckets, counts, err := c.AppendBuckets([]byte(bad), []int32{1}, []int64{2})
		if err == nil || len(buckets) != 1 || len(counts) != 1 {
			t.Errorf("AppendBuckets(%q) = %v, %v, %v; want an error and nothing appended", bad, buckets, counts, err)
		}
	}
}

func BenchmarkAppendBuckets(b *testing.B) {
	h := fill(sample(5, 100))
	packed, err := h.Encode()
	if err != nil {
		b.Fatal(err)
	}
	for name, code := range map[string]string{"plain": h.EncodePlain(), "compressed": packed} {
		b.Run(name, func(b *testing.B) {
			var c latency.BandCounter
			var buckets []int32
			var counts []int64
			b.ReportAllocs()
			for b.Loop() {
				if buckets, counts, err = c.AppendBuckets([]byte(code), buckets[:0], counts[:0]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(code)), "B/histogram")
		})
	}
}

// TestASumBeyondAnIntegerIsRounded records 340 years, and merges and adds them up.
func TestASumBeyondAnIntegerIsRounded(t *testing.T) {
	t.Parallel()
	const value, n = int64(3500 * time.Second), 3_000_000
	h, twice := latency.New(), latency.New()
	for range n {
		h.Record(value)
	}
	twice.Merge(h)
	twice.Merge(h)
	var added latency.Sparse
	var e latency.Exact
	for range 2 {
		e.Min, e.Max, e.Overflow = h.Min(), h.Max(), e.Overflow+n
		e.AddRounded(h.Mean() * n)
	}
	into := latency.New()
	added.Into(into, e)
	for name, one := range map[string]*latency.Histogram{"recorded": h, "merged": twice, "added up": into} {
		if _, exact := one.Sum(); exact || math.Abs(one.Mean()-float64(value)) > 1 || name != "added up" && one.Stddev() > 1e6 {
			t.Errorf("%s: exact %t, mean %g, standard deviation %g; want %d, rounded", name, exact, one.Mean(), one.Stddev(), value)
		}
	}
}
