package engine

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/steady"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// lateLimit is the lateness from which on a job counts as held up: the interval
// of the load, but not less than what a timer can be expected to keep.
func lateLimit(s scenario.Scenario) time.Duration {
	const least = 500 * time.Microsecond
	if !s.Load.Open() {
		return least
	}
	return max(least, time.Duration(float64(s.Batch)/s.Schedule().PeakRate()*float64(time.Second)))
}

// startProbes sets the control probes to work. Without them a run is none the
// worse, only less is known about it.
func (r *run) startProbes() *probe.Probes {
	if r.o.NoProbes {
		return nil
	}
	var ping probe.Pinger
	if b, ok := r.b.(pinger); ok && !r.s.Load.Observed { // who looks on asks for as little as can be
		p, err := b.OpenPing(r.ctx)
		if err != nil {
			r.warn("no control probe of the server: %s", err)
		} else {
			ping = &lastingPing{r: r, open: b.OpenPing, now: p}
		}
	}
	p, err := probe.Start(r.ctx, ping, r.o.Waiter)
	if err != nil {
		r.warn("no control probes: %s", err)
		return nil
	}
	return p
}

// evidence puts together what validity is judged from.
func (r *run) evidence(res *result.Result) validity.Evidence {
	e := validity.Evidence{
		Closed: r.s.Load.Closed(), Error: res.Run.Error, Braked: r.braked,
		Completed: res.Window.Completed, Negative: r.rec.negative,
		Resubscribed: r.resubscribed.Load(), Strangers: r.strangers, LostPops: r.lostPops,
		Strain: r.strain, Lost: r.ledger.Lost, Duplicated: r.ledger.Duplicated,
		Warmup: r.s.Warmup, Observed: r.s.Load.Observed,
	}
	if e.Unreadable = res.Ledger.Unreadable; e.Unreadable > 0 && res.NotUnderstood != nil && !r.odd.hopeless.Load() {
		e.FirstUnreadable = res.NotUnderstood.String()
	}
	if o := r.seen; o != nil && o.Backlog.Last != nil {
		e.Waiting = *o.Backlog.Last
	}
	if !res.Run.Failed && !res.Run.Interrupted {
		e.Vanished = res.Ledger.LostByLeg[result.LegVanished]
		e.Unanswered = res.Ledger.LostByLeg[result.LegUnacknowledged] + res.Ledger.LostByLeg[result.LegUnpublished]
		e.Unconfirmed = r.unconfirmed.Load()
	}
	if p, ok := r.b.(pooled); ok {
		e.PoolTimeouts = p.PoolTimeouts() - r.poolTimeouts
	}
	if n := res.Server.Deltas["evicted_keys"]; n > 0 {
		e.Evicted = int64(n)
	}
	if w := float64(res.Window.Scheduled); w > 0 && r.s.Load.Open() {
		e.SentInTime = ptr(float64(r.total(ledger.WindowSent)-r.rec.late) / w)
		e.LateShare, e.LateLimit = ptr(float64(r.rec.held)/w), lateLimit(r.s)
		if r.rec.tail >= latency.MinTail {
			e.TailShare = ptr(float64(r.rec.tailLate) / float64(r.rec.tail))
		}
		r.quantiles(res, &e)
	}
	r.probed(res, &e)
	r.sampled(&e)
	e.Usage = r.usage(res)
	r.steadiness(res, &e)
	return e
}

func ptr[T any](v T) *T { return &v }

// quantiles sets end_to_end beside from_send. What a waiting thread can be late
// by on a machine in order is nobody's fault and no reason to doubt.
func (r *run) quantiles(res *result.Result, e *validity.Evidence) {
	whole, sent := res.Stages[metric.EndToEnd], res.Stages[metric.FromSend]
	for _, q := range []struct {
		name        string
		whole, sent *int64
		floor       time.Duration
	}{
		{"p50", whole.P50NS, sent.P50NS, 100 * time.Microsecond},
		{"p90", whole.P90NS, sent.P90NS, 200 * time.Microsecond},
		{"p99", whole.P99NS, sent.P99NS, 500 * time.Microsecond},
		{"p99.9", whole.P999NS, sent.P999NS, time.Millisecond},
	} {
		if q.whole != nil && q.sent != nil {
			e.Quantiles = append(e.Quantiles, validity.Quantile{
				Name: q.name, Whole: time.Duration(*q.whole), Sent: time.Duration(*q.sent), Floor: q.floor,
			})
		}
	}
}

// probed compares the probes at the highest quantile that all of them carry.
func (r *run) probed(res *result.Result, e *validity.Evidence) {
	at := func(s metric.Stage, q float64) *time.Duration {
		for i, stage := range metric.Stages() {
			if stage == s {
				return asDuration(quantile(r.rec.window[i], q, r.censored(stage, i)))
			}
		}
		return nil
	}
	probed := func(h *latency.Histogram, q float64) *time.Duration {
		if h == nil {
			return nil
		}
		return asDuration(quantile(h, q, 0))
	}
	for _, q := range []struct {
		name string
		q    float64
	}{{"p99", 0.99}, {"p95", 0.95}, {"p90", 0.90}, {"p50", 0.50}} {
		p := validity.Probes{
			At: q.name, Of: string(r.s.Headline()), Hiccup: probed(r.probes.Hiccup, q.q), Echo: probed(r.probes.Echo, q.q), Ping: probed(r.probes.Ping, q.q),
			EndToEnd: at(r.s.Headline(), q.q), Lateness: at(metric.Lateness, q.q), Work: workTold(at, q.q), Queue: at(metric.Queue, q.q),
		}
		if p.EndToEnd == nil || r.probes.Hiccup != nil && p.Hiccup == nil || r.probes.Ping != nil && p.Ping == nil {
			continue
		}
		if h := r.probes.Hiccup; h != nil && h.Count() > 0 {
			p.HiccupMax = ptr(time.Duration(h.Max()))
		}
		if h := r.probes.Ping; h != nil && h.Count() > 0 {
			p.PingMax = ptr(time.Duration(h.Max()))
		}
		e.Probes = p
		return
	}
}

// workTold is how long the work took: of workers that only say when they begin
// and when they are done, the time in between as it was heard here.
func workTold(at func(metric.Stage, float64) *time.Duration, q float64) *time.Duration {
	if d := at(metric.WorkTime, q); d != nil {
		return d
	}
	return at(metric.Running, q)
}

func asDuration(ns *int64) *time.Duration {
	if ns == nil {
		return nil
	}
	return ptr(time.Duration(*ns))
}

// sampled sets what was sampled beside what the jobs' stamps add up to.
func (r *run) sampled(e *validity.Evidence) {
	span := float64(r.window.ToNS - r.window.FromNS)
	if span <= 0 || r.fatal() != nil {
		return
	}
	s := r.sampler
	rate := 0.0
	if s.lengths.at > 0 {
		rate = float64(s.heard[ledger.Sent]-r.filled) / (float64(s.lengths.at) / 1e9)
	}
	if mean := s.lengths.mean(); mean != nil && !r.s.External && !r.o.AllowNonEmpty {
		e.QueueLen, e.QueueSum = mean, ptr(float64(r.rec.queued)/span)
		e.QueueNoise = s.lengths.noise()
		// Half a job more is what stamps are apart from the server's own moments.
		e.QueueBias = 0.5 + s.lengths.bias(span, rate) + s.lengths.transit/float64(s.lengths.n)
	}
	if mean := s.busy.mean(); mean != nil && r.s.Work.Time > 0 && r.s.Batch == 1 && !r.s.External && r.s.Hold.For == 0 {
		e.WorkersBusy, e.WorkersSum = mean, ptr(float64(r.rec.worked)/span/float64(r.s.Consumers))
		e.WorkersNoise, e.WorkersBias = s.busy.noise(), s.busy.bias(span, rate/float64(r.s.Consumers))
	}
}

// busy is the share of the consumers that have jobs in hands at this moment.
func (r *run) busy() float64 {
	if len(r.consumers) == 0 {
		return 0
	}
	n := 0
	for _, c := range r.consumers {
		if c.busy.Load() {
			n++
		}
	}
	return float64(n) / float64(len(r.consumers))
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// steadiness looks at the course of latency and of the backlog.
func (r *run) steadiness(res *result.Result, e *validity.Evidence) {
	if r.s.Load.Observed || r.s.Load.Varies() || r.s.Hold.For > 0 || r.s.Prefill > 0 {
		return // it is not meant to be steady
	}
	from, to := int(r.window.FromNS/binLength), int(r.window.ToNS/binLength)
	var whole, window []float64
	last := math.NaN()
	for i, b := range r.rec.bins {
		if i >= to {
			break
		}
		if b.count > 0 {
			last = b.sum / float64(b.count)
		}
		if math.IsNaN(last) {
			continue
		}
		whole = append(whole, last)
		if i >= from {
			window = append(window, last)
		}
	}
	if d, settled, ok := steady.MSER5(whole); ok {
		e.WarmupNeeded, e.Settled = ptr(time.Duration(int64(d)*binLength)), settled
		e.WarmupExcess = 1
		if early := min(from, d); early < d {
			e.WarmupExcess = mean(whole[early:d]) / mean(whole[d:])
		}
	}
	if ratio, spreads, ok := steady.Drift(window); ok && !math.IsInf(spreads, 0) {
		e.Drift, e.DriftSpreads = &ratio, spreads
	}
	if e.Closed || res.Rates.OfferedPerS == nil || *res.Rates.OfferedPerS == 0 {
		return
	}
	var x, y []float64
	begin := time.Duration(r.window.FromNS + (r.window.ToNS-r.window.FromNS)/3).Seconds()
	end := time.Duration(r.window.ToNS).Seconds()
	for _, row := range res.Timeline {
		if row.ElapsedS >= begin && row.ElapsedS <= end+0.01 {
			x, y = append(x, row.ElapsedS), append(y, float64(row.Backlog))
		}
	}
	if _, length, _ := r.stalled(); length > 0 {
		e.Stalled = length
	} else if slope, ok := steady.Slope(x, y); ok && len(x) >= 4 {
		rate := *res.Rates.OfferedPerS
		e.BacklogSlope = ptr(slope / rate)
		// The slope of a Poisson load that is carried has itself a spread of
		// about sqrt(2/(rate*time)).
		e.SlopeLimit = max(0.01, math.Sqrt(8/(rate*(end-begin))))
	}
}
