package render

import (
	"cmp"
	"math"
	"slices"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/result"
)

// figures are the aggregates of a stage in the order of result.json, all in
// nanoseconds.
func figures() []string {
	return slices.Concat([]string{"min", "mean", "stddev"}, metric.Quantiles(), []string{"max"})
}

// summary is the stage's summary, an empty one where the result has none.
func summary(r *result.Result, stage metric.Stage) *result.StageSummary {
	return figuresOf(r.Stages[stage])
}

// figuresOf is s, an empty summary for nil.
func figuresOf(s *result.StageSummary) *result.StageSummary {
	return cmp.Or(s, &result.StageSummary{})
}

// missing says why a figure of a stage is null.
func missing(s *result.StageSummary, name string) string {
	switch {
	case s.Missing[name].Code != "":
		return s.Missing[name].Words(name)
	case s.Count == 0:
		return "no job in the measured window completed this stage"
	default:
		return "the result does not say why"
	}
}

// measured are the stages that the run could see, in order.
func measured(r *result.Result) []metric.Stage {
	return slices.DeleteFunc(metric.Stages(), func(s metric.Stage) bool { return r.Stages[s] == nil })
}

// stageTable is a row a stage. Its second cell names the unit: one for the whole
// table where the durations allow it, and else one for the row.
func stageTable(r *result.Result, names ...string) table {
	t := table{head: append([]string{"stage", "unit", "count"}, names...), left: 2, strong: string(r.Scenario.Headline())}
	var all []float64
	for _, stage := range measured(r) {
		all = append(all, shownOf(summary(r, stage), names)...)
	}
	common, one := tableUnit(limitUnit(r), headlineOf(r), all...)
	for _, stage := range measured(r) {
		s := summary(r, stage)
		shown := shownOf(s, names)
		u := common
		if !one {
			u = commonUnit(shown...)
		}
		row := []string{string(stage), u.Name, number.Count(s.Count)}
		if len(shown) == 0 {
			row[1] = ""
		}
		for _, c := range names {
			row = append(row, t.figure(s.Figure(c), u.In, missing(s, c)))
		}
		t.add(row...)
	}
	return t
}

// shownOf are the figures of a stage that the columns show.
func shownOf(s *result.StageSummary, columns []string) []float64 {
	var out []float64
	for _, c := range columns {
		if v := s.Figure(c); v != nil && number.Finite(*v) {
			out = append(out, *v)
		}
	}
	return out
}

// headlineOf is the duration that the table is read for: the headline's p50, or
// what comes next to it.
func headlineOf(r *result.Result) float64 {
	s := summary(r, r.Scenario.Headline())
	for _, name := range append([]string{"p50", "mean"}, figures()...) {
		if v := s.Figure(name); v != nil && number.Finite(*v) {
			return *v
		}
	}
	return 0
}

// limitUnit is the unit of the first limit on a duration, empty without one.
func limitUnit(r *result.Result) string {
	for _, o := range r.Thresholds {
		t, err := threshold.Parse(o.Expr)
		if err != nil {
			continue
		}
		if m, err := metric.Lookup(t.Metric); err != nil || m.Kind != metric.Duration {
			continue
		}
		name := number.Units()[0].Name
		for _, u := range number.Units() {
			if t.Value >= u.NS {
				name = u.Name
			}
		}
		return name
	}
	return ""
}

// commonUnit is the one unit in which all the given nanoseconds are shown: the
// largest that leaves the smallest of them at 0.1 or more, so that a row holds
// neither 0.000312 nor more digits than an eye can count. A far outlier pushes
// it further up.
func commonUnit(ns ...float64) number.Unit {
	smallest, largest := math.Inf(1), 0.0
	for _, v := range ns {
		if v = math.Abs(v); v > 0 && !math.IsInf(v, 0) {
			smallest, largest = min(smallest, v), max(largest, v)
		}
	}
	all := number.Units()
	if largest == 0 {
		return all[0]
	}
	at := 0
	for i, u := range all {
		if smallest/u.NS >= 0.1 {
			at = i
		}
	}
	for at+1 < len(all) && largest/all[at].NS >= 1e5 && smallest/all[at+1].NS >= 1e-3 {
		at++
	}
	return all[at]
}

// tableUnit is the one unit for all durations of a table, where one serves: each
// of them is then at least 0.001 and has no more than five digits before the
// point. Of several such units it is the wanted one, that of the limits shown with the
// table, unless the headline would be below 0.1 in it; and else the one nearest to
// that which suits the headline.
func tableUnit(wanted string, headline float64, ns ...float64) (u number.Unit, ok bool) {
	smallest, largest := math.Inf(1), 0.0
	for _, v := range ns {
		if v = math.Abs(v); v > 0 && !math.IsInf(v, 0) {
			smallest, largest = min(smallest, v), max(largest, v)
		}
	}
	if largest == 0 {
		return number.Unit{}, false
	}
	best := math.Inf(1)
	for _, c := range number.Units() {
		if smallest/c.NS < 0.001 || largest/c.NS >= 1e5 {
			continue
		}
		// How far the headline is from 10 of the unit, in powers of ten.
		far := math.Abs(math.Log10(max(headline, smallest)/c.NS) - 1)
		if c.Name == wanted && headline/c.NS >= 0.1 {
			far = -1
		}
		if far < best {
			best, u, ok = far, c, true
		}
	}
	return u, ok
}
