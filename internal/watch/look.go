package watch

import (
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/result"
)

// Look is what was seen up to a moment.
type Look struct {
	// ElapsedS is the moment, counted from the start.
	ElapsedS float64 `json:"elapsed_s"`
	// SpanS is the time since the look before this one, and Span the updates
	// heard in it.
	SpanS float64        `json:"span_s"`
	Span  result.Updates `json:"span"`
	// Total are the updates heard since the start.
	Total result.Updates `json:"total"`
	// Backlog is the length of the queue, TrendPerS by how much that grows each
	// second, over the last few looks, and DrainS in how many seconds it will be
	// empty if that goes on. Each is nil where it is not known, DrainS also
	// when the backlog has not fallen since the look before. It is 0 only when
	// the queue is empty.
	Backlog   *int64   `json:"backlog"`
	TrendPerS *float64 `json:"backlog_per_s"`
	DrainS    *float64 `json:"drain_s"`
	// Running is the time from RUNNING to COMPLETED or FAILED of the jobs of
	// which both were heard, and Work what the workers themselves say that the
	// work took: of all jobs since the start.
	Running Times `json:"running"`
	Work    Times `json:"work"`
	// RunningRecent and WorkRecent are the same of the jobs that ended in the
	// last RecentS seconds: some ten, or since the start if that is less.
	RunningRecent Times   `json:"running_recent"`
	WorkRecent    Times   `json:"work_recent"`
	RecentS       float64 `json:"recent_s"`

	// Alone counts the jobs that ended and whose RUNNING was not heard, and
	// Forgotten those whose RUNNING was, too long ago to be remembered.
	Alone     int64 `json:"ended_without_running"`
	Forgotten int64 `json:"forgotten"`
	// Gaps counts the times in which updates may have been missed.
	Gaps int64 `json:"gaps"`
	// NotUnderstood is the first message that could not be read, or else the first of
	// another status; nil without one.
	NotUnderstood *result.Unrecognized `json:"not_understood,omitempty"`
	// Around is what there was besides the queue at the start, until updates are heard or a
	// queue that was missing has jobs; nil when nothing was missing.
	Around *Around `json:"around,omitempty"`
	// Trouble says why there is no backlog, "" where there is one.
	Trouble string `json:"trouble,omitempty"`
}

// Times is a distribution. A quantile that so few values cannot carry is nil.
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
