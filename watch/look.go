package watch

import (
	"github.com/queuedyno/queuedyno/scenario/latency"
	"github.com/queuedyno/queuedyno/scenario/observe"
)

// Look is what was seen up to a moment.
type Look struct {
	// ElapsedS is the moment, counted from the start.
	ElapsedS float64 `json:"elapsed_s"`
	// SpanS is the time since the look before this one, and Span the updates
	// heard in it.
	SpanS float64 `json:"span_s"`
	Span  Counts  `json:"span"`
	// Total are the updates heard since the start.
	Total Counts `json:"total"`
	// Backlog is the length of the queue, TrendPerS by how much that grows each
	// second, over the last ten looks, and DrainS in how many seconds it will
	// be empty if that goes on. Each is nil where it cannot be told, DrainS also
	// when the backlog does not fall.
	Backlog   *int64   `json:"backlog"`
	TrendPerS *float64 `json:"backlog_per_s"`
	DrainS    *float64 `json:"drain_s"`
	// Running is the time from RUNNING to COMPLETED or FAILED of the jobs of
	// which both were heard, and Work what the workers themselves say that the
	// work took.
	Running Times `json:"running"`
	Work    Times `json:"work"`
	// Alone counts the jobs that ended and whose RUNNING was not heard, and
	// Forgotten those whose RUNNING was, too long ago to be remembered.
	Alone     int64 `json:"ended_without_running"`
	Forgotten int64 `json:"forgotten"`
	// Gaps counts the times in which updates may have been missed.
	Gaps int64 `json:"gaps"`
	// Trouble says why there is no backlog, "" where there is one.
	Trouble string `json:"trouble,omitempty"`
}

// Counts count messages by what they are.
type Counts = observe.Counts

// Times is a distribution since the start. A quantile that so few values cannot
// carry is nil.
type Times struct {
	Count int64  `json:"count"`
	P50NS *int64 `json:"p50_ns"`
	P90NS *int64 `json:"p90_ns"`
	P99NS *int64 `json:"p99_ns"`
	MaxNS *int64 `json:"max_ns"`
}

func timesOf(h *latency.Histogram) Times {
	t := Times{Count: h.Count()}
	if t.Count == 0 {
		return t
	}
	highest := h.Max()
	t.MaxNS = &highest
	for q, into := range map[float64]**int64{0.5: &t.P50NS, 0.9: &t.P90NS, 0.99: &t.P99NS} {
		if v, err := h.Quantile(q, 0); err == nil {
			*into = &v
		}
	}
	return t
}

// trend is the backlog at the last few looks.
type trend struct{ at, backlog []float64 }

// trendOver is over how many looks a trend is told.
const trendOver = 10

func (t *trend) add(at, backlog float64) {
	t.at, t.backlog = append(t.at, at), append(t.backlog, backlog)
	if len(t.at) > trendOver {
		t.at, t.backlog = t.at[1:], t.backlog[1:]
	}
}

// slope is that of the straight line with the least squares; false while there
// are too few points for one.
func (t *trend) slope() (perS float64, known bool) {
	n := float64(len(t.at))
	var meanX, meanY, xy, xx float64
	for i := range t.at {
		meanX += t.at[i] / n
		meanY += t.backlog[i] / n
	}
	for i, x := range t.at {
		xy += (x - meanX) * (t.backlog[i] - meanY)
		xx += (x - meanX) * (x - meanX)
	}
	if n < 3 || xx == 0 {
		return 0, false
	}
	return xy / xx, true
}
