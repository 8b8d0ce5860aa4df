package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// seen is what was observed, in a few sentences.
func seen(r *result.Result) string {
	o, running := r.Observed, summary(r, metric.Running)
	return joined("; ",
		"Observed for "+measuredFor(r),
		fmt.Sprintf("%s ended, %s a second", number.Plural(r.Window.Completed, "job"), number.Rate(r.Rates.AchievedPerS)),
		when(o.Updates.Failed > 0, number.Plural(o.Updates.Failed, "job")+" failed"),
		when(running.Count > 0, briefWords(metric.Running, running, "")),
		seenBacklog(o.Backlog),
	) + "."
}

// seenBacklog says how the length of the queue developed, or nothing if it is
// unknown.
func seenBacklog(b result.ObservedBacklog) string {
	if b.Last == nil {
		return ""
	}
	words := fmt.Sprintf("%s waiting at the end", number.Plural(*b.Last, "job"))
	switch {
	case b.PerS == nil:
	case b.DrainS != nil && *b.Last > 0:
		words += fmt.Sprintf(", %s fewer a second: empty in %s", number.Rate(-*b.PerS), number.Span(time.Duration(*b.DrainS*float64(time.Second)).Round(time.Second)))
	case *b.PerS > 0:
		words += fmt.Sprintf(", %s more a second", number.Rate(*b.PerS))
	}
	return words
}

// outsideWords say what running means, if workers publish RUNNING.
func outsideWords(r *result.Result) string {
	if r.Stages[metric.Running] == nil {
		return "No worker published RUNNING, so the running time of jobs is unknown."
	}
	return "running is the time from RUNNING to COMPLETED or FAILED, as received here. Only the producer knows when a job was due and what was lost."
}

// observed writes what was heard, instead of the ledger.
func (t *page) observed(r *result.Result) {
	t.b.WriteByte('\n')
	var words []string
	for _, row := range heard(r) {
		if row.n > 0 || row.always {
			words = append(words, number.Count(row.n)+" "+row.name)
		}
	}
	t.para(bold, "updates ", strings.Join(append(words, number.Plural(r.Ledger.Count("errors"), "error")), ", "))
	if b := r.Observed.Backlog; b.Max != nil {
		text := fmt.Sprintf("at most %s waited", number.Plural(*b.Max, "job"))
		if b.Mean != nil {
			text += fmt.Sprintf(", %s on average", number.Digits(*b.Mean))
		}
		if a := r.Observed.ArrivedPerS; a != nil {
			text += fmt.Sprintf("; about %s jobs/s arrived", number.Rate(*a))
		}
		t.para(bold, "backlog ", text)
	}
}

// heardRow is a kind of update, or of what became of the jobs behind it.
type heardRow struct {
	name    string
	n       int64
	meaning string
	always  bool
}

func heard(r *result.Result) []heardRow {
	o := r.Observed
	u := o.Updates
	return []heardRow{
		{"RUNNING", u.Running, "a worker began a job", true},
		{"COMPLETED", u.Completed, "a job completed", true},
		{"FAILED", u.Failed, "a job failed", true},
		{"of another status", u.Other, "updates with any other status", false},
		{"unreadable", u.Unreadable, "messages that are not updates", false},
		{"ended without RUNNING", o.Alone, "jobs without a RUNNING update; they count as infinitely long", false},
		{"still running", o.Open, "jobs still running at the end of the run; they count as infinitely long", false},
		{"forgotten", o.Forgotten, "jobs that began too long ago to be remembered", false},
	}
}

// observed writes what was heard, instead of where the jobs went.
func (m *sheet) observed(r *result.Result) {
	m.para("## Updates")
	t := table{head: []string{"updates and jobs", "count", "meaning"}, left: 1, words: map[int]bool{2: true}}
	for _, row := range heard(r) {
		t.add(row.name, number.Count(row.n), row.meaning)
	}
	t.add("errors", number.Count(r.Ledger.Count("errors")), "error replies and broken connections")
	m.table(t)
	o, b := r.Observed, r.Observed.Backlog
	t = table{head: []string{"the queue in the window", "value"}, left: 1}
	jobs := func(n float64) string { return number.Plural(int64(n), "job") }
	for _, row := range []struct {
		name    string
		v       *float64
		written func(float64) string
		unit    string
	}{
		{"waiting on average", b.Mean, number.Digits, " jobs"},
		{"waiting in the first second", whole(b.First), jobs, ""},
		{"waiting at the end", whole(b.Last), jobs, ""},
		{"most, warm-up included", whole(b.Max), jobs, ""},
		{"growth", b.PerS, number.Digits, " jobs/s"},
		{"empty in", b.DrainS, number.Digits, " s"},
		{"arrivals, about", o.ArrivedPerS, number.Digits, " jobs/s"},
	} {
		if row.v != nil {
			t.add(row.name, row.written(*row.v)+row.unit)
		}
	}
	if len(t.rows) == 0 {
		m.para("The length of the queue is unknown.")
		return
	}
	m.table(t)
}

// observedMethod says how the figures came about.
func (m *sheet) observedMethod(r *result.Result) {
	m.para("The load and the workers are external. This run subscribed to their updates and polled the length of their queue; it pushed and took no jobs. " +
		"Redis counts it among the receivers of each update.")
	m.meanings(r)
	m.para("A job belongs to the window, from %s to %s, by the time at which its end was received.",
		number.Span(time.Duration(r.Window.FromNS)), number.Span(time.Duration(r.Window.ToNS)))
	m.para("An observer cannot know when jobs were due, how long they waited, and which were lost. " +
		"Arrivals are the jobs that ended plus the growth of the queue; a change in the number of running jobs is not included.")
	m.para("Quantiles are nearest rank over the observed jobs. A job whose beginning or end was missed counts as infinitely long in `running`, since it may be the longest of all. " +
		"A quantile among those, or with fewer than ten jobs above it, is n/a. Histograms have three significant digits.")
}

// headlineWords name the headline in a caption.
func headlineWords(s metric.Stage) string {
	if s == metric.EndToEnd {
		return "end_to_end latency"
	}
	return string(s)
}
