// Package latency records durations and answers for their distribution.
//
// It is the only place that knows HdrHistogram. One configuration serves the
// whole project, so that any two histograms merge without loss: one nanosecond
// to one hour with three significant digits. It holds no clock and starts no
// goroutine. Begin reading at [Histogram].
package latency

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The one configuration of every histogram. Values above Highest are counted
// as overflow: they are in the count and in the maximum, in no bucket.
const (
	Lowest  int64 = 1
	Highest int64 = 3_600_000_000_000
	Digits        = 3
)

// MinTail is how many values must lie at or above a quantile before it is
// given at all: with fewer, one more or one less would change it at will.
const MinTail = 10

// Histogram is a distribution of durations in nanoseconds, with a relative
// error of at most 0.1%; minimum, maximum and mean are exact. About 270 kB.
// Recording costs a few nanoseconds and does not allocate. It is not safe for
// concurrent use.
type Histogram struct {
	h        *hdrhistogram.Histogram
	count    int64
	overflow int64
	min, max int64
	sum      int64
	// wide is the sum as far as a float64 holds it, for when sum does not: it is beyond an
	// int64, or rounded, since some of what was added does not have an exact sum.
	wide    float64
	rounded bool
	sumSq   float64
}

// New returns an empty histogram.
func New() *Histogram {
	return &Histogram{h: hdrhistogram.New(Lowest, Highest, Digits), min: math.MaxInt64, max: math.MinInt64}
}

// Record adds one duration in nanoseconds. A negative value cannot be a
// duration on one clock; it is kept in the minimum, so that it shows, and in
// the lowest bucket.
func (h *Histogram) Record(ns int64) {
	h.count++
	h.sum += ns
	h.wide += float64(ns)
	h.sumSq += float64(ns) * float64(ns)
	if ns < h.min {
		h.min = ns
	}
	if ns > h.max {
		h.max = ns
	}
	if ns < 0 {
		ns = 0
	}
	if ns > Highest || h.h.RecordValue(ns) != nil {
		h.overflow++
	}
}

// Merge adds everything in o to h. Nothing is lost: both have the same buckets.
func (h *Histogram) Merge(o *Histogram) {
	if o.count == 0 {
		return
	}
	h.overflow += h.h.Merge(o.h) + o.overflow
	h.count += o.count
	h.sum += o.sum
	h.wide += o.wide
	h.rounded = h.rounded || o.rounded
	h.sumSq += o.sumSq
	h.min = min(h.min, o.min)
	h.max = max(h.max, o.max)
}

// Reset empties the histogram.
func (h *Histogram) Reset() {
	if h.count == 0 {
		return
	}
	h.h.Reset()
	h.count, h.overflow, h.sum, h.wide, h.rounded, h.sumSq = 0, 0, 0, 0, false, 0
	h.min, h.max = math.MaxInt64, math.MinInt64
}

// Count is how many values were recorded, overflow included.
func (h *Histogram) Count() int64 { return h.count }

// Overflow is how many of them were beyond [Highest].
func (h *Histogram) Overflow() int64 { return h.overflow }

// Min is the exact smallest value, 0 when empty.
func (h *Histogram) Min() int64 {
	if h.count == 0 {
		return 0
	}
	return h.min
}

// Max is the exact largest value, 0 when empty.
func (h *Histogram) Max() int64 {
	if h.count == 0 {
		return 0
	}
	return h.max
}

// Mean is the arithmetic mean, 0 when empty.
func (h *Histogram) Mean() float64 {
	if h.count == 0 {
		return 0
	}
	if sum, exact := h.Sum(); exact {
		return float64(sum) / float64(h.count)
	}
	return h.wide / float64(h.count)
}

// Sum is the sum of all values, 0 when empty, and whether it is exact: it is beyond an
// int64 when it comes to 292 years.
func (h *Histogram) Sum() (sum int64, exact bool) {
	return h.sum, !h.rounded && math.Abs(h.wide) < math.MaxInt64/2
}

// Stddev is the standard deviation over all values (divisor n), 0 when empty.
func (h *Histogram) Stddev() float64 {
	if h.count == 0 {
		return 0
	}
	m := h.Mean()
	return math.Sqrt(max(0, h.sumSq/float64(h.count)-m*m))
}

// ErrFewValues is returned by [Histogram.Quantile] when fewer than [MinTail]
// values lie at or above the quantile.
var ErrFewValues = errors.New("too few values")

// ErrCensored is returned by [Histogram.Quantile] when the quantile falls
// among values that never arrived, or beyond the histogram's range.
var ErrCensored = errors.New("falls among jobs that never arrived")

// Quantile is the nearest-rank quantile, the value of rank max(1, ceil(q*N)),
// for 0 < q < 1. N counts the recorded values and the given number of missing
// ones, which rank above all others. The value is that of the rank's bucket,
// at its upper end, but never beyond the exact minimum and maximum.
func (h *Histogram) Quantile(q float64, missing int64) (int64, error) {
	n := h.count + missing
	if n == 0 || float64(n)*(1-q) < MinTail-1e-6 {
		return 0, ErrFewValues
	}
	return h.atRank(q, n)
}

func (h *Histogram) atRank(q float64, n int64) (int64, error) {
	// The product of two decimals is seldom exact: 0.99*300 is 297.00000000000006
	// in binary, and its ceiling would be one rank too high.
	rank := max(1, int64(math.Ceil(q*float64(n)*(1-1e-15)-1e-9)))
	if rank > h.count-h.overflow {
		return 0, ErrCensored
	}
	// The library turns a percentile into a rank by rounding; the middle of the
	// rank can be rounded to nothing else.
	total := h.count - h.overflow
	v := h.h.ValueAtPercentile(100 * float64(rank) / float64(total))
	return min(max(v, h.min), h.max), nil
}

// CountAtOrBelow is how many values lie in buckets up to that of ns.
func (h *Histogram) CountAtOrBelow(ns int64) int64 {
	var n int64
	for _, b := range h.h.Distribution() {
		if b.From > ns {
			break
		}
		n += b.Count
	}
	return n
}

// Bucket is a range of values and how many lie in it, ends included.
type Bucket struct{ From, To, Count int64 }

// Buckets are the non-empty buckets in ascending order.
func (h *Histogram) Buckets() []Bucket {
	var out []Bucket
	for _, b := range h.h.Distribution() {
		if b.Count > 0 {
			out = append(out, Bucket{b.From, b.To, b.Count})
		}
	}
	return out
}

// Each calls fn for every non-empty bucket in ascending order. It is [Histogram.Buckets]
// for those who ask often: it takes some ten microseconds and allocates once, the counts.
func (h *Histogram) Each(fn func(Bucket)) {
	// The first two thousand values have their own counts; from there on each doubling
	// is cut into as many buckets as half of that.
	const own, perDoubling = countsEach, countsEach / 2
	if h.count == h.overflow {
		return
	}
	for i, n := range h.h.Export().Counts {
		switch {
		case n == 0:
		case i < own:
			fn(Bucket{int64(i), int64(i), n})
		default:
			doubling := i/perDoubling - 1
			from := int64(i-doubling*perDoubling) << doubling
			fn(Bucket{from, from + 1<<doubling - 1, n})
		}
	}
}

// Point is one step of a cumulative distribution: Count values are at or below
// Value, which is the share Quantile of them all.
type Point struct {
	Value    int64
	Quantile float64
	Count    int64
}

// Cumulative is the distribution in steps that halve the distance to 1, each
// half cut in the given number of ticks, as HdrHistogram's percentile files do.
func (h *Histogram) Cumulative(ticksPerHalf int) []Point {
	if h.count-h.overflow == 0 {
		return nil
	}
	var out []Point
	for _, b := range h.h.CumulativeDistributionWithTicks(int32(ticksPerHalf)) {
		out = append(out, Point{Value: b.ValueAt, Quantile: b.Quantile / 100, Count: b.Count})
	}
	return out
}

// Shape is what the library calls the number of buckets and of sub-buckets;
// percentile files print them.
func (h *Histogram) Shape() (buckets, subBuckets int) {
	n := 1
	for top := int64(countsEach); top <= Highest; top <<= 1 {
		n++
	}
	return n, countsEach
}

// countsEach is how many counts a bucket of the library has: the power of two that holds 2*10^Digits.
const countsEach = 2048

// Encode is the histogram in HdrHistogram's V2 compressed form, base64.
// Overflow is not part of that form.
func (h *Histogram) Encode() (string, error) {
	b, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode histogram: %w", err)
	}
	return string(b), nil
}

// Decode reads what [Histogram.Encode] wrote, or any V2 compressed histogram
// in base64. Minimum, maximum and mean are then those of the buckets.
func Decode(s string) (*Histogram, error) {
	if _, err := base64.StdEncoding.DecodeString(s); err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	d, err := hdrhistogram.Decode([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	h := New()
	if dropped := h.h.Merge(d); dropped > 0 {
		h.overflow = dropped
	}
	h.count = d.TotalCount()
	if h.count > 0 {
		h.min, h.max = d.Min(), d.Max()
		h.wide = d.Mean() * float64(h.count)
		h.sum, h.rounded = int64(math.Round(h.wide)), math.Abs(h.wide) >= math.MaxInt64/2
		sd := d.StdDev()
		h.sumSq = (sd*sd + d.Mean()*d.Mean()) * float64(h.count)
	}
	return h, nil
}
