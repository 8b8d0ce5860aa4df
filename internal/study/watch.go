package study

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

// Horizon is for how long a load is meant to go on, where nothing says otherwise.
const Horizon = 10 * time.Minute

// waiting are the stages that become longer by what a job waits in the queue.
var waiting = []metric.Stage{metric.Queue, metric.Pickup, metric.EndToEnd, metric.FromSend}

// limit is a limit on a latency that grows with the backlog.
type limit struct {
	expr  string
	stage metric.Stage
	share float64 // the quantile to project
	value time.Duration
}

// limitsOf are the limits of an SLO that a growing backlog breaks in the end. Without
// one, jobs may wait as long as a trial has patience for.
func limitsOf(slo []threshold.Threshold) (all []limit) {
	for _, t := range slo {
		stage, aggregate, _ := strings.Cut(t.Metric, ".")
		share, known := metric.QuantileShare(aggregate)
		switch aggregate {
		case "mean":
			share, known = 0.5, true
		case "max":
			share, known = 0.99, true
		}
		upper := t.Op == threshold.Less || t.Op == threshold.LessOrEqual
		if known && upper && slices.Contains(waiting, metric.Stage(stage)) {
			all = append(all, limit{t.String(), metric.Stage(stage), share, time.Duration(t.Value)})
		}
	}
	if len(all) == 0 {
		all = []limit{{value: patience(slo)}}
	}
	return all
}

// watch follows the backlog of a trial and ends the trial as soon as it can tell
// whether the load can go on. It is used by one goroutine.
type watch struct {
	limits        []limit
	rate          float64
	horizon       time.Duration
	from          time.Duration // where the warm-up ends
	next, longest time.Duration // how long the load was measured when it is judged

	backlog capacity.Backlog
	seconds []second
	verdict capacity.Verdict
	growing string // why it cannot go on
	stop    func()
}

// second holds the latencies of the jobs that were done in one second.
type second struct {
	to     time.Duration
	stages map[metric.Stage]*latency.Histogram
}

// sampled notes the backlog, and judges it when it is time.
func (w *watch) sampled(at time.Duration, jobs int64) {
	w.backlog.Add(at, jobs)
	if w.verdict != "" || at < w.from+w.next {
		return
	}
	w.judge()
	if w.verdict == capacity.Inconclusive && w.next < w.longest {
		w.verdict, w.next = "", min(2*w.next, w.longest)
		return
	}
	if w.next < w.longest {
		w.stop()
	}
}

// done notes the latencies of a second.
func (w *watch) done(i latency.Interval) {
	if !slices.ContainsFunc(w.limits, func(l limit) bool { return l.stage == i.Stage }) {
		return
	}
	to := i.Start + i.Length
	if n := len(w.seconds); n == 0 || w.seconds[n-1].to != to {
		w.seconds = append(w.seconds, second{to, map[metric.Stage]*latency.Histogram{}})
	}
	h := latency.New()
	h.Merge(i.Histogram)
	w.seconds[len(w.seconds)-1].stages[i.Stage] = h
}

// judge judges the backlog by every limit.
func (w *watch) judge() {
	g := w.backlog.Growth(w.from, w.from+w.next)
	w.verdict, w.growing = capacity.Good, ""
	for _, l := range w.limits {
		now := w.now(l)
		v := g.Verdict(w.rate, now, l.value, w.horizon)
		if v == capacity.Good || v == capacity.Inconclusive && w.verdict == capacity.Bad {
			continue
		}
		w.verdict, w.growing = v, w.words(g, l, v)
	}
}

// now is the latency that the limit is on, in the last third of what was measured.
func (w *watch) now(l limit) time.Duration {
	all := latency.New()
	for _, s := range w.seconds {
		if h := s.stages[l.stage]; h != nil && s.to > w.from+w.next-w.next/3 {
			all.Merge(h)
		}
	}
	v, err := all.Quantile(l.share, 0)
	if err != nil {
		return 0
	}
	return time.Duration(v)
}

// words are why the load cannot go on, or why that is not known.
func (w *watch) words(g capacity.Growth, l limit, v capacity.Verdict) string {
	what := "jobs would wait"
	if l.expr != "" {
		what = fmt.Sprintf("%s.p%g would be", l.stage, 100*l.share)
	}
	grown := func(perS float64) string {
		d := w.now(l) + time.Duration(max(0, perS)/max(w.rate-g.PerS, w.rate/100)*float64(w.horizon))
		return fmt.Sprintf("the backlog %s %.2g jobs/s; after %s of it %s %s", map[bool]string{true: "grew by", false: "may grow by"}[v == capacity.Bad], perS, number.Span(w.horizon), what, d.Round(time.Millisecond))
	}
	if v == capacity.Bad {
		return grown(g.PerS)
	}
	if g.Span == 0 {
		return fmt.Sprintf("%s were too short to tell whether the backlog grows", w.next)
	}
	return fmt.Sprintf("%s were too short to tell: %s", w.next, grown(g.PerS+2*g.Error))
}
