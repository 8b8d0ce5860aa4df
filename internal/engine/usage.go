package engine

import (
	"runtime"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
)

// usage is how much the run used of what may limit it.
func (r *run) usage(res *result.Result) validity.Usage {
	limit := r.strain.CPU
	u := validity.Usage{
		Host: r.strain.Busy, CPUs: runtime.NumCPU(), AllowedCPUs: limit.Allowed(runtime.GOMAXPROCS(0)),
		Throttled: limit.Share, Periods: limit.Periods, ThrottledPeriods: limit.Throttled, ThrottledFor: limit.Time,
		CPULimit: limit.CPUs, LimitSource: limit.Source,
		RedisHere: res.Redis.Here(), InFlight: r.s.Load.InFlight,
	}
	u.SharedLimit = u.CPULimit > 0 && (res.Redis.Kind == "process" || r.o.Workers != nil)
	if !r.s.Load.Closed() {
		u.InFlight = 0
	}
	r.workersUsage(res, &u)
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
	busy := res.Server.Deltas["used_cpu_user_main_thread"] + res.Server.Deltas["used_cpu_sys_main_thread"]
	if _, err := strconv.ParseFloat(res.Server.After["used_cpu_user_main_thread"], 64); err != nil {
		busy = res.Server.Deltas["used_cpu_user"] + res.Server.Deltas["used_cpu_sys"]
	}
	if busy > 0 {
		u.Redis = ptr(busy / min(span, wall))
	}
	return u
}

// workersUsage sets the share of their time that jobs took from our consumers, by
// the jobs' stamps. External workers are not known that well.
func (r *run) workersUsage(res *result.Result, u *validity.Usage) {
	span := float64(r.window.ToNS-r.window.FromNS) * float64(r.s.Consumers)
	if r.s.External || r.s.Load.Observed || span <= 0 {
		return
	}
	busy := float64(r.rec.worked)
	// What was due in the window of an overload is worked on after its end, too.
	jobs := res.Rates.AchievedPerS * time.Duration(r.window.ToNS-r.window.FromNS).Seconds()
	if r.s.Batch > 1 {
		// A stamp of a batch's job holds the wait for the others, so what each
		// takes by itself is counted. Without work all are published at once.
		trip := 0.0
		if s := res.Stages[metric.Publish]; s != nil && s.MeanNS != nil {
			trip = *s.MeanNS
		}
		busy = jobs * (float64(r.s.Work.Time) + trip)
		if r.s.Work.Time == 0 {
			busy = jobs * trip / float64(r.s.Batch)
		}
	}
	u.Workers = ptr(min(1, busy/span))
	u.Work = min(1, jobs*float64(r.s.Work.Time)/span)
	if s := res.Stages[metric.Queue]; s != nil && s.MeanNS != nil {
		u.Waiting, u.Taken = res.Rates.AchievedPerS**s.MeanNS/1e9, r.s.Consumers*r.s.Batch // Little's law
	}
}
