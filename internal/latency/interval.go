package latency

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
)

// Interval is one stage in one interval of a run.
type Interval struct {
	Stage metric.Stage
	From  time.Time // start of the interval, wall clock
	// Start and Length are the interval on the run's clock, from its epoch.
	Start, Length time.Duration
	// Histogram is valid during the call only.
	Histogram *Histogram
}

// middle is a moment that surely lies in the interval.
func (iv Interval) middle() time.Duration { return iv.Start + iv.Length/2 }

// Joiner joins successive intervals of each stage to longer ones. Their histograms are
// merged, so that nothing is lost. It holds one histogram a stage. It is not safe for
// concurrent use.
type Joiner struct {
	// Same reports whether two moments lie in the same of the longer intervals. It is
	// false for a moment and itself where intervals stay as they are.
	Same func(a, b time.Duration) bool
	// Next takes the longer intervals. The histogram is valid during the call only.
	Next func(Interval)

	open map[metric.Stage]*Interval
}

// Add adds an interval, whose histogram is only read. The one that it does not belong to
// is passed on.
func (j *Joiner) Add(iv Interval) {
	open := j.open[iv.Stage]
	if open == nil {
		if j.open == nil {
			j.open = map[metric.Stage]*Interval{}
		}
		open = &Interval{Stage: iv.Stage, Histogram: New()}
		j.open[iv.Stage] = open
	}
	if open.Length > 0 && !j.Same(open.middle(), iv.middle()) {
		j.pass(open)
	}
	if !j.Same(iv.middle(), iv.middle()) {
		j.Next(iv)
		return
	}
	if open.Length == 0 {
		open.From, open.Start = iv.From, iv.Start
	}
	open.Length = iv.Start + iv.Length - open.Start
	open.Histogram.Merge(iv.Histogram)
}

// Flush passes on what is not complete.
func (j *Joiner) Flush() {
	for _, stage := range metric.Stages() {
		if open := j.open[stage]; open != nil && open.Length > 0 {
			j.pass(open)
		}
	}
}

func (j *Joiner) pass(open *Interval) {
	j.Next(*open)
	open.Length = 0
	open.Histogram.Reset()
}
