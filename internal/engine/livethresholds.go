package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// liveThresholds follows the thresholds that have to be looked at while the run goes on:
// those over parts of the window, and those that abort. It looks once a second,
// when the sampler does.
type liveThresholds struct {
	r   *run
	all []*liveThreshold
}

// followed is a threshold of a scenario, its place among them, and the stage of its
// metric, -1 when it is of none.
type followed struct {
	t         threshold.Threshold
	at, stage int
}

// followable are the thresholds of a scenario.
func followable(s scenario.Scenario) (all []followed) {
	for at, expr := range s.Thresholds {
		t, err := threshold.Parse(expr)
		if err != nil {
			continue // validated before
		}
		word, _, _ := strings.Cut(t.Metric, ".")
		all = append(all, followed{t, at, slices.Index(metric.Stages(), metric.Stage(word))})
	}
	return all
}

// liveThreshold is one such threshold and what is known of the part that goes on; of
// one that is not over parts, that is all of the window.
type liveThreshold struct {
	followed
	parts gate.Parts
	now   slice
	// before is the last part that was complete, and earlier what is known of
	// those before it: what is left at the end of the window belongs to it.
	before  *slice
	earlier gate.Parts
	// broken is the outcome that ended the run.
	broken *result.Threshold
}

// slice is what is known of a part of the window.
type slice struct {
	from, to                   time.Duration
	length                     float64 // seconds with load
	offered, notified, backlog int64
	jobs                       *latency.Histogram
}

// newLiveThresholds is nil when there is nothing to look at.
func newLiveThresholds(r *run) *liveThresholds {
	w := &liveThresholds{r: r}
	for _, one := range followable(r.s) {
		if one.t.Watched() {
			w.all = append(w.all, &liveThreshold{followed: one, parts: gate.Parts{Threshold: one.t}, now: slice{jobs: latency.New()}})
		}
	}
	if len(w.all) == 0 {
		return nil
	}
	return w
}

// merge adds the jobs of the window that were completed in the last second.
func (w *liveThresholds) merge(window *record.StageSet) {
	if w == nil {
		return
	}
	for _, one := range w.all {
		switch {
		case one.stage >= 0:
			one.now.jobs.Merge(window[one.stage])
		case one.achieved():
			one.now.jobs.Merge(window[record.EndToEnd])
		}
	}
}

// look adds the row, and decides what can be decided by now.
func (w *liveThresholds) look(row result.Second, t ledger.Totals) {
	if w == nil {
		return
	}
	part, inside := w.r.windowPart(row)
	for _, one := range w.all {
		if inside {
			one.now.join(part)
		}
		if one.t.Abort && one.broken == nil && inside && int64(part.to)-w.r.rec.From >= int64(one.t.After) {
			w.abortOn(one, part.to, t)
		}
		// A second on the timeline may be some milliseconds shorter.
		if one.t.Over > 0 && inside && one.now.length >= one.t.Over.Seconds()-0.1 {
			if one.achieved() && w.early(one.now) {
				one.now = slice{jobs: latency.New()}
				continue
			}
			one.complete(w.values(one.now, one.stage, t))
		}
	}
}

// windowPart is a row of the timeline as a part of the window, and whether it is one: a row
// that began in the warm-up is no part of the window's rates.
func (r *run) windowPart(row result.Second) (part slice, inside bool) {
	to := time.Duration(row.ElapsedS * float64(time.Second))
	part = slice{
		from: to - time.Duration(row.LengthS*float64(time.Second)), to: to, length: row.LengthS,
		offered: row.Offered, notified: row.Notified, backlog: row.BacklogMax,
	}
	return part, row.Phase == "window" && int64(part.from) >= r.rec.From-int64(10*time.Millisecond)
}

// join makes the slice longer by the one that follows it. The jobs of that are not in it.
func (s *slice) join(next slice) {
	if s.length == 0 {
		s.from = next.from
	}
	if next.length > 0 {
		s.to = next.to
	}
	s.length += next.length
	s.offered += next.offered
	s.notified += next.notified
	s.backlog = max(s.backlog, next.backlog)
}

// complete closes the part that goes on, and begins the next.
func (one *liveThreshold) complete(values func(string) (float64, string, bool)) {
	closed := one.now
	one.earlier = one.parts
	one.parts.Add(closed.from, closed.to, values)
	one.before = &closed
	one.now = slice{jobs: latency.New()}
}

// abortOn ends the load when the limit is broken by what is known so far. A
// metric without a value breaks nothing yet. Of a threshold over parts, only
// complete parts count.
func (w *liveThresholds) abortOn(one *liveThreshold, at time.Duration, t ledger.Totals) {
	if one.t.Over > 0 && one.now.length < one.t.Over.Seconds()-0.1 {
		return
	}
	o := gate.Check(one.t, w.values(one.now, one.stage, t), "")
	if !o.Failed() {
		return
	}
	one.broken = &o
	w.r.abort(o.Expr)
	w.r.shorten(stopreason.Threshold, at)
}

// values answers for metrics as they are in the slice; those of the ledger are
// always of the run so far, and lost are the jobs of which that is certain.
func (w *liveThresholds) values(s slice, stage int, t ledger.Totals) func(string) (float64, string, bool) {
	return func(name string) (float64, string, bool) {
		if stage >= 0 {
			_, aggregate, _ := strings.Cut(name, ".")
			return aggregateOf(s.jobs, aggregate)
		}
		per := func(n int64, of float64) (float64, string, bool) {
			if of <= 0 {
				return 0, "nothing was offered yet", false
			}
			return float64(n) / of, "", true
		}
		observed := w.r.s.Load.Observed
		if why := metric.Unobservable(name); observed && why != "" {
			return 0, why, false
		}
		if count, isShare := metric.ShareOf(name); isShare {
			jobs := t[ledger.Sent]
			if observed {
				jobs = t[ledger.Notified]
			}
			return metric.PerJob(count, jobs, w.values(s, stage, t))
		}
		if name == "errors" {
			return float64(w.r.errorCount()), "", true
		}
		if row, counter := ledger.Lookup(name); counter && row.Metric {
			t[ledger.Lost] = t.Over() // more may be lost, but these are for certain
			return float64(t[row.Counter]), "", true
		}
		switch name {
		case "offered_rate":
			if !w.r.s.Load.Open() {
				return 0, metric.NotOffered(observed), false
			}
			return per(s.offered, s.length)
		case "achieved_rate":
			rate, _, why := w.carried(s)
			return rate, why, why == ""
		case "achieved_ratio":
			if !w.r.s.Load.Open() {
				return 0, metric.NotOffered(observed), false
			}
			rate, offered, why := w.carried(s)
			if why != "" {
				return 0, why, false
			}
			return rate / offered, "", true
		case "backlog.max":
			if s.length > 0 {
				return float64(s.backlog), "", true
			}
		}
		return 0, "it is not known while the run goes on", false
	}
}

// achieved reports whether the metric is the achieved rate or its ratio.
func (one *liveThreshold) achieved() bool { return strings.HasPrefix(one.t.Metric, "achieved_") }

// shift is the median latency of the jobs that arrived in the slice.
func (s slice) shift() time.Duration {
	if q := record.Quantile(s.jobs, 0.5, 0); q != nil {
		return time.Duration(*q)
	}
	if s.jobs.Count() > 0 {
		return time.Duration(s.jobs.Mean())
	}
	return 0
}

// early reports whether most of the slice is before the first jobs could arrive. It
// then says nothing about what was achieved.
func (w *liveThresholds) early(s slice) bool {
	return w.r.s.Load.Open() && (w.r.rec.Total.Count() == 0 || (s.to-max(s.from, s.shift())).Seconds() < s.length/2)
}

// carried is how many jobs a second were notified in the slice, and how many
// were offered in the time that lies the median latency before it: latency alone
// does not lower what was achieved. Where no load runs that long before the
// slice, its beginning is left out; why says that too little remains.
func (w *liveThresholds) carried(s slice) (rate, offered float64, why string) {
	r := w.r
	if s.length <= 0 {
		return 0, 0, "nothing was offered yet"
	}
	if !r.s.Load.Open() {
		return float64(s.notified) / s.length, 0, ""
	}
	if w.early(s) {
		return 0, 0, "the first jobs had hardly arrived"
	}
	shift := s.shift()
	from := max(s.from, shift)
	r.rec.Mu.Lock()
	n := r.rec.Arrivals.Between(int64(from), int64(s.to))
	r.rec.Mu.Unlock()
	due := r.sampler.offeredBy(s.to-shift) - r.sampler.offeredBy(from-shift)
	if due <= 0 {
		return 0, 0, "nothing was offered yet"
	}
	span := (s.to - from).Seconds()
	return float64(n) / span, due / span, ""
}

// aggregateOf is one figure of the jobs that arrived.
func aggregateOf(h *latency.Histogram, aggregate string) (float64, string, bool) {
	if aggregate == "count" {
		return float64(h.Count()), "", true
	}
	if h.Count() == 0 {
		return 0, "no job arrived", false
	}
	switch aggregate {
	case "min":
		return float64(h.Min()), "", true
	case "max":
		return float64(h.Max()), "", true
	case "mean":
		return h.Mean(), "", true
	}
	q, known := metric.QuantileShare(aggregate)
	v, err := h.Quantile(q, 0)
	switch {
	case !known:
		return 0, "it is not known while the run goes on", false
	case err != nil:
		return 0, fmt.Sprintf("too few jobs: %s needs %.0f, and %d arrived", aggregate, latency.MinTail/(1-q), h.Count()), false
	}
	return float64(v), "", true
}

// outcomes puts the outcomes of the liveThreshold in the places of those that were
// decided at the end of the run. Both are in the order of the thresholds.
func (w *liveThresholds) outcomes(final []result.Threshold, invalid string) []result.Threshold {
	if w == nil {
		return final
	}
	for _, one := range w.all {
		if one.at >= len(final) {
			continue // their check failed
		}
		o := &final[one.at]
		if one.t.Over > 0 {
			*o = one.rest(w).Outcome(invalid)
		}
		if one.broken != nil && !o.Failed() {
			*o = *one.broken // it recovered, but the run had ended
		}
	}
	return final
}

// rest is the verdict on all parts, with what is left over in the last of them:
// its jobs that arrived late may be the worst of all.
func (one *liveThreshold) rest(w *liveThresholds) *gate.Parts {
	if one.before == nil {
		return &one.parts
	}
	last := *one.before
	last.jobs.Merge(one.now.jobs)
	last.join(one.now)
	all := one.earlier
	all.Add(last.from, last.to, w.values(last, one.stage, ledger.Sum(w.r.tallies)))
	return &all
}
