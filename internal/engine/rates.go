package engine

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/result"
)

// carried is how many jobs per second the system carried in the window of an open loop,
// independent of their latency.
//
// It counts the notifications, of any job of the run, in the window shifted by
// the median latency of its jobs. Under constant latency that is exactly the
// offered rate, and in overload it is the service rate. But where no load runs
// before or after the window, the count misses jobs at its edges when latency
// varies, and an edge may cut a batch. A second estimate has no edges: jobs at
// rate R whose latency grows by g over the time T leave at R*T/(T+g). The figure
// departs from the rate of the window's own jobs only as far as both agree.
func (r *assembly) carried() float64 {
	w, span := r.outcome.window, float64(r.outcome.window.ToNS-r.outcome.window.FromNS)
	if span <= 0 {
		return 0
	}
	arrived := float64(w.Completed)
	shift := record.Quantile(r.rec.Window[record.EndToEnd], 0.5, 0)
	if shift == nil {
		shift = record.Extreme(r.rec.Window[record.EndToEnd], int64(r.rec.Window[record.EndToEnd].Mean()))
	}
	if shift == nil {
		return 0
	}
	from, to := w.FromNS+*shift, w.ToNS+*shift
	if end := r.outcome.drained; to > end && r.unheardOf() {
		// The run ended before the shifted window did. What was heard until then
		// gives the rate, if that is a good part of the window.
		if end-from < (to-from)/10 {
			return perSecond(arrived, span)
		}
		return perSecond(float64(r.rec.Arrivals.Between(from, end)), float64(end-from))
	}
	shifted := float64(r.rec.Arrivals.Between(from, to))
	grown := math.Inf(1) // latency fell by more than the window is long
	if g := r.rec.Course.Growth(w.ToNS - w.FromNS); span+g > 0 {
		grown = arrived * span / (span + g)
	}
	a, b := shifted-arrived, grown-arrived
	switch {
	case a > 0 && b > 0:
		arrived += min(a, b)
	case a < 0 && b < 0:
		arrived += max(a, b)
	}
	return perSecond(arrived, span)
}

// unheardOf reports whether jobs were still on their way when the run ended.
func (r *account) unheardOf() bool {
	t := ledger.Sum(r.tallies)
	return t[ledger.Sent] > t[ledger.Notified]+t.Over()
}

func perSecond(n, ns float64) float64 { return n / (ns / float64(time.Second)) }

// rates are jobs per second in the window.
func (r *assembly) rates() result.Rates {
	w := r.outcome.window
	var out result.Rates
	span := float64(w.ToNS - w.FromNS)
	if span <= 0 {
		return out
	}
	switch {
	case r.s.Load.Observed:
		out.AchievedPerS = perSecond(float64(w.Completed), span)
	case r.s.Load.Closed():
		to := w.ToNS
		if to == r.rec.LastNotified {
			to += 1 << r.rec.Arrivals.Shift // the window ends with its last job, which is in it
		}
		out.AchievedPerS = perSecond(float64(r.rec.Arrivals.Between(w.FromNS, to)), span)
	default:
		offered := perSecond(float64(w.Scheduled), span)
		out.OfferedPerS, out.AchievedPerS = &offered, r.carried()
		if offered > 0 {
			out.AchievedRatio = new(out.AchievedPerS / offered)
		}
	}
	return out
}

// peaks corrects the highest backlog of each row by the jobs' stamps, since samples
// miss short bursts.
func (r *run) peaks() {
	sent, heard := &r.rec.Departures, &r.rec.Arrivals
	for sent.Shift < heard.Shift {
		sent.Merge()
	}
	for heard.Shift < sent.Shift {
		heard.Merge()
	}
	var backlog int64
	next := int64(0)
	for k := range r.sampler.timeline {
		row := &r.sampler.timeline[k]
		end := int64(row.ElapsedS*float64(time.Second)) >> sent.Shift
		for ; next < end; next++ {
			if int(next) < len(sent.Bins) {
				backlog += int64(sent.Bins[next])
			}
			if int(next) < len(heard.Bins) {
				backlog -= int64(heard.Bins[next])
			}
			row.BacklogMax = max(row.BacklogMax, backlog)
		}
		r.sampler.maxBacklog = max(r.sampler.maxBacklog, row.BacklogMax)
	}
}
