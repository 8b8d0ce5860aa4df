package study

import (
	"fmt"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/capacity"
	"github.com/queuedyno/queuedyno/scenario/validity"
)

// limitOf says what gave out in a run, and the shares in use from which that
// follows: what was at its limit by [validity.Usage.Limit], and what the probes
// found where nothing was.
func limitOf(r *scenario.Result) capacity.Limit {
	u, t := r.Validity.Usage, r.Validity.Triage
	limit := u.Limit()
	l := capacity.Limit{Part: limit.Part, Detail: u.Explain(limit), Used: u.Shares()}
	switch {
	case limit.Part != "" && !limit.External:
	case t.Where == validity.Client:
		l.Part, l.Detail = validity.Generator, t.Detail
	case t.Where == validity.CPULimit:
		l.Part, l.Detail = t.Where, u.Explain(*t.Limit)
	case limit.External && (t.Where == "" || t.Where == validity.Host):
	case t.Where != "" && t.Detail != "":
		l.Part, l.Detail = t.Where, t.Detail
	}
	return l
}

// disturbed is who else used the host, empty when that was not much.
func disturbed(r *scenario.Result) string {
	external := r.Validity.Usage.External()
	if external < validity.MostForeign {
		return ""
	}
	return fmt.Sprintf("other programs used %.0f%% of the host's CPUs", 100*external)
}

// figuresOf are the metrics of a run that trials keep.
func figuresOf(r *scenario.Result) map[string]float64 {
	out := map[string]float64{}
	for _, name := range []string{
		"end_to_end.mean", "end_to_end.p50", "end_to_end.p90", "end_to_end.p99", "end_to_end.max",
		"queue.p50", "queue.p99", "work.mean", "publish.mean", "enqueue.mean", "notify.p50",
		"offered_rate", "achieved_rate", "achieved_ratio", "lost", "backlog.max", "cpu_per_job", "worker_cpu_per_job", "redis_cpu_per_job",
	} {
		if v, _, ok := r.Metric(name); ok {
			out[name] = v
		}
	}
	return out
}
