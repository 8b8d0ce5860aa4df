package engine

import (
	"runtime"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
)

// usage is how much the run used of what may limit it.
func (r *assembly) usage() usage.Usage {
	limit := r.hoststat.CPU
	u := usage.Usage{
		Host: r.hoststat.Busy, CPUs: runtime.NumCPU(), AllowedCPUs: limit.Allowed(runtime.GOMAXPROCS(0)),
		Throttled: limit.Share, Periods: limit.Periods, ThrottledPeriods: limit.Throttled, ThrottledFor: limit.Time,
		CPULimit: limit.CPUs, LimitSource: limit.Source,
		RedisHere: r.res.Redis.Here(), InFlight: r.s.Load.InFlight,
	}
	u.SharedLimit = u.CPULimit > 0 && (r.res.Redis.Kind == "process" || r.o.Workers != nil)
	if !r.s.Load.Closed() {
		u.InFlight = 0
	}
	if p := r.res.Postgres; p != nil {
		u.Postgres, u.EntryHere = p.Busy, p.Here()
	} else if w := r.entryWatch; w != nil && w.looks > 0 {
		u.API = ptr(w.doors / float64(w.looks))
		u.EntryHere = result.Redis{Kind: "url", Address: r.s.Entry.HTTP.URL}.Here()
	}
	r.workersUsage(&u)
	wall := r.ended.Sub(r.started).Seconds()
	if wall <= 0 {
		return u
	}
	if used := r.cpu[1] - r.cpu[0]; used > 0 {
		u.Generator = ptr(used.Seconds() / wall / u.AllowedCPUs)
	}
	if used := r.worked.CPU; used != nil {
		u.WorkerCPUs = ptr(used.Seconds() / wall)
	}
	span := r.factsAt[1].Sub(r.factsAt[0]).Seconds()
	if r.facts[0] == nil || r.facts[1] == nil || span <= 0 {
		return u
	}
	// The main thread's own figure is newer than Redis 6.
	busy := r.res.Server.Deltas["used_cpu_user_main_thread"] + r.res.Server.Deltas["used_cpu_sys_main_thread"]
	if _, err := strconv.ParseFloat(r.res.Server.After["used_cpu_user_main_thread"], 64); err != nil {
		busy = r.res.Server.Deltas["used_cpu_user"] + r.res.Server.Deltas["used_cpu_sys"]
	}
	if busy > 0 {
		u.Redis = ptr(busy / min(span, wall))
	}
	return u
}

// workersUsage sets the share of the consumers' time that jobs took, by
// the jobs' stamps. External workers are not known that well.
func (r *assembly) workersUsage(u *usage.Usage) {
	span := float64(r.outcome.window.ToNS-r.outcome.window.FromNS) * float64(r.s.Consumers)
	if r.s.External || r.s.Load.Observed || span <= 0 {
		return
	}
	busy := float64(r.rec.Worked)
	// What was due in the window of an overload is worked on after its end, too.
	jobs := r.res.Rates.AchievedPerS * time.Duration(r.outcome.window.ToNS-r.outcome.window.FromNS).Seconds()
	if r.s.Batch > 1 {
		// A stamp of a batch's job holds the wait for the others, so what each
		// takes by itself is counted. Without work all are published at once.
		trip := 0.0
		if s := r.res.Stages[metric.Publish]; s != nil && s.MeanNS != nil {
			trip = *s.MeanNS
		}
		busy = jobs * (float64(r.s.Work.Time) + trip)
		if r.s.Work.Time == 0 {
			busy = jobs * trip / float64(r.s.Batch)
		}
	}
	u.Workers = ptr(min(1, busy/span))
	u.Work = min(1, jobs*float64(r.s.Work.Time)/span)
	if s := r.res.Stages[metric.Queue]; s != nil && s.MeanNS != nil {
		u.Waiting, u.Taken = r.res.Rates.AchievedPerS**s.MeanNS/1e9, r.s.Consumers*r.s.Batch // Little's law
	}
}
