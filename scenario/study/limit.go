package study

import (
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/capacity"
	"github.com/queuedyno/queuedyno/scenario/validity"
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
	l.Part, l.Detail = named(r, l)
	return l
}

// From which share in use on a part is at its limit.
const (
	busy = 0.85 // the workers, the processors of this process, the one of Redis
	// A host that only waits for the next packet now and then shows no more than
	// this: with two processors, four fifths busy is a full one and most of the
	// other.
	crowded = 0.80
	// Where the host is crowded, Redis is only blamed when it had all of a
	// processor: what it lacked would else have been the host's to give.
	whole = 0.95
	// Most of the host's work has to be ours for it to limit us by itself; what
	// others take from it the probes tell, as long as there is idle time left.
	mostOurs = 0.70
	noIdle   = 0.95
)

// named is the part that was at its limit, and the evidence in words.
func named(r *scenario.Result, l capacity.Limit) (part, detail string) {
	percent := func(part string) string { return fmt.Sprintf("%.0f %%", 100*l.Used[part]) }
	hostFull := crowdedByUs(r, l)
	if detail := externalWorkers(r, l); detail != "" {
		return "workers", detail
	}
	switch {
	case l.Used["workers"] >= busy && (!hostFull || workAlone(r) >= mostOurs):
		// On a crowded host it is also the publish that keeps a worker.
		return "workers", "the workers were busy " + percent("workers") + " of the time"
	case l.Used["generator"] >= busy:
		return "generator", "this process used " + percent("generator") + " of its processors"
	case l.Used["redis"] >= whole || l.Used["redis"] >= busy && !hostFull:
		return "redis", "Redis used " + percent("redis") + " of one processor, and its commands run on one"
	case hostFull && local(r.Redis):
		return "host", fmt.Sprintf("the host's %s were %.0f %% busy: this process had %.2f of them, Redis %.2f",
			processors(r.Host.CPUs), 100*max(l.Used["host"], ours(r, l)), ownProcessors(r, l), l.Used["redis"]) + queued(r, l)
	case hostFull:
		return "generator", fmt.Sprintf("this process used %.2f of the host's %s, which were %.0f %% busy",
			ownProcessors(r, l), processors(r.Host.CPUs), 100*max(l.Used["host"], ours(r, l)))
	}
	t := r.Validity.Triage
	foreign := l.Used["host"] - ours(r, l)
	switch {
	case t.Where == validity.Client:
		return "generator", t.Detail
	case l.Used["host"] >= noIdle && foreign >= mostForeign && (t.Where == "" || t.Where == validity.Host):
		part = "host"
		if !local(r.Redis) {
			part = "generator"
		}
		return part, fmt.Sprintf("the host's %s were never idle; %.0f %% of their time went to something else: this process had %.2f processors, Redis %.2f",
			processors(r.Host.CPUs), 100*foreign, ownProcessors(r, l), l.Used["redis"])
	}
	return t.Where, t.Detail
}

// externalWorkers says that workers outside were the limit: neither Redis nor this
// process was busy, and the host had time left or gave it to the workers. When
// they took a job is not known. It is empty where that is not so.
func externalWorkers(r *scenario.Result, l capacity.Limit) string {
	if !r.Scenario.External || l.Used["generator"] >= busy || l.Used["redis"] >= busy || r.Validity.Triage.Where == validity.Client {
		return ""
	}
	cpus, known := 0.0, false
	if cpu := r.Scalars["worker_cpu_per_job"]; cpu != nil {
		cpus, known = *cpu*r.Rates.AchievedPerS/1e9, true
	}
	others := l.Used["host"] - ours(r, l) - cpus/float64(max(1, r.Host.CPUs))
	if l.Used["host"] >= crowded && others >= mostForeign {
		return ""
	}
	detail := fmt.Sprintf("Redis was busy %.0f%% and this process %.0f%% of the time; the rest is the workers'", 100*l.Used["redis"], 100*l.Used["generator"])
	if known {
		detail += fmt.Sprintf(", which used %.2f CPUs", cpus)
	}
	return detail
}

// queued says that jobs waited for consumers all along on a host that had some
// time left: then it may be the number of consumers, each of which takes jobs one
// round trip after the other, that a crowded host only makes worse.
func queued(r *scenario.Result, l capacity.Limit) string {
	queue := r.Stages[scenario.Queue]
	if queue == nil || queue.MeanNS == nil || l.Used["host"] >= noIdle {
		return ""
	}
	waiting := r.Rates.AchievedPerS * *queue.MeanNS / 1e9 // Little's law
	taken := r.Scenario.Consumers * r.Scenario.Batch
	if waiting < 2*float64(taken) {
		return ""
	}
	return fmt.Sprintf("; %.0f jobs on average waited for consumers that take %d at a time: more consumers, or a larger batch, may carry more", waiting, taken)
}

// crowdedByUs reports whether the processors of this host have little left to
// give, and most of what they do is ours.
func crowdedByUs(r *scenario.Result, l capacity.Limit) bool {
	host, known := l.Used["host"]
	own := ours(r, l)
	return own >= crowded || known && host >= crowded && own >= mostOurs*host
}

// workAlone is the share of their time that the workers need for the work that
// was asked for, however long a crowded host made it take.
func workAlone(r *scenario.Result) float64 {
	span := float64(r.Window.ToNS-r.Window.FromNS) * float64(r.Scenario.Consumers)
	if span <= 0 {
		return 0
	}
	return float64(r.Window.Completed) * float64(r.Scenario.Work.Time) / span
}

// ownProcessors is how many processors this process used.
func ownProcessors(r *scenario.Result, l capacity.Limit) float64 {
	return l.Used["generator"] * float64(r.Host.GOMAXPROCS)
}

func processors(n int) string {
	if n == 1 {
		return "one processor"
	}
	return fmt.Sprintf("%d processors", n)
}

// ours is the share of this host's processors that this process used, and Redis
// where it runs here.
func ours(r *scenario.Result, l capacity.Limit) float64 {
	if r.Host.CPUs == 0 {
		return 0
	}
	used := ownProcessors(r, l)
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
