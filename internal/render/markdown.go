package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// runMarkdown writes the report that a result directory is read by: the answer
// and whether to believe it first, then the figures, how they were made, and
// what they were made on. It shows percentiles.svg and timeline.svg of the same
// directory.
func runMarkdown(r *result.Result) (string, error) {
	scenarioJSON, err := indented("scenario", r.Scenario)
	if err != nil {
		return "", err
	}
	m := &sheet{}
	m.answer(r)
	m.validity(r)
	m.thresholds(r)
	m.warnings(r)
	m.stages(r)
	m.breakdown(r)
	m.shards(r)
	m.jobs(r)
	m.faults(r)
	m.time(r)
	m.method(r)
	m.environment(r)
	m.postgres(r.Postgres)
	m.server(r)
	m.para("## Scenario")
	if d := r.Scenario.Description; d != "" {
		m.para("%s", escape(d))
	}
	m.para("As it was run, with every default filled in:")
	m.para("%s", fence("json", scenarioJSON))
	return m.text(), nil
}

// sheet is a Markdown report in the making.
type sheet struct{ b strings.Builder }

// text is the whole report.
func (m *sheet) text() string { return strings.TrimSuffix(m.b.String(), "\n") }

// para writes a block and the blank line behind it.
func (m *sheet) para(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	m.b.WriteString(strings.TrimRight(text, "\n") + "\n\n")
}

// table writes a table, and what its marks refer to. The cells are Markdown already.
func (m *sheet) table(t table) {
	m.para("%s", t.markdown())
	for i, reason := range t.notes {
		m.para("%s %s", superscript(i+1), escape(reason))
	}
}

// facts writes pairs as a table without a head.
func (m *sheet) facts(all facts) { m.table(all.table(escape)) }

// list writes the items as bullets. They are Markdown already.
func (m *sheet) list(items []string) {
	if len(items) == 0 {
		return
	}
	m.para("%s", "- "+strings.Join(items, "\n- "))
}

func (m *sheet) answer(r *result.Result) {
	title := []string{verdict(r)}
	if word, _ := ending(r); word != "" {
		title = append(title, word)
	}
	if t := thresholdWords(r); t != "" {
		title = append(title, t)
	}
	m.para("# %s: %s", escape(r.Run.Scenario), escape(strings.Join(title, ", ")))
	m.para("%s %s.", escape(answer(r)), escape(capital(verdict(r))))
	m.para("%s; %s; against %s.", capital(escape(loadWords(r.Scenario))), escape(poolWords(r.Scenario)), escape(againstWords(r.Scenario, r.Redis, r.Postgres)))
	if l := r.Scenario.Load; l.Closed() {
		m.para("Closed loop: a job is due as soon as one of the %s in flight is done, so the latencies below are latencies `@%d`, not latencies at a rate.",
			number.Count(int64(l.InFlight)), l.InFlight)
	}
	if word, why := ending(r); word != "" {
		m.para("**%s**: %s", capital(word), escape(sentence(why)))
	}
}

func (m *sheet) validity(r *result.Result) {
	m.para("## Validity: %s", escape(verdict(r)))
	if len(r.Validity.Reasons) == 0 && verdict(r) == result.Valid {
		m.para("The load generator, the clock and the host stayed within their limits.")
	}
	m.list(each(reasonsOf(r), escape))
	if where := triageWords(r.Validity); where != "" {
		m.para("Where the time goes: %s", escape(sentence(where)))
	}
	if len(r.Validity.Checks) == 0 {
		return
	}
	m.table(checkTable(r, "").columns(code, emphasised, nil, nil, escape, escape))
}

// checkTable is a row a check behind the verdict.
func checkTable(r *result.Result, outcome string) table {
	t := table{head: []string{"check", outcome, "value", "limit", "unit", "detail"}, left: 2, words: map[int]bool{4: true, 5: true}}
	for _, name := range sortedKeys(r.Validity.Checks) {
		c := r.Validity.Checks[name]
		t.add(name, state(c), checkValue(c.Value, c.Unit), checkValue(c.Limit, c.Unit), when(c.Unit != "s", c.Unit), c.Detail)
	}
	return t
}

// checkValue is a figure of a check; one in seconds brings its own unit.
func checkValue(v *float64, unit string) string {
	if v != nil && unit == "s" {
		return number.Duration(*v * 1e9)
	}
	return number.Of(v, number.Plain)
}

func (m *sheet) thresholds(r *result.Result) {
	if len(r.Thresholds) > 0 {
		m.para("## Thresholds")
		m.table(thresholdTable(r, "", outcome).columns(code, emphasised, escape))
	}
}

// thresholdTable is a row a threshold, with what became of it.
func thresholdTable(r *result.Result, head string, became func(result.Threshold) string) table {
	t := table{head: []string{"threshold", head, "because"}, left: 3}
	for _, o := range r.Thresholds {
		t.add(o.Expr, became(o), o.Reason)
	}
	return t
}

func (m *sheet) warnings(r *result.Result) {
	warnings := warningsOf(r)
	if len(warnings) == 0 {
		return
	}
	m.para("## Warnings")
	m.list(each(warnings, escape))
}

func (m *sheet) stages(r *result.Result) {
	if l := r.Scenario.Load; l.Closed() {
		m.para("## Latency `@%d` in flight", l.InFlight)
	} else {
		m.para("## Latency")
	}
	if len(r.Stages) == 0 {
		m.para("The workers did not report how long the jobs took.")
		return
	}
	m.table(stageTable(r, "p50", "p90", "p99", "p99.9", "max", "mean").columns(code))
	m.para("![Latency by percentile, a line a stage](%s)", percentilesFile)
}

// jobTable is a row a counter of the ledger, in the order of a job's way.
func jobTable(r *result.Result, head string) table {
	t := table{head: []string{head, "count", "meaning"}, left: 1, words: map[int]bool{2: true}}
	for _, row := range ledger.Rows() {
		if blackBox(r.Scenario) && slices.Contains([]ledger.Counter{ledger.Popped, ledger.Finished, ledger.Published}, row.Counter) {
			continue // no client saw that
		}
		if n := r.Ledger.Count(row.Key); n != 0 || !row.Rare {
			name, meaning := counterWords(r.Scenario, row)
			t.add(name, number.Count(n), meaning)
		}
	}
	return t
}

// lossTable is a row a leg that lost jobs.
func lossTable(r *result.Result, leg, count string) table {
	t := table{head: []string{leg, count, "meaning"}, left: 1, words: map[int]bool{2: true}}
	for _, leg := range losses(r.Ledger) {
		t.add(string(leg), number.Count(r.Ledger.LostByLeg[leg]), legMeaning(r.Scenario, leg))
	}
	return t
}

func (m *sheet) jobs(r *result.Result) {
	if r.Observed != nil {
		m.observed(r)
		return
	}
	l := r.Ledger
	m.para("## Where the jobs went")
	m.table(jobTable(r, "jobs"))
	if t := lossTable(r, "lost on the leg", "count"); len(t.rows) > 0 {
		m.table(t.columns(code))
	}
	if len(l.Errors) > 0 {
		t := table{head: []string{"error in", "count"}, left: 1}
		for _, op := range sortedKeys(l.Errors) {
			t.add(code(op), number.Count(l.Errors[op]))
		}
		m.table(t)
	}
	m.lostJobs(l)
	m.para("The window: %s.", windowWords(r.Window))
	if words := recoveryWords(r); words != "" {
		m.para("%s.", capital(words))
	}
	if n := r.Scalars["blocked_clients"]; n != nil {
		words := fmt.Sprintf("%s connections waited in a blocking command on average", number.Rate(*n))
		if !r.Scenario.External {
			words += fmt.Sprintf(", of %s: those were idle", number.Plural(r.Scenario.Consumers, "consumer"))
		}
		m.para("%s.", words)
	}
	if words := cpuWords(func(name string) *float64 { return r.Scalars[name] }); words != "" {
		m.para("CPU time: %s.", words)
	}
	if r.Scenario.External && !blackBox(r.Scenario) {
		m.para("The workers are external: popped counts jobs that were acknowledged and left the queue; finished and published jobs are those whose end was seen.")
		if words := libraryWords(r.Scenario); words != "" {
			m.para("%s", words)
		}
	}
}

// stepSummary writes what a step summary shows of a run: the answer, whether to
// believe it, and the thresholds.
func stepSummary(r *result.Result) (string, error) {
	m := &sheet{}
	mark := "✅"
	if word, _ := ending(r); failedThresholds(r) > 0 || word != "" || r.Window.Completed == 0 {
		mark = "❌"
	} else if verdict(r) == result.Invalid || undecidedThresholds(r) > 0 {
		mark = "⚪"
	}
	m.para("### %s queuedyno: %s", mark, escape(r.Run.Scenario))
	m.para("%s %s.", escape(answer(r)), escape(capital(verdict(r))))
	m.list(each(reasonsOf(r), escape))
	if len(r.Thresholds) > 0 {
		m.table(thresholdTable(r, "", outcome).columns(code, emphasised, escape))
	}
	m.list(each(warningsOf(r), escape))
	return m.b.String(), nil
}
