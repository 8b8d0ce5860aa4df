package result

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
)

// Metric is the value of one metric of this result, such as "end_to_end.p99" or "lost", in the base
// unit of its kind: nanoseconds, jobs, jobs per second, or a share. Where
// the metric has no value, ok is false and the reason says why; the value is then a
// lower bound, as far as one is known.
func (r *Result) Metric(name string) (value float64, reason string, ok bool) {
	if _, err := metric.Lookup(name); err != nil {
		return 0, err.Error(), false
	}
	if stage, aggregate, cut := strings.Cut(name, "."); cut {
		for _, known := range metric.Stages() {
			if stage == string(known) {
				return r.Stages[known].aggregate(aggregate)
			}
		}
	}
	return r.scalar(name)
}

// aggregate is one figure of a stage's distribution. The stage may be nil.
func (s *StageSummary) aggregate(name string) (value float64, reason string, ok bool) {
	if s == nil {
		return 0, "the stage was not measured", false
	}
	figure := s.Figure(name)
	switch {
	case name == "count":
		return float64(s.Count), "", true
	case figure != nil:
		return *figure, "", true
	case s.Missing[name].Code != "":
		least, why := s.atLeast(name), s.Missing[name]
		if math.IsInf(least, 1) {
			// However few jobs there are, this much is certain.
			why = Missing{Code: NeverArrived, Need: s.Count + s.Censored, Have: s.Count}
		}
		return least, why.Words(name), false
	case s.Count == 0:
		return 0, "no job in the measured window completed this stage", false
	default:
		return 0, fmt.Sprintf("%d jobs in the window are too few", s.Count), false
	}
}

// Figure is the min, mean, stddev, max or a quantile of the stage in nanoseconds. It is
// nil where the sample cannot carry it, and for any other name.
func (s *StageSummary) Figure(name string) *float64 {
	switch name {
	case "mean":
		return s.MeanNS
	case "stddev":
		return s.StddevNS
	}
	ns := map[string]*int64{
		"min": s.MinNS, "p50": s.P50NS, "p75": s.P75NS, "p90": s.P90NS, "p95": s.P95NS,
		"p99": s.P99NS, "p99.9": s.P999NS, "p99.99": s.P9999NS, "max": s.MaxNS,
	}[name]
	if ns == nil {
		return nil
	}
	return new(float64(*ns))
}

// atLeast is what a quantile without a value is at least: the highest one that so
// many jobs carry, if that is lower. Among jobs that never arrived it is infinite.
// It is 0 where nothing is known.
func (s *StageSummary) atLeast(name string) float64 {
	q, known := metric.QuantileShare(name)
	h, err := latency.Decode(s.HDR)
	n := float64(s.Count + s.Censored)
	if !known || err != nil || n <= latency.MinTail {
		return 0
	}
	v, err := h.Quantile(min(q, (n-latency.MinTail-0.5)/n), s.Censored)
	switch {
	case errors.Is(err, latency.ErrCensored):
		return math.Inf(1)
	case err != nil:
		return 0
	}
	return float64(v)
}

// scalar is a figure of the run as a whole.
func (r *Result) scalar(name string) (value float64, reason string, ok bool) {
	given := func(v *float64, missing string) (float64, string, bool) {
		if v == nil {
			return 0, missing, false
		}
		return *v, "", true
	}
	observed := r.Scenario.Load.Observed
	if why := metric.Unobservable(name); observed && why != "" {
		return 0, why, false
	}
	if count, isShare := metric.ShareOf(name); isShare {
		return metric.PerJob(count, r.jobs(), r.Metric)
	}
	if metric.IsCounter(name) {
		return float64(r.Ledger.Count(name)), "", true
	}
	switch name {
	case "offered_rate":
		return given(r.Rates.OfferedPerS, metric.NotOffered(observed))
	case "achieved_rate":
		return r.Rates.AchievedPerS, "", true
	case "achieved_ratio":
		return given(r.Rates.AchievedRatio, metric.NotOffered(observed))
	case "recovery":
		if _, measured := r.Scalars[name]; measured {
			return given(r.Scalars[name], "the queue did not empty again before the end of the run")
		}
		return 0, "the run had neither a hold nor a prefilled queue", false
	}
	if fault, worst, single := metric.OfFault(name); single {
		return r.ofFault(fault, worst)
	}
	if metric.OfFaults(name) {
		return given(r.Scalars[name], r.withoutFault(name))
	}
	return given(r.Scalars[name], "it was not measured in this run")
}

// ofFault is a figure of the fault with a name. worst is the same of the worst fault.
func (r *Result) ofFault(name, worst string) (value float64, reason string, ok bool) {
	i := slices.IndexFunc(r.Faults, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return 0, "the scenario has no fault with the name " + name, false
	}
	if v, known := r.Faults[i].Figure(worst); known {
		return v, "", true
	}
	return 0, r.Faults[i].without(worst), false
}

// withoutFault is why a figure of the worst fault is missing.
func (r *Result) withoutFault(worst string) string {
	for _, f := range r.Faults {
		if _, known := f.Figure(worst); !known {
			return f.without(worst)
		}
	}
	return "the scenario has no faults"
}

// jobs is how many jobs there were in the run, of an observed load how many ended.
func (r *Result) jobs() int64 {
	if r.Observed != nil {
		return r.Observed.Updates.Ended()
	}
	return r.Ledger.Scheduled
}
