package study

import (
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/capacity"
)

// limitOf says what was nearest to its limit in a run, and the shares in use
// from which that follows.
func limitOf(r *scenario.Result) capacity.Limit {
	l := capacity.Limit{Used: map[string]float64{}}
	for part, check := range map[string]string{"redis": "redis_busy", "generator": "process_busy", "host": "host_busy"} {
		if c := r.Validity.Checks[check]; c.Value != nil {
			l.Used[part] = *c.Value
		}
	}
	// A worker is taken from the pop to the next one; the work is the part of
	// that which the stamps hold, together with the publish.
	work, publish := r.Stages[scenario.WorkTime], r.Stages[scenario.Publish]
	if r.Scenario.Work.Time > 0 && work != nil && work.MeanNS != nil && publish != nil && publish.MeanNS != nil {
		busy := float64(r.Window.Completed) * (*work.MeanNS + *publish.MeanNS)
		if span := float64(r.Window.ToNS - r.Window.FromNS); span > 0 {
			l.Used["workers"] = min(1, busy/span/float64(r.Scenario.Consumers))
		}
	}
	percent := func(part string) string { return fmt.Sprintf("%.0f %%", 100*l.Used[part]) }
	switch {
	case l.Used["workers"] >= 0.85:
		l.Part, l.Detail = "workers", "the workers were busy "+percent("workers")+" of the time"
	case l.Used["redis"] >= 0.85:
		l.Part, l.Detail = "redis", "Redis used "+percent("redis")+" of one processor, and its commands run on one"
	case l.Used["generator"] >= 0.85:
		l.Part, l.Detail = "generator", "this process used "+percent("generator")+" of its processors"
	case l.Used["host"] >= 0.90 && ours(r, l) >= 0.6:
		// A host that is busy with something else limits nothing of ours by
		// itself; the probes say when it was felt.
		l.Part = "host"
		l.Detail = "the host's processors were " + percent("host") + " busy: Redis, shared with this process, had " + percent("redis") + " of one"
	default:
		l.Part, l.Detail = r.Validity.Triage.Where, r.Validity.Triage.Detail
		if l.Part == "client" {
			l.Part = "generator"
		}
	}
	return l
}

// ours is the share of this host's processors that this process used, and Redis
// where it runs here.
func ours(r *scenario.Result, l capacity.Limit) float64 {
	if r.Host.CPUs == 0 {
		return 0
	}
	used := l.Used["generator"] * float64(r.Host.GOMAXPROCS)
	if local(r.Redis) {
		used += l.Used["redis"]
	}
	return used / float64(r.Host.CPUs)
}

// local reports whether the Redis runs on this host.
func local(r scenario.Redis) bool {
	return r.Kind != "url" || strings.HasPrefix(r.Address, "unix:") ||
		strings.Contains(r.Address, "//localhost") || strings.Contains(r.Address, "//127.") || strings.Contains(r.Address, "//[::1]")
}

// mostForeign is the share of the host's processors that others may use before a
// trial that went wrong is no longer held against the system.
const mostForeign = 0.25

// disturbed is who else used the host, empty when that was not much.
func disturbed(r *scenario.Result) string {
	l := limitOf(r)
	host, known := l.Used["host"]
	foreign := host - ours(r, l)
	if !known || foreign < mostForeign {
		return ""
	}
	return fmt.Sprintf("something else used %.0f %% of the host's processors", 100*foreign)
}

// figuresOf are the metrics of a run that trials keep.
func figuresOf(r *scenario.Result) map[string]float64 {
	out := map[string]float64{}
	for _, name := range []string{
		"end_to_end.mean", "end_to_end.p50", "end_to_end.p90", "end_to_end.p99", "end_to_end.max",
		"queue.p50", "queue.p99", "work.mean", "publish.mean", "enqueue.mean", "notify.p50",
		"offered_rate", "achieved_rate", "achieved_ratio", "lost", "backlog.max", "cpu_per_job", "redis_cpu_per_job",
	} {
		if v, _, ok := r.Metric(name); ok {
			out[name] = v
		}
	}
	return out
}
