package engine

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/stationarity"
	"github.com/queuedyno/queuedyno/internal/validity"
)

// evidence puts together what validity is judged from besides the result.
func (r *assembly) evidence() validity.Measured {
	m := validity.Measured{
		Limited: r.limit, Negative: r.rec.Negative, Strangers: r.outcome.strangers, Host: r.hoststat, Probes: r.probes,
		Connections: validity.Connections{Resubscribed: r.resubscribed.Load(), Unconfirmed: r.unconfirmed.Load(), LostPops: r.lostPops},
		Usage:       r.usage(), Course: r.course(),
	}
	if p, ok := r.b.(pooled); ok {
		m.Connections.PoolTimeouts = p.PoolTimeouts() - r.poolTimeouts
	}
	if w := float64(r.res.Window.Scheduled); w > 0 && r.s.Load.Open() {
		m.Schedule = validity.Schedule{
			SentInTime: ptr(float64(r.total(ledger.WindowSent)-r.rec.Late) / w),
			LateShare:  ptr(float64(r.rec.Held) / w), LateLimit: record.LateLimit(r.s),
		}
		if r.rec.Tail >= latency.MinTail {
			m.Schedule.TailShare = ptr(float64(r.rec.TailLate) / float64(r.rec.Tail))
		}
	}
	m.Queue, m.Workers = r.sampled()
	return m
}

func ptr[T any](v T) *T { return &v }

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
			Mean: mean, Stamps: ptr(float64(r.rec.Queued) / span), Noise: s.lengths.Noise(),
			// The stamps and the server's own moments differ by half a job more.
			Bias: 0.5 + s.lengths.Bias(span, rate) + s.lengths.Transit/float64(s.lengths.N),
		}
	}
	if mean := s.busy.Mean(); mean != nil && r.s.Work.Time > 0 && r.s.Batch == 1 && !r.s.External && r.s.Hold.For == 0 {
		workers = validity.Sampled{
			Mean: mean, Stamps: ptr(float64(r.rec.Worked) / span / float64(r.s.Consumers)),
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
	if r.s.Load.Observed || r.s.Load.Varies() || r.s.Hold.For > 0 || r.s.Prefill > 0 {
		return c // it is not meant to be stationary
	}
	from, to := int(r.outcome.window.FromNS/record.BinLength), int(r.outcome.window.ToNS/record.BinLength)
	var whole, window []float64
	last := math.NaN()
	for i, b := range r.rec.Bins {
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
		c.WarmupNeeded, c.Settled = ptr(time.Duration(int64(d)*record.BinLength)), settled
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
	} else if slope, ok := stationarity.Slope(x, y); ok && len(x) >= 4 {
		rate := *r.res.Rates.OfferedPerS
		c.BacklogSlope = ptr(slope / rate)
		// Even when the system carries a Poisson load, its slope has a spread of
		// about sqrt(2/(rate*time)).
		c.SlopeLimit = max(0.01, math.Sqrt(8/(rate*(end-begin))))
	}
	return c
}
