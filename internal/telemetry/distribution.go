package telemetry

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/queuedyno/queuedyno/internal/latency"
)

// nativeSchema is the resolution of the native buckets: 32 for each doubling, so that
// each is 2.2% wide.
const nativeSchema = 5

// classicBounds are the upper ends of the classic buckets in seconds. Prometheus and
// dashboards compare them as text, so they are written out.
func classicBounds() []float64 {
	return []float64{
		1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
		0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000,
	}
}

// distribution is a histogram in the buckets of Prometheus, in seconds.
type distribution struct {
	count  uint64
	sum    float64
	zero   uint64             // durations of zero, and less
	native map[int]int64      // by the index of the bucket
	upTo   map[float64]uint64 // counts at or below the classic bounds
}

// distributionOf puts every bucket of the histogram, whole, into the bucket of
// Prometheus that holds its upper end. That is the value which the histogram gives for
// a quantile in it, so that quantiles of both fall into the same bucket. What is
// beyond the histogram's range counts as its maximum.
func distributionOf(h *latency.Histogram) distribution {
	d := distribution{
		count: uint64(h.Count()), sum: h.Mean() * float64(h.Count()) / float64(time.Second),
		native: map[int]int64{}, upTo: map[float64]uint64{},
	}
	bounds := classicBounds()
	below, at := uint64(0), 0
	h.Each(func(b latency.Bucket) {
		v := float64(b.To) / float64(time.Second)
		for at < len(bounds) && bounds[at] < v {
			d.upTo[bounds[at]] = below
			at++
		}
		below += uint64(b.Count)
		if b.To <= 0 {
			d.zero += uint64(b.Count)
		} else {
			d.native[nativeIndex(v)] += b.Count
		}
	})
	for ; at < len(bounds); at++ {
		d.upTo[bounds[at]] = below
	}
	if n := h.Overflow(); n > 0 {
		d.native[nativeIndex(float64(h.Max())/float64(time.Second))] += n
	}
	return d
}

// nativeIndex is the index of the native bucket of a value above zero: the one whose
// upper end, 2^(index/2^schema), is the first that is not below it.
func nativeIndex(v float64) int {
	fraction, exponent := math.Frexp(v)
	const perDoubling = 1 << nativeSchema
	return int(math.Ceil(math.Log2(fraction)*perDoubling)) + exponent*perDoubling
}

// metric is the distribution as a native histogram that has classic buckets as well.
func (d distribution) metric(desc *prometheus.Desc, began time.Time, labels ...string) (prometheus.Metric, error) {
	native, err := prometheus.NewConstNativeHistogram(desc, d.count, d.sum, d.native, nil, d.zero,
		nativeSchema, prometheus.DefNativeHistogramZeroThreshold, began, labels...)
	if err != nil {
		return nil, err
	}
	classic, err := prometheus.NewConstHistogram(desc, d.count, d.sum, d.upTo, labels...)
	if err != nil {
		return nil, err
	}
	return bothHistograms{native, classic}, nil
}

// bothHistograms is one histogram in native and in classic buckets. A scraper takes
// those that it knows.
type bothHistograms struct{ native, classic prometheus.Metric }

var _ prometheus.Metric = bothHistograms{}

func (b bothHistograms) Desc() *prometheus.Desc { return b.native.Desc() }

func (b bothHistograms) Write(out *dto.Metric) error {
	var classic dto.Metric
	if err := b.classic.Write(&classic); err != nil {
		return err
	}
	if err := b.native.Write(out); err != nil {
		return err
	}
	out.Histogram.Bucket = classic.Histogram.Bucket
	return nil
}
