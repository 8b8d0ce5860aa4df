package render

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
)

// Page writes documents of one kind as one HTML page. A page of several begins with a
// table of their answers, verdicts and key figures. It writes the whole page or, when the
// error is not the writer's, nothing.
func Page(w io.Writer, documents ...Document) error {
	if len(documents) == 0 {
		return errors.New("write HTML report: there is no document")
	}
	p := webpage.Page{Figures: documents[0].kind.Figures()}
	for _, d := range documents {
		if d.kind != documents[0].kind {
			return fmt.Errorf("write HTML report: %s and %s do not share a page", documents[0].kind.Words(), d.kind.Words())
		}
		part, err := d.page(len(documents))
		if err != nil {
			return fmt.Errorf("write HTML report: %w", err)
		}
		p.Documents = append(p.Documents, part)
	}
	p.Title = "queuedyno: " + p.Documents[0].Title
	if n := len(documents); n > 1 {
		p.Title += fmt.Sprintf(" and %d more", n-1)
	}
	if err := webpage.Write(w, p); err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

// html is the format that every kind has: the document as one HTML file.
func (d Document) html() format {
	return format{"html", func(Options) (string, error) {
		var b strings.Builder
		err := Page(&b, d)
		return b.String(), err
	}}
}

// htmlFile is the file of that name with the page of the document.
func (d Document) htmlFile(name string) File {
	return File{name, func(w io.Writer) error { return Page(w, d) }}
}

// only is the part of a page that is the same however many share it.
func only[R Record](page func(R) webpage.Document, record R) func(int) (webpage.Document, error) {
	return func(int) (webpage.Document, error) { return page(record), nil }
}

func runFigures(r *result.Result) []string {
	row := []string{number.Rate(r.Rates.AchievedPerS) + " jobs/s"}
	for _, f := range []string{"p50", "p99", "max"} {
		row = append(row, number.Of(summary(r, r.Scenario.Headline()).Figure(f), number.Duration))
	}
	lost, started := number.Count(r.Ledger.Lost), number.None
	if r.Observed != nil {
		lost = number.None // how many there were is unknown
	}
	if at := r.Run.StartedAt; !at.IsZero() {
		started = at.UTC().Format("2006-01-02 15:04:05Z")
	}
	return append(row, lost, started)
}

func comparisonFigures(r *compare.Record) []string {
	row := []string{number.Count(int64(r.Pairs))}
	for _, name := range []string{string(metric.EndToEnd) + ".p50", string(metric.EndToEnd) + ".p99", "achieved_rate"} {
		change := number.None
		for _, f := range r.Figures {
			if f.Name == name && f.Pairs > 0 && f.Base != 0 {
				change = number.Change(f.Change)
			}
		}
		row = append(row, change)
	}
	return row
}

func searchFigures(r *study.Record) []string {
	rate := number.None
	if len(r.Vary) == 0 && r.Answer.Rate > 0 {
		rate = number.Rate(r.Answer.Rate)
	}
	trials := len(r.Trials)
	for _, c := range r.Cells {
		trials += len(c.Trials)
	}
	return []string{rate, number.Count(int64(trials)), plain(strings.Join(r.SLO, ", "))}
}

func calibrationFigures(c *compare.Calibration) []string {
	row := []string{number.Count(int64(c.Pairs)), number.None, number.None}
	if c.Resampled.Comparisons > 0 {
		row[1] = number.Percent(c.Resampled.Fail)
	}
	if name, widest := c.Widest(); name != "" {
		row[2] = fmt.Sprintf("%s, %s", number.Percent(widest.Margin), plain(name))
	}
	return row
}

func staffingFigures(s *study.Staffing) []string {
	workers := number.None
	if s.Workers > 0 {
		workers = number.Count(int64(s.Workers))
	}
	return []string{workers, number.Rate(s.Rate), number.Duration(float64(s.Service))}
}

// LiveRows is how many rows of a timeline a page shows apart from each other. A live
// page is given at most so many.
const LiveRows = maxSteps

// running is the badge of what goes on.
const running = "running"

// Webpage is the document of report.html. Records of a kind that has no HTML have none.
func (d Document) Webpage() (webpage.Document, error) {
	if d.page == nil {
		return webpage.Document{}, fmt.Errorf("%s has no web page", d.kind.Words())
	}
	return d.page(1)
}

// Progress is how far something is that goes on.
type Progress struct {
	// State is that in one sentence.
	State string
	// Steps are what has been done so far, one line each.
	Steps []string
	// Added are the last rows of the timeline of a run, where the charts are to hold no
	// others: those before are on the page. nil means all.
	Added []result.Second
}

// Running is the document of something that goes on, from its record so far.
func (d Document) Running(p Progress) (webpage.Document, error) {
	if r, run := d.record.(*result.Result); run {
		return runningDocument(r, p), nil
	}
	page, err := d.Webpage()
	page.Verdict, page.Answer, page.Reasons = running, plain(capital(p.State)), nil
	page.Sections = slices.DeleteFunc(page.Sections, func(s webpage.Section) bool {
		return len(s.Charts) == 0 && !slices.ContainsFunc(s.Tables, func(t webpage.Table) bool { return len(t.Rows) > 0 })
	})
	if len(p.Steps) > 0 {
		var steps facts
		for i, step := range p.Steps {
			steps.add(fmt.Sprint(i+1), step)
		}
		page.Sections = append([]webpage.Section{{ID: "steps", Title: "So far", Tables: steps.web()}}, page.Sections...)
	}
	return page, err
}

// runningDocument is a run that goes on, of which the result holds what is known.
func runningDocument(r *result.Result, p Progress) webpage.Document {
	d := webpage.Document{Title: plain(r.Run.Scenario), Verdict: running, Answer: plain(capital(p.State))}
	for _, t := range r.Thresholds {
		if t.Failed() {
			d.Reasons = append(d.Reasons, plain("Threshold failing now: "+t.Expr+": "+sentence(t.Reason)))
		}
	}
	for _, reason := range r.Validity.Reasons {
		d.Reasons = append(d.Reasons, plain("If the run ended now it would not be valid: "+sentence(reason)))
	}
	charts := runPage{only: p.Added}
	sections := []webpage.Section{charts.latencySection(r), stageSection(r), charts.loadSection(r)}
	if r.Observed == nil {
		sections = append(sections, jobSection(r))
	}
	for _, s := range append(sections, thresholdSection(r, "now", standing), settingSection(r)) {
		d.Sections = append(d.Sections, some(s)...)
	}
	return d
}

// standing is how a threshold stands while a run goes on.
func standing(o result.Threshold) string {
	switch {
	case o.Passed:
		return "passing"
	case o.Undecided:
		return "undecided"
	}
	return "failing"
}

// settingSection shows what is known of a run before it ends.
func settingSection(r *result.Result) webpage.Section {
	var all facts
	all.some("load", loadWords(r.Scenario))
	all.some("pools", poolWords(r.Scenario)+workerWords(r))
	all.some("run", r.Run.ID)
	all.some("started", stamp(r.Run.StartedAt))
	if r.Run.Seed != 0 {
		all.add("seed", fmt.Sprint(r.Run.Seed))
	}
	for _, k := range sortedKeys(r.Run.Tags) {
		all.some("tag "+k, r.Run.Tags[k])
	}
	all.some("worker", r.Run.Worker)
	all.some("redis", r.Redis.Address)
	if r.Host.CPUs > 0 {
		all.add("host", fmt.Sprintf("%s/%s, %s", r.Host.OS, r.Host.Arch, number.Plural(r.Host.CPUs, "CPU")))
	}
	return webpage.Section{ID: "environment", Title: "How and where", Tables: all.web()}
}
