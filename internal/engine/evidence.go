package engine

import (
	"math"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/line"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/stationarity"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
)

// evidence puts together what validity is judged from besides the result.
func (r *assembly) evidence() validity.Measured {
	m := validity.Measured{
		Limited: r.limit, Negative: r.rec.Negative, Strangers: r.outcome.strangers, Host: r.hoststat, Probes: r.probes,
		Connections: validity.Connections{Resubscribed: r.resubscribed.Load(), Unconfirmed: r.unconfirmed.Load(), LostPops: r.lostPops},
		Usage:       r.usage(), Course: r.course(), Faults: r.broken(),
	}
	if p, ok := r.b.(pooled); ok {
		m.Connections.PoolTimeouts = p.PoolTimeouts() - r.poolTimeouts
	}
	if w := float64(r.res.Window.Scheduled); w > 0 && r.s.Load.Open() {
		m.Schedule = validity.Schedule{
			SentInTime: new(float64(r.total(ledger.WindowSent)-r.rec.Late) / w),
			LateShare:  new(float64(r.rec.Held) / w), LateLimit: record.LateLimit(r.s),
		}
		if r.rec.Tail >= latency.MinTail {
			m.Schedule.TailShare = new(float64(r.rec.TailLate) / float64(r.rec.Tail))
		}
	}
	m.Queue, m.Workers = r.sampled()
	return m
}

// broken is what the faults of the scenario did to what validity looks at.
func (r *assembly) broken() (b validity.Faults) {
	if r.faults == nil {
		return b
	}
	b.Any, b.Late = true, r.rec.Excused
	for i, o := range r.faults.schedule.Outcomes() {
		b.Lossy = b.Lossy || o.Begun && r.faults.loses(r.faults.plan[i])
	}
	return b
}

// sampled are the length of the queue and the busy workers, as they were sampled and
// as the jobs' stamps add up.
func (r *assembly) sampled() (queue, workers validity.Sampled) {
	span := float64(r.outcome.window.ToNS - r.outcome.window.FromNS)
	if span <= 0 || r.fatal() != nil {
		return queue, workers
	}
	s := r.sampler
	rate := 0.0
	if s.lengths.At > 0 {
		rate = float64(s.heard[ledger.Sent]-r.filled) / (float64(s.lengths.At) / 1e9)
	}
	if mean := s.lengths.Mean(); mean != nil && !r.s.External && !r.o.AllowNonEmpty {
		queue = validity.Sampled{
			Mean: mean, Stamps: new(float64(r.rec.Queued) / span), Noise: s.lengths.Noise(),
			// The stamps and the server's own moments differ by half a job more.
			Bias: 0.5 + s.lengths.Bias(span, rate) + s.lengths.Transit/float64(s.lengths.N),
		}
	}
	if mean := s.busy.Mean(); mean != nil && r.s.Work.Time > 0 && r.s.Batch == 1 && !r.s.External && r.s.Hold.For == 0 {
		workers = validity.Sampled{
			Mean: mean, Stamps: new(float64(r.rec.Worked) / span / float64(r.s.Consumers)),
			Noise: s.busy.Noise(), Bias: s.busy.Bias(span, rate/float64(r.s.Consumers)),
		}
	}
	return queue, workers
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// course is how latency and the backlog developed.
func (r *assembly) course() (c validity.Course) {
	if r.s.Load.Observed || r.s.Load.Varies() || r.s.Hold.For > 0 || r.s.Prefill > 0 || r.faults != nil {
		return c // it is not meant to be stationary
	}
	bins := r.rec.Bins
	from, to := int(r.outcome.window.FromNS/bins.Length), int(r.outcome.window.ToNS/bins.Length)
	var whole, window []float64
	last := math.NaN()
	for i, b := range bins.Of {
		if i >= to {
			break
		}
		if b.Count > 0 {
			last = b.Sum / float64(b.Count)
		}
		if math.IsNaN(last) {
			continue
		}
		whole = append(whole, last)
		if i >= from {
			window = append(window, last)
		}
	}
	if d, settled, ok := stationarity.MSER5(whole); ok {
		c.WarmupNeeded, c.Settled = new(time.Duration(int64(d)*bins.Length)), settled
		c.WarmupExcess = 1
		if early := min(from, d); early < d {
			c.WarmupExcess = mean(whole[early:d]) / mean(whole[d:])
		}
	}
	if ratio, spreads, ok := stationarity.Drift(window); ok && !math.IsInf(spreads, 0) {
		c.Drift, c.DriftSpreads = &ratio, spreads
	}
	if r.s.Load.Closed() || r.res.Rates.OfferedPerS == nil || *r.res.Rates.OfferedPerS == 0 {
		return c
	}
	var x, y []float64
	begin := time.Duration(r.outcome.window.FromNS + (r.outcome.window.ToNS-r.outcome.window.FromNS)/3).Seconds()
	end := time.Duration(r.outcome.window.ToNS).Seconds()
	for _, row := range r.res.Timeline {
		if row.ElapsedS >= begin && row.ElapsedS <= end+0.01 {
			x, y = append(x, row.ElapsedS), append(y, float64(row.Backlog))
		}
	}
	if _, length, _ := r.sampler.stalled(); length > 0 {
		c.Stalled = length
	} else if through, ok := line.Through(x, y); ok && len(x) >= 4 {
		rate := *r.res.Rates.OfferedPerS
		c.BacklogSlope = new(through.Slope / rate)
		// Even when the system carries a Poisson load, its slope has a spread of
		// about sqrt(2/(rate*time)).
		c.SlopeLimit = max(0.01, math.Sqrt(8/(rate*(end-begin))))
	}
	return c
}

// usage is how much the run used of what may limit it.
func (r *assembly) usage() usage.Usage { return r.counted().Bounded() }

// counted is the usage as each counter has it.
func (r *assembly) counted() usage.Usage {
	limit := r.hoststat.CPU
	u := usage.Usage{
		Host: r.hoststat.Busy, CPUs: runtime.NumCPU(), AllowedCPUs: limit.Allowed(runtime.GOMAXPROCS(0)),
		Throttled: limit.Share, Periods: limit.Periods, ThrottledPeriods: limit.Throttled, ThrottledFor: limit.Time,
		CPULimit: limit.CPUs, LimitSource: limit.Source,
		RedisHere: r.res.Redis.Here(), InFlight: plan.InFlight(r.s),
	}
	u.SharedLimit = u.CPULimit > 0 && (slices.Contains([]string{"process", "sentinel", "cluster"}, r.res.Redis.Kind) || r.o.Workers != nil)
	if !r.s.Load.Closed() {
		u.InFlight = 0
	}
	if p := r.res.Postgres; p != nil {
		u.Postgres, u.EntryHere = p.Busy, p.Here()
	} else if w := r.entryWatch; w != nil && w.looks > 0 {
		u.API = new(w.doors / float64(w.looks))
		u.EntryHere = result.Redis{Kind: "url", Address: r.s.Entry.HTTP.URL}.Here()
	}
	r.workersUsage(&u)
	wall := r.ended.Sub(r.started).Seconds()
	if wall <= 0 {
		return u
	}
	if used := r.cpu[1] - r.cpu[0]; used > 0 {
		u.Generator = new(used.Seconds() / wall / u.AllowedCPUs)
	}
	if used := r.worked.CPU; used != nil {
		u.WorkerCPUs = new(used.Seconds() / wall)
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
		u.Redis = new(busy / min(span, wall))
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
	u.Workers = new(min(1, busy/span))
	u.Work = min(1, jobs*float64(r.s.Work.Time)/span)
	if s := r.res.Stages[metric.Queue]; s != nil && s.MeanNS != nil {
		u.Waiting, u.Taken = r.res.Rates.AchievedPerS**s.MeanNS/1e9, r.s.Consumers*r.s.Batch // Little's law
	}
}
