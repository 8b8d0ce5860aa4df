package study

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Judge says whether the run of a trial was good. Cut is why the run was ended
// early, and growing why its backlog cannot be left to itself; each is empty when
// that is not so.
//
// A trial is good when the load was the one asked for, every limit was kept, the
// backlog neither grew nor held more than a second's worth of jobs (or the SLO's,
// where that is longer), and all was drained in time. It is invalid when what made it
// bad was the generator, this process or the host; passing is true when that was the
// use of the host by other programs, which may pass.
func Judge(r *result.Result, slo []threshold.Threshold, cut, growing string) (verdict capacity.Verdict, reasons []string, passing bool) {
	if why := notTheSystem(r); why != "" && cut == "" {
		return capacity.Invalid, []string{why}, false
	}
	reasons = []string{}
	add := func(why string) {
		if why != "" {
			reasons = append(reasons, why)
		}
	}
	add(cut)
	for _, t := range slo {
		add(broken(r, t))
	}
	if cut == "" {
		add(growing)
		add(drains(r, slo))
	}
	if len(reasons) == 0 {
		return capacity.Good, reasons, false
	}
	// Good although the generator was late is good: lateness only adds to what
	// is counted from the due time. Bad because of it says nothing.
	// A flood is one whatever else the host did.
	if cut != "" {
		return capacity.Bad, reasons, false
	}
	if r.Validity.Triage.Where == usage.CPULimit {
		return capacity.Invalid, []string{validity.Explain(r.Validity)}, false
	}
	if why := disturbed(r); why != "" {
		return capacity.Invalid, []string{why}, true
	}
	switch t := r.Validity.Triage; t.Where {
	case usage.Generator, usage.Client, usage.Host:
		return capacity.Invalid, []string{validity.Explain(r.Validity)}, false
	}
	return capacity.Bad, reasons, false
}

// notTheSystem is why the load was not the one that was asked for.
func notTheSystem(r *result.Result) string {
	if c, asked := r.Validity.Checks["sent_in_time"]; asked && !c.Passed {
		if r.Validity.Triage.Where == usage.CPULimit {
			return "the generator could not keep up: " + validity.Explain(r.Validity)
		}
		return "the generator could not keep up: " + c.Detail
	}
	// A system that finished nothing at all is bad, and its run is invalid.
	if r.Validity.Verdict == result.Invalid && r.Window.Completed > 0 {
		return strings.Join(r.Validity.Reasons, "; ")
	}
	return ""
}

// broken is how the limit was broken, empty when it was kept. Quantiles are
// judged by counting the jobs beyond the limit, the lost ones among them: that
// has an answer also where the quantile has none.
func broken(r *result.Result, t threshold.Threshold) string {
	stage, q, ok := quantileOf(t)
	if !ok {
		if o := gate.Check(t, r.Metric, ""); !o.Passed {
			return o.Expr + ": " + o.Reason
		}
		return ""
	}
	n := r.Window.Scheduled
	s := r.Stages[metric.Stage(stage)]
	if s == nil || n == 0 {
		return t.String() + ": no job was measured"
	}
	h, err := latency.Decode(s.HDR)
	if err != nil {
		return t.String() + ": " + err.Error()
	}
	limit := int64(t.Value)
	if t.Op == threshold.Less {
		limit--
	}
	beyond := n - min(n, h.CountAtOrBelow(limit))
	if float64(beyond) <= (1-q)*float64(n)+1e-9 {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d jobs (%s) took longer or never arrived", t, beyond, n, number.Percent(float64(beyond)/float64(n)))
}

// quantileOf takes an upper limit on a stage's quantile apart.
func quantileOf(t threshold.Threshold) (stage string, q float64, ok bool) {
	stage, aggregate, cut := strings.Cut(t.Metric, ".")
	number, isQuantile := strings.CutPrefix(aggregate, "p")
	p, err := strconv.ParseFloat(number, 64)
	if !cut || !isQuantile || err != nil || t.Op != threshold.Less && t.Op != threshold.LessOrEqual {
		return "", 0, false
	}
	return stage, p / 100, true
}

// TrialLength is how long a short trial should be: twice the longest latency that the
// limits allow, but at least 5 s and at most half a minute. One that cannot tell
// whether its backlog grows becomes longer by itself.
func TrialLength(slo []threshold.Threshold) time.Duration {
	return min(max(5*time.Second, 2*patience(slo)), 30*time.Second)
}

// TrialWithin is [TrialLength] where a search has little time: a 24th of it then, and
// at least a second.
func TrialWithin(slo []threshold.Threshold, budget time.Duration) time.Duration {
	return min(TrialLength(slo), max(time.Second, (budget/24).Round(100*time.Millisecond)))
}

// patience is the longest latency that the limits allow, and at least a second.
func patience(slo []threshold.Threshold) time.Duration {
	longest := time.Second
	for _, t := range slo {
		if m, err := metric.Lookup(t.Metric); err == nil && m.Kind == metric.Duration {
			longest = max(longest, time.Duration(t.Value))
		}
	}
	return longest
}

// drainLimit is how long after the end of the load its last job may arrive.
func drainLimit(s scenario.Scenario, slo []threshold.Threshold) time.Duration {
	return 2*patience(slo) + 2*s.Work.Time*time.Duration(max(1, s.Batch))
}

func drains(r *result.Result, slo []threshold.Threshold) string {
	limit := drainLimit(r.Scenario, slo)
	if took := time.Duration(r.Window.DrainNS); took > limit {
		have, most := apart(took, limit)
		return fmt.Sprintf("its last job arrived %s after the end, more than %s", have, most)
	}
	return ""
}

// apart writes two durations alike, and exactly enough to tell them apart.
func apart(a, b time.Duration) (string, string) {
	for unit := 100 * time.Millisecond; unit > 1; unit /= 10 {
		if x, y := a.Round(unit), b.Round(unit); x != y && y == b {
			return x.String(), y.String()
		}
	}
	return a.String(), b.String()
}
