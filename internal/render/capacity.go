package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/usage"
)

// searchAnswer is the answer of a search in one sentence.
func searchAnswer(r *study.Record) string {
	if len(r.Vary) > 0 {
		return varied(r)
	}
	a := r.Answer
	switch a.Status {
	case capacity.Confirmed:
		trials, length := max(a.ConfirmedTrials, 2), number.Span(cmp.Or(a.ConfirmedFor, r.Confirm).Round(100*time.Millisecond)) // older records do not say how often
		how := fmt.Sprintf("confirmed %d × %s", trials, length)
		if a.ConfirmedAgainst > 0 {
			how = fmt.Sprintf("held in %d of %d trials of %s", trials, trials+a.ConfirmedAgainst, length)
		}
		words := fmt.Sprintf("%s jobs/s (%s)", number.Rate(a.Rate), how)
		if !a.Narrow() {
			return fmt.Sprintf("%s carries at least %s; up to %s is not ruled out", r.Scenario.Name, words, number.Rate(a.High))
		}
		if a.RefutedRate > 0 {
			words += "; fails at " + number.Rate(a.RefutedRate)
		}
		return fmt.Sprintf("%s carries %s", r.Scenario.Name, words)
	case capacity.Estimated:
		return fmt.Sprintf("%s carries about %s jobs/s, not confirmed", r.Scenario.Name, number.Rate(a.Rate))
	case capacity.AtLeast:
		if a.Rate == 0 {
			return "the load generator or the host was the limit at every rate, so nothing is known about " + r.Scenario.Name
		}
		part := "the generator"
		switch {
		case a.Limit.External:
			part = "other programs on this host"
		case a.Limit.Part == usage.Host:
			part = "the host, which Redis shares with the generator"
		case a.Limit.Part == usage.CPULimit:
			part = "the generator's CPU limit"
		}
		return fmt.Sprintf("%s carries at least %s jobs/s, limited by %s", r.Scenario.Name, number.Rate(a.Rate), part)
	case capacity.NoRate:
		return fmt.Sprintf("no rate holds this SLO: %s failed down to %s jobs/s", r.Scenario.Name, number.Rate(lowestBad(r)))
	}
	return "nothing is known yet about the capacity of " + r.Scenario.Name
}

func lowestBad(r *study.Record) (lowest float64) {
	for _, t := range r.Trials {
		if t.Verdict == capacity.Bad && t.Rate > 0 && (lowest == 0 || t.Rate < lowest) {
			lowest = t.Rate
		}
	}
	return lowest
}

// capacityFacts are what there is to say about an answer, as pairs.
func capacityFacts(r *study.Record) facts {
	if len(r.Vary) > 0 {
		return variedFacts(r)
	}
	a := r.Answer
	slo := strings.Join(r.SLO, ", ")
	if r.Horizon > 0 {
		slo += ", for " + number.Span(r.Horizon)
	}
	all := facts{
		{"SLO", slo},
		{"highest confirmed", knownRate(a.ConfirmedRate, " jobs/s")},
		{"nearest refuted", knownRate(a.RefutedRate, " jobs/s")},
	}
	if a.Median > 0 {
		all.add("80% belief", fmt.Sprintf("%s to %s jobs/s, median %s", number.Rate(a.Low), number.Rate(a.High), number.Rate(a.Median)))
	}
	if a.LoopBefore > 0 {
		all.add("closed loop", driftWords(r))
	}
	if a.Limit.Detail != "" {
		all.add("what gave out", gaveOut(a.Limit)+": "+a.Limit.Detail)
	}
	if len(a.Limit.Used) > 0 {
		all.add("in use there", usedWords(a.Limit))
	}
	all.some("CPU", cpuWords(confirmedFigure(r)))
	if r.Knee != nil {
		all.add("suggested operating point", fmt.Sprintf("%s jobs/s (%s; no capacity)", number.Rate(r.Knee.Rate), r.Knee.Method))
	}
	all.add("ended because", cmp.Or(a.Why, "not ended yet"))
	all.add("trials", trialWords(a.Trials, a.Invalid, a.Took))
	all.add("against", againstWords(r.Scenario, r.Redis, r.Postgres))
	return all
}

// trialWords say how many trials there were and how long they took.
func trialWords(n, invalid int, took time.Duration) string {
	return fmt.Sprintf("%s, %d invalid, %s", number.Plural(n, "trial"), invalid, number.Span(took.Round(time.Second)))
}

// knownRate is a rate with its unit, or n/a where none is known.
func knownRate(v float64, unit string) string {
	if v == 0 {
		return number.None
	}
	return number.Rate(v) + unit
}

// confirmedFigure answers for the figures of the last good trial at the highest
// rate that was good.
func confirmedFigure(r *study.Record) func(name string) *float64 {
	best := -1
	for i, t := range r.Trials {
		if t.Kind != capacity.Ceiling && t.Verdict == capacity.Good && (best < 0 || t.Rate >= r.Trials[best].Rate) {
			best = i
		}
	}
	return func(name string) *float64 {
		if best < 0 {
			return nil
		}
		if v, has := r.Trials[best].Figures[name]; has {
			return &v
		}
		return nil
	}
}

// driftWords say what the closed loops carried with which a search began, which trials
// contradicted, and with which it ended.
func driftWords(r *study.Record) string {
	a := r.Answer
	words := number.Rate(a.LoopBefore) + " jobs/s before the search"
	for _, t := range r.Trials {
		if t.Again {
			words += fmt.Sprintf(", %s in between, because trials above that held", number.Rate(t.Achieved))
		}
	}
	if a.LoopAfter == 0 {
		return words
	}
	words += fmt.Sprintf(", %s after it (%s)", number.Rate(a.LoopAfter), number.Change(a.Drift()))
	if a.Drifted() {
		words += ": the speed of the host or of Redis changed, and another search may differ as much"
	}
	return words
}

// usedWords are the shares in use: "redis 35%, workers 99%".
func usedWords(l capacity.Limit) string {
	var out []string
	for _, part := range sortedKeys(l.Used) {
		out = append(out, strings.ReplaceAll(part, "_", " ")+" "+number.Percent(l.Used[part]))
	}
	return strings.Join(out, ", ")
}

// capacityTrials is a row a trial.
func capacityTrials(trials []capacity.Trial) table {
	t := table{head: []string{"trial", "kind", "verdict", "jobs/s", "achieved", "p50", "p99", "length", "because"}, left: 3, words: map[int]bool{8: true}}
	for _, one := range trials {
		asked := "max"
		if one.Rate > 0 {
			asked = number.Rate(one.Rate)
		}
		t.rows = append(t.rows, []string{
			fmt.Sprint(one.N), string(one.Kind), string(one.Verdict), asked, number.Rate(one.Achieved),
			figureOf(one, "end_to_end.p50"), figureOf(one, "end_to_end.p99"), number.Span(cmp.Or(one.Measured, one.Length)), strings.Join(one.Reasons, "; "),
		})
	}
	return t
}

func figureOf(t capacity.Trial, name string) string {
	v, ok := t.Figures[name]
	if !ok {
		return number.None
	}
	return number.Duration(v)
}

// searchText writes what a terminal shows after a search.
func searchText(r *study.Record) (string, error) {
	t := &page{o: Options{Width: 120}}
	t.b.WriteString(capital(plain(searchAnswer(r))) + ".\n\n")
	t.facts(capacityFacts(r))
	if len(r.Cells) > 0 {
		t.b.WriteString("\n")
		t.table(cellTable(r).cells(plain))
	}
	if len(r.Points) > 0 {
		t.b.WriteString("\n")
		t.table(pointTable(r.Points).cells(plain))
	}
	t.cautions(r.Warnings)
	return t.b.String(), nil
}

// searchMarkdown writes the report that the directory of a search is read by.
// It shows the SVG files of the same directory.
func searchMarkdown(r *study.Record) (string, error) {
	resolved, err := indented("scenario", r.Scenario)
	if err != nil {
		return "", err
	}
	m := &sheet{}
	m.para("# %s", escape(capital(searchAnswer(r))))
	if r.Interrupted {
		m.para("**Interrupted**: this is what was known by then. Continue the search with `queuedyno capacity --resume` and this directory.")
	}
	m.facts(capacityFacts(r))
	m.list(each(r.Warnings, escape))
	if len(r.Vary) > 0 {
		m.varied(r)
	} else {
		m.para("## Search")
		m.para("![rate of each trial](%s)", searchFile)
		m.table(capacityTrials(r.Trials).cells(escape))
	}
	if len(r.Points) > 0 {
		m.para("## Latency against throughput")
		m.para("![latency against throughput](%s)", curveFile)
		m.table(pointTable(r.Points).cells(escape))
		m.para("%s", curveMethod)
	}
	m.para("## How it was found")
	m.para("%s", capacityMethod)
	m.para("## Scenario")
	m.para("The trials set their own rates and lengths; of load, only the arrivals were used.")
	m.para("%s", fence("json", resolved))
	return m.text(), nil
}

const curveMethod = "Geometric mean of repeated trials with the 95% interval in brackets; in random order, each on a separate queue. A rate is sustained when at least half of its trials were good."

const capacityMethod = "A closed loop gives a first estimate; where it keeps the workers busy, no higher rate is tried. Short trials then bisect the logarithm of the rate: each one is a separate run on an empty queue, at the median of the current belief about the capacity (Bayesian, for several degrees of noise in parallel). A trial is good when it met every limit of the SLO (jobs that never arrived count as too late) and would still meet it after the horizon, with the backlog growing as it did; when the backlog did not grow and never exceeded one second's worth of jobs; and when everything drained in time. A trial that is too short to tell becomes longer. It is invalid, and ignored, when the load was not the requested one or when the slow jobs lost their time in the load generator or on the host. Longer trials then confirm a rate that is very likely to hold; when one fails, the next is made at a lower rate. If the budget allows, the closed loop is repeated at the end: a different throughput means that the host or Redis changed during the search."

// pointTable is a row a point of the curve.
func pointTable(points []capacity.Point) table {
	t := table{head: []string{"offered/s", "sustained", "achieved/s", "p50", "p90", "p99", "trials"}}
	for _, p := range points {
		row := []string{number.Rate(p.Rate), map[bool]string{true: "yes", false: "no"}[p.Sustained], number.Rate(p.Achieved.Value)}
		for _, q := range []string{"p50", "p90", "p99"} {
			row = append(row, intervalWords(p, q))
		}
		t.add(append(row, fmt.Sprintf("%d of %d good", p.Good, p.Trials))...)
	}
	return t
}

func intervalWords(p capacity.Point, q string) string {
	l, ok := p.Latency[q]
	switch {
	case !ok:
		return number.None
	case l.High == 0:
		return number.Duration(l.Value)
	}
	return fmt.Sprintf("%s (%s to %s)", number.Duration(l.Value), number.Duration(l.Low), number.Duration(l.High))
}
