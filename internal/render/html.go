package render

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// opener opens the interval log of a run.
type opener = func() (io.ReadCloser, error)

// runPage makes the part of a page that is about one run. Its charts hold the figures of
// the result as they are, in nanoseconds and jobs.
type runPage struct {
	intervals opener // nil without a log
	// documents is how many share the page, which bounds how much each may take.
	documents int
	// only are the rows of the timeline that charts show, nil for all.
	only []result.Second
}

// rows are the rows of the timeline that charts show.
func (p runPage) rows(r *result.Result) []result.Second {
	if p.only != nil {
		return p.only
	}
	return r.Timeline
}

// share is this document's part of a number that a page can take.
func (p runPage) share(whole int) int { return max(whole/max(1, p.documents), whole/20) }

func (p runPage) document(r *result.Result) (webpage.Document, error) {
	d := webpage.Document{
		Title:    plain(r.Run.Scenario),
		Verdict:  verdict(r),
		Answer:   plain(answer(r)),
		Reasons:  each(reasonsOf(r), plain),
		Warnings: each(warningsOf(r), plain),
		Figures:  runFigures(r),
	}
	if word, why := ending(r); word != "" {
		d.Reasons = append(d.Reasons, plain(capital(word)+": "+sentence(why)))
	}
	percentiles, err := percentileSection(r)
	if err != nil {
		return d, err
	}
	over, heat := p.latencySection(r), p.heatSection(r)
	if len(heat.Charts) == 0 {
		over.Note = heat.Note // why it has no chart
	}
	for _, s := range []webpage.Section{
		over, heat, percentiles, stageSection(r), p.loadSection(r), jobSection(r), shardSection(r), faultSection(r),
		thresholdSection(r, "outcome", outcome), partSection(r), usageSection(r), postgresSection(r), environmentSection(r),
	} {
		d.Sections = append(d.Sections, some(s)...)
	}
	return d, nil
}

// some is the section, unless it shows nothing.
func some(s webpage.Section) []webpage.Section {
	if len(s.Charts)+len(s.Tables) == 0 {
		return nil
	}
	return []webpage.Section{s}
}

// percentileSection shows the distribution of every stage, read out of the stored
// histograms.
func percentileSection(r *result.Result) (webpage.Section, error) {
	s := webpage.Section{ID: "percentiles", Title: "Latency by percentile"}
	curves, err := curvesOf(r)
	if err != nil || len(curves) == 0 {
		return s, err
	}
	c := webpage.Chart{ID: "percentiles", Title: s.Title, Kind: webpage.Percentile, Unit: webpage.Nanoseconds, Log: true, Note: percentileNote(r), Variants: []webpage.Variant{{}}}
	if n := float64(r.Window.Scheduled); n > latency.MinTail {
		c.Marks = []webpage.Mark{{From: 1 - latency.MinTail/n, To: 1, Label: fmt.Sprintf("fewer than %d jobs above", latency.MinTail)}}
	}
	for _, curve := range curves {
		line := webpage.Series{Name: string(curve.stage), Style: webpage.Line}
		for _, p := range visible(curve.points, 0.01, math.Inf(1)) {
			line.X = append(line.X, 1-math.Pow(10, -p.X))
			line.Y = append(line.Y, new(p.Y))
		}
		c.Variants[0].Series = append(c.Variants[0].Series, line)
	}
	s.Charts = []webpage.Chart{c}
	return s, nil
}

// stageSection shows where the time goes.
func stageSection(r *result.Result) webpage.Section {
	s := webpage.Section{ID: "stages", Title: "Where the time goes", Note: sentence(triageWords(r.Validity))}
	if len(r.Stages) == 0 {
		return s
	}
	c := webpage.Chart{
		ID: "stages", Title: "The stages that add up to end_to_end", Kind: webpage.Stack, Unit: webpage.Nanoseconds, Variants: []webpage.Variant{{}},
		Note: "The stages of one job add up exactly; quantiles of stages do not: the slowest job of one stage is rarely the slowest of another.",
	}
	quantiles := slices.DeleteFunc([]string{"p50", "p90", "p99"}, func(name string) bool { return summary(r, metric.EndToEnd).Figure(name) == nil })
	c.Labels = quantiles
	for _, stage := range summed(r) {
		bar := webpage.Series{Name: string(stage), Style: webpage.Line}
		for _, f := range quantiles {
			bar.Y = append(bar.Y, summary(r, stage).Figure(f))
		}
		c.Variants[0].Series = append(c.Variants[0].Series, bar)
	}
	if len(quantiles) > 0 && r.Observed == nil {
		s.Charts = []webpage.Chart{c}
	}
	t := stageTable(r, "min", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max", "mean")
	s.Tables = []webpage.Table{t.web("")}
	return s
}

// jobSection shows where the jobs went: the ledger as a funnel, each loss at the
// last point that its jobs reached.
func jobSection(r *result.Result) webpage.Section {
	s := webpage.Section{ID: "jobs", Title: "Where the jobs went"}
	if r.Observed != nil {
		t := webpage.Table{Columns: []string{"", ""}}
		for _, row := range heard(r) {
			t.Rows = append(t.Rows, []string{row.name, number.Count(row.n)})
		}
		s.Tables = []webpage.Table{t}
		return s
	}
	s.Charts = []webpage.Chart{wayOfJobs(r)}
	if t := lossTable(r, "leg", "jobs"); len(t.rows) > 0 {
		s.Tables = append(s.Tables, t.web("Lost"))
	}
	s.Tables = append(s.Tables, jobTable(r, "").web(""))
	return s
}

// wayOfJobs is the ledger as a funnel. Of a black box, only both ends are known.
func wayOfJobs(r *result.Result) webpage.Chart {
	way := []ledger.Counter{ledger.Scheduled, ledger.Sent, ledger.Acked, ledger.Popped, ledger.Finished, ledger.Published, ledger.Notified}
	if blackBox(r.Scenario) {
		way = []ledger.Counter{ledger.Scheduled, ledger.Sent, ledger.Acked, ledger.Notified}
	}
	c := webpage.Chart{ID: "jobs", Title: "The way of the jobs", Kind: webpage.Bars, Unit: webpage.Jobs}
	jobs, lost := webpage.Series{Name: "jobs", Style: webpage.Line}, webpage.Series{Name: "lost before it", Style: webpage.Lost}
	for _, counter := range way {
		row, _ := ledger.RowOf(counter)
		name := row.Name
		switch {
		case counter == ledger.Acked && r.Scenario.Entry.Kind == scenario.EntryHTTP:
			name = "accepted by the API"
		case counter == ledger.Notified:
			name = arrivedWord(r.Scenario)
		}
		c.Labels = append(c.Labels, name)
		jobs.Y, lost.Y = append(jobs.Y, new(float64(r.Ledger.Count(row.Key)))), append(lost.Y, new(0.0))
	}
	for key, n := range r.Ledger.LostByLeg {
		at := len(way) - 1
		if leg, known := ledger.LegOf(string(key)); known && slices.Contains(way, leg.Before) {
			at = slices.Index(way, leg.Before)
		}
		*lost.Y[at] += float64(n)
	}
	c.Variants = []webpage.Variant{{Series: []webpage.Series{jobs, lost}}}
	return c
}

// thresholdSection shows the thresholds and what became of them.
func thresholdSection(r *result.Result, head string, became func(result.Threshold) string) webpage.Section {
	if len(r.Thresholds) == 0 {
		return webpage.Section{}
	}
	t := thresholdTable(r, head, became).columns(nil, nil, plain)
	return webpage.Section{ID: "thresholds", Title: "Thresholds", Tables: []webpage.Table{t.web("")}}
}

// partSection shows the jobs by step, queue and tenant.
func partSection(r *result.Result) webpage.Section {
	s := webpage.Section{ID: "parts", Title: "By step, queue and tenant"}
	for _, d := range dimensions(r) {
		s.Tables = append(s.Tables, partTable(d, r.Breakdown[d]).web(capital(partsWords(d))))
	}
	return s
}

// usageSection shows how much of each resource was in use.
func usageSection(r *result.Result) webpage.Section {
	u := r.Validity.Usage
	s := webpage.Section{ID: "usage", Title: "Utilisation"}
	c := webpage.Chart{ID: "usage", Title: "Share in use", Kind: webpage.Bars, Unit: webpage.Share}
	used, limit := webpage.Series{Name: "in use", Style: webpage.Line}, webpage.Series{Name: "limit", Style: webpage.Limit}
	for _, part := range []struct {
		name  string
		share *float64
	}{
		{"generator", u.Generator}, {"host CPU", u.Host}, {"Redis main thread", u.Redis}, {"connections to Postgres", u.Postgres}, {"connections to the API", u.API}, {"workers", u.Workers}, {"throttled periods", u.Throttled},
	} {
		if part.share != nil && number.Finite(*part.share) {
			c.Labels = append(c.Labels, part.name)
			used.Y, limit.Y = append(used.Y, part.share), append(limit.Y, new(1.0))
		}
	}
	if len(c.Labels) > 0 {
		c.Variants = []webpage.Variant{{Series: []webpage.Series{used, limit}}}
		s.Charts = []webpage.Chart{c}
	}
	if len(r.Validity.Checks) > 0 {
		t := checkTable(r, "outcome").columns(nil, nil, nil, nil, nil, plain)
		s.Tables = []webpage.Table{t.web("Checks behind the verdict")}
	}
	return s
}

// postgresSection shows what there is to say of the database.
func postgresSection(r *result.Result) webpage.Section {
	if r.Postgres == nil {
		return webpage.Section{}
	}
	return webpage.Section{ID: "postgres", Title: "Postgres", Tables: postgresFacts(r.Postgres).web()}
}

func environmentSection(r *result.Result) webpage.Section {
	var all facts
	all.add("load", loadWords(r.Scenario))
	all.add("pools", poolWords(r.Scenario)+workerWords(r))
	all.some("library", libraryWords(r.Scenario))
	all.add("window", fmt.Sprintf("%s to %s of the schedule; warm-up is left out, the drain counts", number.Span(time.Duration(r.Window.FromNS)), number.Span(time.Duration(r.Window.ToNS))))
	all = append(all, environmentFacts(r)...)
	return webpage.Section{
		ID: "environment", Title: "How and where", Tables: all.web(),
		Note: "Quantiles are nearest rank over all jobs that were due in the window. A job that never arrived counts as infinitely late; " +
			"a quantile that falls among those, or has fewer than ten jobs above it, is omitted.",
	}
}
