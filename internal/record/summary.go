package record

import (
	"errors"
	"math"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/result"
)

// Summarize is the summary of a stage; missing jobs count as infinitely late.
func Summarize(h *latency.Histogram, missing int64) (*result.StageSummary, error) {
	s := Figures(h, missing)
	var err error
	s.HDR, err = h.Encode()
	return s, err
}

// Figures is the summary of a stage without its histogram, whose encoding takes most
// of the time.
func Figures(h *latency.Histogram, missing int64) *result.StageSummary {
	s := &result.StageSummary{
		Count: h.Count(), Overflow: h.Overflow(), Censored: missing,
		MinNS: Extreme(h, h.Min()), MaxNS: Extreme(h, h.Max()),
		MeanNS: Extreme(h, h.Mean()), StddevNS: Extreme(h, h.Stddev()),
	}
	for _, q := range []struct {
		name string
		q    float64
		at   **int64
	}{
		{"p50", 0.50, &s.P50NS}, {"p75", 0.75, &s.P75NS}, {"p90", 0.90, &s.P90NS}, {"p95", 0.95, &s.P95NS},
		{"p99", 0.99, &s.P99NS}, {"p99.9", 0.999, &s.P999NS}, {"p99.99", 0.9999, &s.P9999NS},
	} {
		v, err := h.Quantile(q.q, missing)
		if err == nil {
			*q.at = &v
			continue
		}
		why := result.Missing{Code: result.OtherReason, Text: err.Error()}
		if errors.Is(err, latency.ErrFewValues) {
			why = result.Missing{Code: result.TooFewJobs, Need: int64(math.Round(latency.MinTail / (1 - q.q))), Have: h.Count() + missing}
		} else if errors.Is(err, latency.ErrCensored) {
			why = result.Missing{Code: result.NeverArrived, Need: h.Count() + missing, Have: h.Count()}
		}
		if s.Missing == nil {
			s.Missing = map[string]result.Missing{}
		}
		s.Missing[q.name] = why
	}
	return s
}

// Second is the summary of a stage in one second.
func Second(h *latency.Histogram) *result.SecondStage {
	return &result.SecondStage{
		Count: h.Count(),
		P50NS: Quantile(h, 0.5, 0), P90NS: Quantile(h, 0.9, 0), P99NS: Quantile(h, 0.99, 0),
		MaxNS: Extreme(h, h.Max()),
	}
}

// Quantile is the q-quantile, nil when the values cannot carry it.
func Quantile(h *latency.Histogram, q float64, missing int64) *int64 {
	v, err := h.Quantile(q, missing)
	if err != nil {
		return nil
	}
	return &v
}

// Extreme is v, nil when h is empty.
func Extreme[T any](h *latency.Histogram, v T) *T {
	if h.Count() == 0 {
		return nil
	}
	return &v
}

// Sum is the exact sum of all values, nil without any and where it is not exact.
func Sum(h *latency.Histogram) *int64 {
	sum, exact := h.Sum()
	if !exact {
		return nil
	}
	return Extreme(h, sum)
}
