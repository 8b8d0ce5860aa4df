package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/internal/webpage"
)

// staffingText writes what a terminal shows of a plan.
func staffingText(s *study.Staffing) (string, error) {
	t := &page{o: Options{Width: 100}}
	fmt.Fprintf(&t.b, "%s\n\n  service varies by %s, arrivals by %s (coefficients of variation)\n  SLO %s\n", staffingAnswer(s), number.Digits(s.ServiceCV), number.Digits(s.ArrivalCV), sloWords(s))
	for _, note := range s.Notes {
		fmt.Fprintf(&t.b, "  %s\n", plain(note))
	}
	if s.Stall > 0 {
		fmt.Fprintf(&t.b, "  everything stands still for %s every %s\n", number.Span(s.Stall), number.Span(s.StallEvery))
	}
	t.b.WriteString("\n")
	t.table(staffTable(s))
	for _, line := range notEnough(s) {
		t.b.WriteString(line + "\n")
	}
	fmt.Fprintf(&t.b, "\nWithout any worker for %s: %s.\n", number.Span(s.Outage.Length), outageWords(s.Outage))
	t.b.WriteString("The formula: " + formulaWords(s) + ".\n")
	if c := s.Check; c != nil {
		t.b.WriteString("\n" + checkWords(c))
	}
	return t.b.String(), nil
}

// staffingAnswer is the plan in a sentence.
func staffingAnswer(s *study.Staffing) string {
	if s.Workers == 0 {
		return fmt.Sprintf("No number of workers keeps %s at %s jobs/s of %s each.", sloWords(s), number.Rate(s.Rate), number.Duration(float64(s.Service)))
	}
	return fmt.Sprintf("%s for %s jobs/s of %s each (%s).", capital(number.Plural(s.Workers, "worker")), number.Rate(s.Rate), number.Duration(float64(s.Service)), plain(s.From))
}

// notEnough says of each number of workers that is not enough why.
func notEnough(s *study.Staffing) (lines []string) {
	for _, p := range s.Plans {
		if !p.Meets {
			are := "are"
			if p.Workers == 1 {
				are = "is"
			}
			lines = append(lines, fmt.Sprintf("%s %s not enough: %s.", number.Plural(p.Workers, "worker"), are, plain(p.Why)))
		}
	}
	return lines
}

// outageWords say what happens while no worker works.
func outageWords(o study.Outage) string {
	words := fmt.Sprintf("%s in the queue, about %s of memory in Redis", number.Plural(o.Jobs, "job"), bytesWords(o.Bytes))
	if o.Recovery > 0 {
		words += ", worked off in " + number.Span(o.Recovery.Round(time.Second))
	}
	return words
}

// staffingFacts are what a page shows of a plan besides its tables, as pairs.
func staffingFacts(s *study.Staffing) facts {
	all := facts{
		{"load", number.Rate(s.Rate) + " jobs/s"},
		{"service time", number.Duration(float64(s.Service)) + ", " + s.From},
		{"variation", fmt.Sprintf("service %s, arrivals %s (coefficients of variation)", number.Digits(s.ServiceCV), number.Digits(s.ArrivalCV))},
		{"SLO", sloWords(s)},
	}
	if s.Stall > 0 {
		all.add("stalls", fmt.Sprintf("everything stands still for %s every %s", number.Span(s.Stall), number.Span(s.StallEvery)))
	}
	if s.Outage.Length > 0 {
		all.add("without any worker for "+number.Span(s.Outage.Length), outageWords(s.Outage))
	}
	return all
}

// sloWords name all limits.
func sloWords(s *study.Staffing) string { return plain(strings.Join(s.SLO, " and ")) }

// quantiles are those of the limits, each once, with the place of the first limit
// on it.
func quantiles(s *study.Staffing) (names []string, at []int) {
	for i, slo := range s.SLO {
		quantile, _, _ := strings.Cut(strings.TrimPrefix(slo, "queue."), " ")
		if !slices.Contains(names, quantile) {
			names, at = append(names, quantile), append(at, i)
		}
	}
	return names, at
}

// formulaWords say how exact the figures are.
func formulaWords(s *study.Staffing) string {
	if s.Rough != "" {
		return s.Rough
	}
	words := "in this range simulation found the p99 of the wait within a sixth"
	names, _ := quantiles(s)
	others := slices.DeleteFunc(names, func(name string) bool { return name == "p99" })
	if len(others) > 0 {
		words += "; other quantiles (" + strings.Join(others, ", ") + ") were not held against it"
	}
	return words
}

// staffTable is a row a number of workers. Why one is not enough stands below it:
// a sentence in a column would leave the others no room.
func staffTable(s *study.Staffing) table {
	t := table{head: []string{"workers", "busy", "wait", "mean wait"}}
	names, at := quantiles(s)
	for _, name := range names {
		t.head = append(t.head, name+" wait")
	}
	t.head = append(t.head, "rate may rise by")
	if s.Stall > 0 {
		t.head = append(t.head, "delayed by stalls")
	}
	t.words = map[int]bool{len(t.head): true}
	t.head = append(t.head, "enough")
	for _, p := range s.Plans {
		row := []string{number.Count(int64(p.Workers)), number.Percent(p.Utilisation), number.Percent(p.WaitProbability), waitWords(p.MeanWait)}
		for _, i := range at {
			row = append(row, waitWords(waitAt(p, i)))
		}
		row = append(row, number.Percent(max(0, p.Burst)))
		if s.Stall > 0 {
			row = append(row, number.Percent(p.StallShare))
		}
		enough := "yes"
		if !p.Meets {
			enough = "no"
		}
		t.add(append(row, enough)...)
	}
	return t
}

// waitAt is the wait for a limit. A record that was cut short may lack it.
func waitAt(p study.Plan, limit int) time.Duration {
	if limit < len(p.Waits) {
		return p.Waits[limit]
	}
	return queueing.Unstable
}

func waitWords(d time.Duration) string {
	if d == queueing.Unstable {
		return "without end"
	}
	return number.Duration(float64(d))
}

// bytesWords is a number of bytes in the unit that suits it.
func bytesWords(n int64) string {
	for _, u := range []struct {
		name  string
		bytes float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if float64(n) >= u.bytes {
			return number.Digits(float64(n)/u.bytes) + " " + u.name
		}
	}
	return number.Plural(n, "byte")
}

func checkWords(c *study.Check) string {
	head := fmt.Sprintf("Checked with %s: %s.\n", number.Plural(c.Workers, "worker"), plain(c.Verdict))
	if c.Measured == 0 {
		return head
	}
	return head + fmt.Sprintf("  %s measured %s, predicted %s for the service time of %s that was measured (ratio %s)\n",
		c.Metric, number.Duration(float64(c.Measured)), number.Duration(float64(c.Predicted)), number.Duration(float64(c.Service)), number.Digits(c.Ratio))
}

// checkFacts are the check as pairs.
func checkFacts(c *study.Check) facts {
	all := facts{{"outcome", c.Verdict}, {"workers", number.Count(int64(c.Workers))}}
	if c.Measured == 0 {
		return all
	}
	all.add(c.Metric+", measured", number.Duration(float64(c.Measured)))
	all.add(c.Metric+", predicted", number.Duration(float64(c.Predicted)))
	all.add("ratio", number.Digits(c.Ratio))
	all.add("service time, measured", number.Duration(float64(c.Service)))
	return all
}

// staffingPage is the part of a page about a plan.
func staffingPage(s *study.Staffing) webpage.Document {
	d := webpage.Document{Title: "How many workers", Answer: staffingAnswer(s), Warnings: each(s.Notes, plain), Figures: staffingFigures(s)}
	switch {
	case s.Workers == 0:
		d.Verdict = string(paired.Fail)
	case s.Check != nil && s.Check.Fits:
		d.Verdict = string(paired.Pass)
	case s.Check != nil:
		d.Verdict = string(paired.Inconclusive)
	}
	section := webpage.Section{ID: "workers", Title: "Workers and wait", Tables: []webpage.Table{staffTable(s).cells(plain).web("")}}
	if c, ok := waitChart(s); ok {
		section.Charts = []webpage.Chart{c}
	}
	section.Tables[0].Notes = notEnough(s)
	d.Sections = []webpage.Section{section}
	if s.Check != nil {
		check := factSection(checkFacts(s.Check), "")
		check.ID, check.Title = "check", "Check against a run"
		d.Sections = append(d.Sections, check)
	}
	d.Sections = append(d.Sections, factSection(staffingFacts(s), "Queueing theory (Erlang C, Allen-Cunneen): "+formulaWords(s)+"."))
	return d
}

// waitChart shows the waits of the limits against the number of workers.
func waitChart(s *study.Staffing) (webpage.Chart, bool) {
	c := webpage.Chart{
		ID: "waits", Title: "Wait in the queue", Kind: webpage.Number, XName: "workers", Unit: webpage.Nanoseconds,
		Note: "Where there is no point, the queue grows without end.",
	}
	v := webpage.Variant{}
	names, at := quantiles(s)
	for k, name := range names {
		wait, limit := webpage.Series{Name: name + " wait", Style: webpage.Line}, webpage.Series{Name: name + " limit", Style: webpage.Line}
		for _, p := range s.Plans {
			x := float64(p.Workers)
			wait.X, wait.Y = append(wait.X, x), append(wait.Y, finite(waitAt(p, at[k])))
			limit.X, limit.Y = append(limit.X, x), append(limit.Y, limitOf(s.SLO[at[k]]))
		}
		v.Series = append(v.Series, wait, limit)
	}
	c.Variants = []webpage.Variant{v}
	return c, len(s.Plans) > 1 && len(v.Series) > 0
}

// finite is a wait as a chart takes it, null for one without end.
func finite(d time.Duration) *float64 {
	if d == queueing.Unstable {
		return nil
	}
	return new(float64(d))
}

// limitOf is the limit in a threshold, null for one that cannot be read.
func limitOf(slo string) *float64 {
	t, err := threshold.Parse(slo)
	if err != nil {
		return nil
	}
	return new(t.Value)
}
