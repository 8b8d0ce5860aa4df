package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// runText writes the result for a terminal: what was run, whether to believe it,
// the stages, where the jobs went, thresholds, warnings.
func runText(r *result.Result, o Options) string {
	o.Width = max(60, cmp.Or(o.Width, 80))
	t := &page{o: o}
	t.head(r)
	t.stages(r)
	t.breakdown(r)
	t.shards(r)
	t.ledger(r)
	t.faults(r)
	t.thresholds(r)
	t.warnings(r)
	return t.b.String()
}

// ink is an ANSI style.
type ink string

const (
	bold   ink = "1"
	faint  ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
	noInk  ink = ""
)

// page is a text report in the making.
type page struct {
	o Options
	b strings.Builder
}

func (t *page) paint(c ink, s string) string {
	if !t.o.Color || c == noInk {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// table writes a table, and what its marks refer to.
func (t *page) table(shown table) {
	for i, line := range shown.lines(t.o.Width) {
		switch {
		case i == 0:
			line = t.paint(faint, line)
		case shown.strong != "" && shown.rows[i-1][0] == shown.strong:
			line = t.paint(bold, line)
		}
		t.b.WriteString(line + "\n")
	}
	for i, reason := range shown.notes {
		t.para(noInk, superscript(i+1)+" ", reason)
	}
}

// facts writes pairs, one a line.
func (t *page) facts(all facts) {
	width := 0
	for _, f := range all {
		width = max(width, len(f[0]))
	}
	for _, f := range all {
		fmt.Fprintf(&t.b, "  %-*s  %s\n", width, plain(f[0]), plain(f[1]))
	}
}

// cautions writes the warnings of a study, each as a line behind an empty one.
func (t *page) cautions(warnings []string) {
	for _, warning := range warnings {
		t.b.WriteString("\nwarning: " + plain(warning) + "\n")
	}
}

// heading writes the title of a part behind an empty line.
func (t *page) heading(title string) { t.b.WriteString("\n" + t.paint(bold, title) + "\n") }

// para writes text, wrapped behind first; first is painted.
func (t *page) para(c ink, first, text string) {
	for i, line := range hanging(first, text, t.o.Width) {
		if i == 0 && strings.TrimSpace(first) != "" {
			line = t.paint(c, strings.TrimRight(first, " ")) + line[len(strings.TrimRight(first, " ")):]
		}
		t.b.WriteString(line + "\n")
	}
}

func (t *page) head(r *result.Result) {
	t.para(noInk, "", r.Run.Scenario+" against "+againstWords(r.Scenario, r.Redis, r.Postgres))
	t.para(noInk, "  ", loadWords(r.Scenario)+"; "+poolWords(r.Scenario)+workerWords(r))
	t.b.WriteByte('\n')
	c := cmp.Or(map[string]ink{result.Valid: green, result.Suspect: yellow}[verdict(r)], red)
	first := strings.ToUpper(verdict(r)) + ": "
	reasons := reasonsOf(r)
	for i, reason := range reasons {
		text := sentence(reason)
		if i < len(reasons)-1 && strings.HasSuffix(text, ".") {
			text = strings.TrimSuffix(text, ".") + ";"
		}
		t.para(c, first, text)
		first = strings.Repeat(" ", len(first))
	}
	if len(r.Validity.Reasons) > 0 {
		t.para(noInk, "", answer(r))
	} else {
		t.para(c, first, answer(r))
	}
	if where := triageWords(r.Validity); where != "" {
		t.para(noInk, "", "Where the time goes: "+sentence(where))
	}
	if word, why := ending(r); word != "" {
		t.para(yellow, strings.ToUpper(word)+": ", sentence(why))
	}
}

func (t *page) stages(r *result.Result) {
	t.b.WriteByte('\n')
	t.table(stageTable(r, "p50", "p90", "p99", "p99.9", "max"))
	if r.Observed != nil {
		t.para(noInk, "", outsideWords(r))
		return
	}
	t.para(noInk, "", "end_to_end runs from the moment a job was due until "+endWords(r.Scenario)+".")
	if l := r.Scenario.Load; l.Closed() {
		t.para(noInk, "", fmt.Sprintf("Closed loop: these are latencies @%d in flight, not latencies at a rate.", l.InFlight))
	}
}

func (t *page) ledger(r *result.Result) {
	if r.Observed != nil {
		t.observed(r)
		return
	}
	l := r.Ledger
	words := []string{
		number.Count(l.Scheduled) + " scheduled", number.Count(l.Sent) + " sent", number.Count(l.Notified) + " " + arrivedWord(r.Scenario), number.Count(l.Lost) + " lost",
	}
	if legs := losses(l); len(legs) > 0 {
		words[3] += " (" + lostWords(legs, l.LostByLeg) + ")"
	}
	for _, row := range ledger.Rows() {
		if n := l.Count(row.Key); n != 0 && row.Unusual {
			words = append(words, number.Count(n)+" "+row.Name)
		}
	}
	if l.Prefilled > 0 {
		words[0] += " (" + number.Count(l.Prefilled) + " of them prefilled)"
	}
	errs := number.Plural(l.Count("errors"), "error")
	if len(l.Errors) > 0 {
		errs += " (" + counted(sortedKeys(l.Errors), l.Errors) + ")"
	}
	t.b.WriteByte('\n')
	t.para(bold, "jobs    ", strings.Join(append(words, errs), ", "))
	t.para(bold, "window  ", windowWords(r.Window))
	if r.Host.CPUs > 0 {
		t.para(bold, "host    ", hostWords(r.Host))
	}
	if words := joined("; ", peakWords(r), recoveryWords(r)); words != "" {
		t.para(bold, "backlog ", words)
	}
	if words := cpuWords(func(name string) *float64 { return r.Scalars[name] }); words != "" {
		t.para(bold, "CPU     ", words)
	}
	t.postgres(r.Postgres)
}

func (t *page) thresholds(r *result.Result) {
	if len(r.Thresholds) == 0 {
		return
	}
	t.heading("thresholds")
	for _, o := range r.Thresholds {
		c, word := green, "pass"
		switch {
		case o.Undecided:
			c, word = yellow, "UNDECIDED"
		case o.Failed():
			c, word = red, "FAIL"
		}
		t.para(c, "  "+word+"  ", joined(": ", o.Expr, o.Reason))
	}
}

func (t *page) warnings(r *result.Result) {
	warnings := warningsOf(r)
	if len(warnings) > 0 {
		t.b.WriteByte('\n')
	}
	for _, w := range warnings {
		t.para(yellow, "warning: ", w)
	}
}
