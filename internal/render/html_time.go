package render

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/heat"
	"github.com/queuedyno/queuedyno/internal/joinrows"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
)

// What the charts over time of one page can take, so that the page of a long run stays
// small: values of all stages together, and points of a chart.
const (
	mostValues = 40_000
	mostPoints = maxSteps
)

// latencySection shows the quantiles of every stage over time.
func (p runPage) latencySection(r *result.Result) webpage.Section {
	rows := slices.DeleteFunc(bySecond(p.rows(r)), func(s result.Second) bool { return len(s.Stages) == 0 })
	s := webpage.Section{ID: "latency", Title: "Latency over time"}
	stages := slices.DeleteFunc(stagesFrom(r.Scenario.Headline()), func(stage metric.Stage) bool {
		return !slices.ContainsFunc(rows, func(row result.Second) bool { return row.Stages[stage] != nil })
	})
	if len(stages) == 0 {
		return s
	}
	quantiles := []struct {
		name  string
		style webpage.Style
		of    func(*result.SecondStage) *int64
	}{
		{"p50", webpage.Area, func(e *result.SecondStage) *int64 { return e.P50NS }},
		{"p90", webpage.Band, func(e *result.SecondStage) *int64 { return e.P90NS }},
		{"p99", webpage.Band, func(e *result.SecondStage) *int64 { return e.P99NS }},
		{"max", webpage.Band, func(e *result.SecondStage) *int64 { return e.MaxNS }},
	}
	rows, each := merged(rows, p.share(min(mostPoints, mostValues/(len(quantiles)*len(stages)))))
	c := webpage.Chart{
		ID: "latency", Title: s.Title, Kind: webpage.Time, Unit: webpage.Nanoseconds, Log: true, Marks: phases(r),
		Note: "Jobs by the moment they ended. Latency counts from the due time. A gap means too few jobs for the quantile." + when(r.RowS != 0, " "+rowWords(r)) + mergedWords(each, "largest quantile"),
	}
	for _, row := range rows {
		c.X = append(c.X, row.ElapsedS)
	}
	for _, stage := range stages {
		v, some := webpage.Variant{Name: string(stage)}, false
		for _, q := range quantiles {
			line := webpage.Series{Name: q.name, Style: q.style}
			for _, row := range rows {
				var y *float64
				if e := row.Stages[stage]; e != nil {
					y = whole(q.of(e))
				}
				line.Y, some = append(line.Y, y), some || y != nil
			}
			v.Series = append(v.Series, line)
		}
		if some {
			c.Variants = append(c.Variants, v)
		}
	}
	if len(c.Variants) > 0 {
		s.Charts = []webpage.Chart{c}
	}
	return s
}

// merged makes at most so many rows of the timeline, each of as many as are needed: the
// sums of their counts, the largest of all else.
func merged(rows []result.Second, most int) (out []result.Second, each int) {
	each = max(1, (len(rows)+most-1)/most)
	if each == 1 {
		return rows, 1
	}
	for i := 0; i < len(rows); i += each {
		out = append(out, oneRow(rows[i:min(i+each, len(rows))]))
	}
	return out, each
}

// oneRow is several rows as one, with the greatest length of the queue.
func oneRow(rows []result.Second) result.Second {
	all := joinrows.Join(rows)
	for _, row := range rows {
		all.QueueLen = joinrows.Larger(all.QueueLen, row.QueueLen)
	}
	return all
}

// mergedWords say that a point stands for several rows, and how.
func mergedWords(each int, kept string) string {
	return when(each > 1, fmt.Sprintf(" There are too many rows for a point each: a point is %d rows of the timeline, and shows their %s.", each, kept))
}

// whole is a count or a duration as a chart takes it, null where it is missing.
func whole(p *int64) *float64 {
	if p == nil {
		return nil
	}
	v := float64(*p)
	return &v
}

// phases are the parts of the run: warm-up, drain, a pause of the workers, faults, a stall,
// losses, and where the steps of the load begin.
func phases(r *result.Result) []webpage.Mark {
	var out []webpage.Mark
	from, to := float64(r.Window.FromNS)/1e9, float64(r.Window.ToNS)/1e9
	if from > 0 {
		out = append(out, webpage.Mark{From: 0, To: from, Label: "warm-up"})
	}
	for _, p := range r.Breakdown["step"] {
		if at := float64(p.FromNS) / 1e9; at > 0 {
			out = append(out, webpage.Mark{From: at, To: at, Label: plain(p.Name)})
		}
	}
	if h := r.Scenario.Hold; h.For > 0 {
		out = append(out, webpage.Mark{From: h.From.Seconds(), To: (h.From + h.For).Seconds(), Label: "no consumer pops"})
	}
	out = append(out, faultMarks(r)...)
	out = append(out, stallMarks(r)...)
	out = append(out, lossMarks(r.Timeline)...)
	if n := len(r.Timeline); n > 0 && to > from && r.Timeline[n-1].ElapsedS > to {
		out = append(out, webpage.Mark{From: to, To: r.Timeline[n-1].ElapsedS, Label: "drain"})
	}
	return out
}

// stallMarks are the stall of the server, if there was one.
func stallMarks(r *result.Result) []webpage.Mark {
	if r.Stall == nil {
		return nil
	}
	from, to := float64(r.Stall.FromNS)/1e9, float64(r.Stall.ToNS)/1e9
	label := fmt.Sprintf("no answer for %.1f s", to-from)
	if r.Stall.Lasted {
		label = "no answer from here on"
	}
	return []webpage.Mark{{From: from, To: to, Label: label, Bad: true}}
}

// mostLossMarks bounds the number of marks of losses.
const mostLossMarks = 100

// lossMarks are the times with lost jobs. Rows that follow each other closely share a
// mark.
func lossMarks(timeline []result.Second) []webpage.Mark {
	if len(timeline) == 0 {
		return nil
	}
	near := timeline[len(timeline)-1].ElapsedS / mostLossMarks
	var out []webpage.Mark
	var lost int64
	for _, row := range timeline {
		if row.Lost == 0 {
			continue
		}
		from, last := row.ElapsedS-row.LengthS, len(out)-1
		if last >= 0 && from-out[last].To < near {
			lost += row.Lost
		} else {
			out, lost, last = append(out, webpage.Mark{From: max(0, from), Bad: true}), row.Lost, last+1
		}
		out[last].To, out[last].Label = row.ElapsedS, number.Count(lost)+" lost"
	}
	return out
}

// loadSection shows rates and the backlog over time.
func (p runPage) loadSection(r *result.Result) webpage.Section {
	s := webpage.Section{ID: "load", Title: "Load and backlog"}
	timeline := p.rows(r)
	if len(timeline) == 0 {
		return s
	}
	rows, each := merged(bySecond(timeline), p.share(mostPoints))
	rates := webpage.Chart{ID: "rates", Title: "Jobs per second", Kind: webpage.Time, Unit: webpage.PerSecond, Marks: phases(r), Variants: []webpage.Variant{{}}, Note: strings.TrimSpace(rowWords(r) + mergedWords(each, "mean rate"))}
	for _, row := range rows {
		rates.X = append(rates.X, row.ElapsedS)
	}
	for _, line := range rateSeries(r) {
		y := webpage.Series{Name: line.name, Style: webpage.Line}
		for _, row := range rows {
			if v := line.value(stepOf(row, r.Scenario.Headline())); math.IsNaN(v) {
				y.Y = append(y.Y, nil)
			} else {
				y.Y = append(y.Y, new(v))
			}
		}
		rates.Variants[0].Series = append(rates.Variants[0].Series, y)
	}
	s.Charts = []webpage.Chart{rates}
	fine, each := merged(timeline, p.share(mostPoints))
	backlog := webpage.Chart{ID: "backlog", Title: "Backlog", Kind: webpage.Time, Unit: webpage.Jobs, Marks: phases(r), Note: strings.TrimSpace(mergedWords(each, "largest backlog"))}
	waiting, length := webpage.Series{Name: "sent and not yet notified, highest", Style: webpage.Area}, webpage.Series{Name: "length of the queue", Style: webpage.Line}
	known := false
	for _, row := range fine {
		backlog.X = append(backlog.X, row.ElapsedS)
		waiting.Y = append(waiting.Y, new(float64(row.Peak())))
		length.Y = append(length.Y, whole(row.QueueLen))
		known = known || row.QueueLen != nil
	}
	var shown []webpage.Series
	if r.Observed == nil {
		shown = append(shown, waiting)
	}
	if known {
		shown = append(shown, length)
	}
	if len(shown) > 0 {
		backlog.Variants = []webpage.Variant{{Series: shown}}
		s.Charts = append(s.Charts, backlog)
	}
	return s
}

// noIntervals is why a page has no heat map where there is no log, or one of a single
// interval.
const noIntervals = "There is no heat map: it needs the histograms of single seconds, which are in " + IntervalsFile + " next to the result."

// heatSection shows how many jobs ended when, and with which latency. Without an
// interval log, its note says why it has no chart.
func (p runPage) heatSection(r *result.Result) webpage.Section {
	s := webpage.Section{ID: "heat", Title: "Latency heat map"}
	m, err := p.heatMap()
	switch {
	case err != nil:
		s.Note = plain(fmt.Sprintf("There is no heat map: %s: %s.", IntervalsFile, err))
		return s
	case m == nil || len(m.Spans) < 2:
		s.Note = noIntervals
		return s
	}
	c := webpage.Chart{
		ID: "heat", Title: s.Title, Kind: webpage.Heat, Unit: webpage.Nanoseconds, Log: true, Marks: phases(r),
		Note: "Jobs of the window by the moment they ended; those of the warm-up are left out. Each band of latency is a quarter of an octave.",
	}
	if m.Merged > 0 {
		c.Note += fmt.Sprintf(" There are too many seconds for a column each, so a column is %s long.", number.Span(m.Merged))
	}
	for _, span := range m.Spans {
		c.Spans = append(c.Spans, [2]float64{span.From.Seconds(), span.To.Seconds()})
	}
	for _, stage := range stagesFrom(r.Scenario.Headline()) {
		if g, ok := m.Stages[stage]; ok {
			c.Variants = append(c.Variants, webpage.Variant{Name: string(stage), Series: []webpage.Series{}, Cells: &webpage.Cells{Edges: g.Edges, Columns: g.Columns}})
		}
	}
	s.Charts = []webpage.Chart{c}
	return s
}

// heatMap is read from the log of the document, nil without one.
func (p runPage) heatMap() (*heat.Map, error) {
	if p.intervals == nil {
		return nil, nil
	}
	log, err := p.intervals()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer log.Close()
	return heat.Read(log, heat.Limits{Columns: p.share(480), Cells: p.share(45_000)})
}

// stagesFrom are all stages, the headline first.
func stagesFrom(headline metric.Stage) []metric.Stage {
	others := slices.DeleteFunc(metric.Stages(), func(s metric.Stage) bool { return s == headline })
	return append([]metric.Stage{headline}, others...)
}
