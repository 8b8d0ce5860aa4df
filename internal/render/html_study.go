package render

import (
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/webpage"
)

// comparisonPage is the part of a page about a comparison.
func comparisonPage(r *compare.Record) webpage.Document {
	d := webpage.Document{
		Title: plain(r.Base.Label + " against " + r.Candidate.Label), Verdict: string(r.Verdict), Answer: comparisonAnswer(r),
		Reasons: each(r.Reasons, plain), Warnings: each(r.Warnings, plain), Figures: comparisonFigures(r),
	}
	c := webpage.Chart{
		ID: "changes", Title: "The candidate over the baseline, less 1", Kind: webpage.Intervals, Unit: webpage.Share,
		Note: "Dots are the changes, bars their 90% intervals, red marks the margins beyond which the candidate counts as worse.",
	}
	change, low, high, margin := webpage.Series{Name: "change"}, webpage.Series{Name: "from"}, webpage.Series{Name: "to"}, webpage.Series{Name: "margin"}
	for _, f := range r.Figures {
		if f.Pairs == 0 || f.Base == 0 {
			continue
		}
		limit := f.Margin
		if f.HigherBetter {
			limit = -limit
		}
		c.Labels = append(c.Labels, plain(f.Name))
		change.Y, low.Y, high.Y, margin.Y = append(change.Y, new(f.Change)), append(low.Y, f.Low), append(high.Y, f.High), append(margin.Y, new(limit))
	}
	s := webpage.Section{ID: "changes", Title: "What changed"}
	if len(c.Labels) > 0 {
		c.Variants = []webpage.Variant{{Series: []webpage.Series{change, low, high, margin}}}
		s.Charts = []webpage.Chart{c}
	}
	s.Tables = []webpage.Table{comparisonTable(r).cells(plain).web("")}
	for _, text := range remedies(r) {
		s.Tables[0].Notes = append(s.Tables[0].Notes, plain(text))
	}
	d.Sections = []webpage.Section{s}
	d.Sections = append(d.Sections, some(pairSection(r))...)
	d.Sections = append(d.Sections, factSection(comparisonFacts(r), methodOf(r)))
	return d
}

// pairSection shows the figures of each run, a metric at a time.
func pairSection(r *compare.Record) webpage.Section {
	s := webpage.Section{ID: "pairs", Title: "Each pair"}
	c := webpage.Chart{
		ID: "pairs", Title: s.Title, Kind: webpage.Number, XName: "pair", Unit: webpage.Plain, Log: true,
		Note: "A full dot is the figure of a run of the baseline, a ring that of the candidate. Pairs that do not count are left out.",
	}
	for _, name := range chartedMetrics(r) {
		base, candidate := webpage.Series{Name: r.Base.Label, Style: webpage.Dot}, webpage.Series{Name: r.Candidate.Label, Style: webpage.Ring}
		for _, run := range r.Runs {
			v, has := run.Figures[name]
			if !has || v <= 0 || run.Left != "" || !number.Finite(v) {
				continue
			}
			side := &base
			if run.Side == compare.Candidate {
				side = &candidate
			}
			side.X, side.Y = append(side.X, float64(run.Pair)), append(side.Y, new(v))
		}
		v := webpage.Variant{Name: plain(name), Unit: unitOf(name)}
		for _, side := range []webpage.Series{base, candidate} {
			if side.Name = plain(side.Name); len(side.Y) > 0 {
				v.Series = append(v.Series, side)
			}
		}
		if len(v.Series) > 0 {
			c.Variants = append(c.Variants, v)
		}
	}
	if len(c.Variants) > 0 {
		s.Charts = []webpage.Chart{c}
	}
	return s
}

// chartedMetrics are the metrics whose figures are shown run by run: those that are
// compared, or, before that is known, the usual ones or else all.
func chartedMetrics(r *compare.Record) (names []string) {
	measured := func(name string) bool {
		return slices.ContainsFunc(r.Runs, func(run compare.Run) bool { _, has := run.Figures[name]; return has })
	}
	for _, f := range r.Figures {
		names = append(names, f.Name)
	}
	if len(names) > 0 {
		return names
	}
	for _, m := range compare.Defaults() {
		if measured(m.Name) {
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 && len(r.Runs) > 0 {
		names = sortedKeys(r.Runs[0].Figures)
	}
	return names
}

// unitOf is the unit of a compared metric.
func unitOf(name string) webpage.Unit {
	m, err := metric.Lookup(name)
	switch {
	case err == nil && m.Kind == metric.Duration, err != nil && nanoseconds(name):
		return webpage.Nanoseconds
	case err == nil && m.Kind == metric.Rate:
		return webpage.PerSecond
	}
	return webpage.Plain
}

// comparisonAnswer is the verdict in a sentence that stands after its word.
func comparisonAnswer(r *compare.Record) string {
	_, words, _ := strings.Cut(comparisonTitle(r), ": ")
	return capital(plain(words)) + "."
}

// factSection shows names and values, and how the figures were made.
func factSection(all facts, method string) webpage.Section {
	return webpage.Section{ID: "facts", Title: "How and where", Note: plain(method), Tables: all.web()}
}

// searchPage is the part of a page about a search.
func searchPage(r *study.Record) webpage.Document {
	d := webpage.Document{
		Title: plain("Capacity of " + r.Scenario.Name), Verdict: string(r.Answer.Status), Answer: plain(capital(searchAnswer(r))) + ".",
		Warnings: each(r.Warnings, plain), Figures: searchFigures(r),
	}
	if l := r.Answer.Limit; l.Detail != "" && len(r.Vary) == 0 {
		d.Reasons = append(d.Reasons, plain("What gave out: "+gaveOut(l)+": "+l.Detail))
	}
	if len(r.Vary) > 0 {
		d.Verdict = ""
		d.Sections = append(d.Sections, webpage.Section{ID: "values", Title: "By value", Tables: []webpage.Table{cellTable(r).cells(plain).web("")}})
	} else {
		d.Sections = append(d.Sections, trialSection(r))
	}
	if len(r.Points) > 0 {
		d.Sections = append(d.Sections, pointSection(r))
	}
	d.Sections = append(d.Sections, factSection(capacityFacts(r), capacityMethod))
	return d
}

// trialSection shows the rate of each trial and what became of it.
func trialSection(r *study.Record) webpage.Section {
	c := webpage.Chart{
		ID: "trials", Title: "The search", Kind: webpage.Number, XName: "trial", Unit: webpage.PerSecond, Log: true,
		Note: "A full dot is a trial that was good, a ring one that was bad, a dashed ring one that does not count or was too short to tell. A closed loop shows what it carried.",
	}
	good, bad, void, loop := webpage.Series{Name: "good", Style: webpage.Good}, webpage.Series{Name: "bad", Style: webpage.Bad}, webpage.Series{Name: "invalid", Style: webpage.Void}, webpage.Series{Name: "closed loop", Style: webpage.Void}
	answer := webpage.Series{Name: "answer", Style: webpage.Line}
	for _, t := range r.Trials {
		s, rate := &void, t.Rate
		switch {
		case t.Kind == capacity.Ceiling:
			s, rate = &loop, t.Achieved
		case t.Verdict == capacity.Good:
			s = &good
		case t.Verdict == capacity.Bad:
			s = &bad
		}
		if rate > 0 {
			s.X, s.Y = append(s.X, float64(t.N)), append(s.Y, new(rate))
		}
		if r.Answer.Rate > 0 {
			answer.X, answer.Y = append(answer.X, float64(t.N)), append(answer.Y, new(r.Answer.Rate))
		}
	}
	v := webpage.Variant{}
	for _, s := range []webpage.Series{good, bad, void, loop, answer} {
		if len(s.Y) > 0 {
			v.Series = append(v.Series, s)
		}
	}
	section := webpage.Section{ID: "trials", Title: "The search", Tables: []webpage.Table{capacityTrials(r.Trials).cells(plain).web("")}}
	if len(v.Series) > 0 {
		c.Variants = []webpage.Variant{v}
		section.Charts = []webpage.Chart{c}
	}
	return section
}

// pointSection shows latency against the rate.
func pointSection(r *study.Record) webpage.Section {
	c := webpage.Chart{ID: "curve", Title: "Latency against the offered rate", Kind: webpage.Number, XName: "jobs/s", Unit: webpage.Nanoseconds, Log: true, Note: curveMethod}
	v := webpage.Variant{}
	for _, q := range []string{"p50", "p90", "p99"} {
		s := webpage.Series{Name: string(metric.EndToEnd) + "." + q, Style: webpage.Line}
		for _, p := range r.Points {
			s.X = append(s.X, p.Rate)
			if l, ok := p.Latency[q]; ok {
				s.Y = append(s.Y, new(l.Value))
			} else {
				s.Y = append(s.Y, nil)
			}
		}
		v.Series = append(v.Series, s)
	}
	c.Variants = []webpage.Variant{v}
	return webpage.Section{
		ID: "curve", Title: "Latency against throughput", Charts: []webpage.Chart{c},
		Tables: []webpage.Table{pointTable(r.Points).cells(plain).web("")},
	}
}
