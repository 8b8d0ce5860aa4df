package study

import (
	"fmt"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// limitOf says what gave out in a run, and the shares in use from which that
// follows: what was at its limit by [usage.Usage.Limit], and what the probes
// found where nothing was.
func limitOf(r *result.Result) capacity.Limit {
	u, t := usage.Usage(r.Validity.Usage), r.Validity.Triage
	limit := u.Limit()
	l := capacity.Limit{Part: limit.Part, Detail: u.Explain(limit), Used: u.Shares()}
	if detail := externalWorkers(r); detail != "" {
		l.Part, l.Detail = usage.Workers, detail
		return l
	}
	switch {
	case limit.Part != "" && !limit.External:
	case t.Where == usage.Client:
		l.Part, l.Detail = usage.Generator, t.Detail
	case t.Where == usage.CPULimit:
		l.Part, l.Detail = t.Where, u.Explain(*t.Limit)
	case limit.External && (t.Where == "" || t.Where == usage.Host):
		l.External = true
	case t.Where != "" && t.Detail != "":
		l.Part, l.Detail = t.Where, t.Detail
	}
	return l
}

// externalWorkers says that workers outside were the limit: neither Redis nor this
// process was at its limit, and the host had time left or gave most of it to the
// workers. When they took a job is not known. It is empty where that is not so.
func externalWorkers(r *result.Result) string {
	if !r.Scenario.External || r.Validity.Triage.Where == usage.Client {
		return ""
	}
	u := usage.Usage(r.Validity.Usage)
	shares, detail, cpus := u.Shares(), "", 0.0
	if u.WorkerCPUs != nil {
		cpus = *u.WorkerCPUs
		detail = fmt.Sprintf(", which used %.2f CPUs", cpus)
	}
	switch limit := u.Limit(); {
	case limit.External:
		return ""
	case limit.Part == usage.Host && cpus > shares[usage.Redis]+shares[usage.Generator]*u.AllowedCPUs:
	case limit.Part != "":
		return ""
	}
	if r.Scenario.Entry.Kind == scenario.EntryHTTP {
		return fmt.Sprintf("this process was busy %.0f%% of the time, and %.0f%% of the connections to the API waited for an answer; the rest is what the back end does after it",
			100*shares[usage.Generator], 100*shares[usage.API])
	}
	return fmt.Sprintf("Redis was busy %.0f%% and this process %.0f%% of the time; the rest is the workers'", 100*shares[usage.Redis], 100*shares[usage.Generator]) + detail
}

// disturbed is who else used the host, empty when that was not much.
func disturbed(r *result.Result) string {
	external := usage.Usage(r.Validity.Usage).External()
	if external < usage.MostForeign {
		return ""
	}
	return fmt.Sprintf("other programs used %.0f%% of the host's CPUs", 100*external)
}

// figuresOf are the metrics of a run that trials keep.
func figuresOf(r *result.Result) map[string]float64 {
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
