package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/scenario"
)

// comparisonTitle is the verdict in a line.
func comparisonTitle(r *compare.Record) string {
	switch r.Verdict {
	case paired.Pass:
		return "pass: the candidate is shown not to be worse by more than the margins"
	case paired.Fail:
		return "fail: the candidate is shown to be worse"
	case paired.Invalid:
		return "invalid: too many runs are invalid"
	}
	if r.Interrupted {
		return "inconclusive: interrupted"
	}
	return "inconclusive: these pairs cannot decide"
}

// comparisonFacts are the facts that are shown with the figures, as pairs.
func comparisonFacts(r *compare.Record) facts {
	var all facts
	for _, d := range r.Differences() {
		all.add(d.What, cmp.Or(d.Base, "(none)")+" → "+cmp.Or(d.Candidate, "(none)"))
	}
	if len(all) == 0 {
		all.add("differs", "nothing: the baseline is compared with itself")
	}
	pairs := fmt.Sprintf("%d of at most %d", r.Pairs, r.MostPairs)
	if r.Repeated > 0 {
		pairs += fmt.Sprintf(", %d repeated because the host was disturbed", r.Repeated)
	}
	if r.LeftOut > 0 {
		pairs += fmt.Sprintf(", %d excluded because a run is invalid", r.LeftOut)
	}
	if r.Stored {
		pairs = fmt.Sprintf("%d, of stored results", r.Pairs)
	}
	all.add("pairs", pairs)
	all.some("suspect runs", suspectRuns(r))
	if r.Calibrated != "" {
		all.add("margins from", r.Calibrated)
	}
	if !r.Stored {
		all.add("took", number.Span(r.EndedAt.Sub(r.StartedAt).Round(time.Second)))
	}
	for _, arm := range []compare.Arm{r.Base, r.Candidate} {
		if arm.Redis.Kind == "" {
			arm.Redis.Kind = noRedis
		}
		all.some(arm.Label+" against", againstWords(scenario.Scenario{}, arm.Redis, arm.Postgres))
	}
	all.add("host", machineWords(r.Host))
	all.some("CPU limit", limitWords(r.Host))
	if !r.Stored { // then nothing was drawn
		all.add("seed", fmt.Sprint(r.Seed))
	}
	return all
}

// suspectRuns says how many of the runs that count have figures in doubt.
func suspectRuns(r *compare.Record) string {
	n := map[compare.Side]int{}
	for _, run := range r.Runs {
		if run.Left == "" && run.Validity == "suspect" {
			n[run.Side]++
		}
	}
	if len(n) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of the baseline, %d of the candidate, of %d each", n[compare.Base], n[compare.Candidate], r.Pairs)
}

// compared is a figure of that metric with its unit.
func compared(f paired.Figure, v float64) string {
	m, err := metric.Lookup(f.Name)
	switch {
	case f.Pairs == 0:
		return number.None
	case v == 0:
		return "0"
	case err == nil && m.Kind == metric.Duration, err != nil && nanoseconds(f.Name):
		return number.Duration(v)
	case err == nil && m.Kind == metric.Rate:
		return number.Rate(v) + " jobs/s"
	}
	return number.Digits(v)
}

// nanoseconds reports whether the unit of a benchmark's metric is that.
func nanoseconds(name string) bool {
	_, unit := compare.SplitFigure(name)
	unit = strings.TrimSuffix(unit, "/op")
	return unit == "ns" || strings.HasSuffix(unit, "-ns")
}

// intervalOf is the interval of a change, or n/a.
func intervalOf(f paired.Figure) string {
	if f.Low == nil || f.High == nil {
		return number.None
	}
	return number.Change(*f.Low) + " to " + number.Change(*f.High)
}

// noiseOf is the noise of a metric, n/a where fewer than two pairs tell of it.
func noiseOf(f paired.Figure) string {
	if f.Pairs < 2 {
		return number.None
	}
	return number.Percent(f.Spread)
}

// word is what became of a metric.
func word(f paired.Figure) string {
	switch {
	case f.Pairs == 0:
		return number.None
	case f.Verdict == paired.Fail:
		return "worse"
	case f.Verdict == paired.Pass && f.Worse():
		return "worse, within the margin"
	case f.Verdict == paired.Pass:
		return "not worse"
	}
	return "undecided"
}

// comparisonTable is a row a metric.
func comparisonTable(r *compare.Record) table {
	t := table{head: []string{"metric", "gate", "baseline", "candidate", "change", "90% interval", "margin", "noise", "outcome"}, left: 2, words: map[int]bool{8: true}}
	for _, f := range r.Figures {
		row := []string{f.Name, when(f.Gate, "gate"), compared(f, f.Base), compared(f, f.Candidate), number.None, intervalOf(f), number.Percent(f.Margin), noiseOf(f), word(f)}
		switch {
		case f.Pairs == 0:
		case f.Base == 0 && f.Candidate > 0:
			row[4], row[5] = "from 0", number.None
		default:
			row[4] = number.Change(f.Change)
		}
		t.add(row...)
	}
	if r.Benchmarks != nil {
		t.head = append(t.head, "lines a run")
		for i, f := range r.Figures {
			t.rows[i] = append(t.rows[i], linesOf(r, f.Name))
		}
	}
	return t
}

// linesOf is of how many benchmark lines each figure is the median, of both
// sides where they differ.
func linesOf(r *compare.Record, figure string) string {
	base, candidate := linesOfSide(r, compare.Base, figure), linesOfSide(r, compare.Candidate, figure)
	if base == candidate {
		return base
	}
	return base + " / " + candidate
}

func linesOfSide(r *compare.Record, side compare.Side, figure string) string {
	least, most := 0, 0
	for _, run := range r.Runs {
		if n := run.Lines[figure]; run.Side == side && n > 0 {
			if least == 0 || n < least {
				least = n
			}
			most = max(most, n)
		}
	}
	if least == most {
		return number.Count(int64(most))
	}
	return number.Count(int64(least)) + "–" + number.Count(int64(most))
}

// remedies say what would decide the metrics that gate and are open.
func remedies(r *compare.Record) (out []string) {
	for _, f := range r.Figures {
		if !f.Gate || f.Verdict != paired.Inconclusive || f.Pairs == 0 || r.Verdict != paired.Inconclusive {
			continue
		}
		var ways []string
		if f.PairsNeeded > 0 && f.PairsNeeded <= 1000 {
			ways = append(ways, fmt.Sprintf("about %d pairs (%d more)", f.PairsNeeded, f.PairsNeeded-f.Pairs))
		}
		if f.MarginNeeded > f.Margin {
			ways = append(ways, fmt.Sprintf("a margin of about %s", number.Percent(f.MarginNeeded)))
		}
		if len(ways) > 0 {
			out = append(out, fmt.Sprintf("%s would be decided by %s", f.Name, strings.Join(ways, " or ")))
		}
	}
	return out
}

// comparisonText writes what a terminal shows after a comparison.
func comparisonText(r *compare.Record) (string, error) {
	t := &page{o: Options{Width: 120}}
	t.b.WriteString(capital(comparisonTitle(r)) + ".\n")
	for _, reason := range r.Reasons {
		t.b.WriteString("  " + plain(reason) + "\n")
	}
	t.b.WriteString("\n")
	t.table(comparisonTable(r))
	t.b.WriteString("\n")
	t.facts(comparisonFacts(r))
	for _, remedy := range remedies(r) {
		t.b.WriteString("\nhint: " + plain(remedy))
	}
	if len(remedies(r)) > 0 {
		t.b.WriteString("\n")
	}
	t.cautions(r.Warnings)
	return t.b.String(), nil
}

// comparisonMarkdown writes the comparison for a pull request: the verdict and
// the figures first, what else there is folded behind them.
func comparisonMarkdown(r *compare.Record) (string, error) {
	m := &sheet{}
	m.para("### %s queuedyno: %s", sign(r.Verdict), escape(comparisonTitle(r)))
	m.list(each(r.Reasons, escape))
	t := comparisonTable(r)
	for _, row := range t.rows {
		name := code(row[0])
		copy(row, each(row, escape))
		if row[0] = name; row[8] == "worse" {
			row[8] = "**worse**"
		}
	}
	m.table(t)
	m.list(each(remedies(r), escape))
	m.list(each(r.Warnings, escape))
	m.para("<details><summary>What was compared, and how</summary>")
	m.facts(comparisonFacts(r))
	m.para("%s", strings.TrimSpace(methodOf(r)+" "+meaningOf(r)))
	m.para("</details>")
	return m.text(), nil
}

// sign is a mark that stands out.
func sign(v paired.Verdict) string {
	return cmp.Or(map[paired.Verdict]string{paired.Pass: "✅", paired.Fail: "❌"}[v], "⚪")
}

// meaningOf says what the verdict means and how often it errs.
func meaningOf(r *compare.Record) string {
	return map[paired.Verdict]string{
		paired.Pass: "If some metric is worse by its margin or more, at most about 5% of such comparisons pass.",
		paired.Fail: "If no metric is worse by more than its margin, at most about 5% of such comparisons fail; if nothing changed, hardly any do.",
	}[r.Verdict]
}

// methodOf says how the runs of this comparison came about, and how it decides.
func methodOf(r *compare.Record) string {
	looks := cmp.Or(when(len(r.Looks) == 1, "one look"), "few planned interim looks")
	return madeHow(r) + " Each run gives one figure for each metric. The exact signed-rank test on the logarithms of the pairs' ratios decides on which side of the margin they lie " +
		"(failing: Holm's correction; passing: every gating metric; " + looks + "). The change is the Hodges-Lehmann estimate; noise is the robust standard deviation of a pair's ratio."
}

// madeHow says how the runs were made, as far as this comparison controlled it.
func madeHow(r *compare.Record) string {
	const turns = "Baseline and candidate run alternately in pairs, in random order, "
	switch {
	case r.Stored:
		return "The runs are stored results, paired by time. Their arrivals, servers and processes were not controlled by this comparison."
	case r.Base.Settings["cmd"] != "":
		return turns + "with the same seed within a pair and a fresh process for each run."
	case r.Base.Redis.Kind == "url" && r.Candidate.Redis.Kind == "url":
		return turns + "with the same arrivals within a pair and a fresh process for each run, on existing servers."
	case r.Base.Redis.Kind == "url" || r.Candidate.Redis.Kind == "url":
		return turns + "with the same arrivals within a pair and a fresh process for each run; one side used an existing server, the other a fresh server for each run."
	}
	return turns + "with the same arrivals within a pair and a fresh server and process for each run."
}
