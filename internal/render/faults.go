package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// faultTable is a row for each fault: when it was on, what it did to the jobs, and how
// long until everything was as before.
func faultTable(r *result.Result) table {
	t := table{head: []string{"fault", "began", "lasted", "noticed", "flowing", "drained", "recovered", "affected", "lost", "dup"}, left: 1}
	for _, f := range r.Faults {
		row := []string{faultWords(f)}
		if f.BeganNS == nil {
			why := cmp.Or(f.Error, "the load was over")
			t.add(append(row, t.mark("it did not happen: "+why), "", "", "", "", "", "", "", "")...)
			continue
		}
		row = append(row, seconds(*f.BeganNS))
		lasted := ""
		if f.EndedNS != nil && *f.EndedNS > *f.BeganNS && lasts(f) {
			lasted = number.Duration(float64(*f.EndedNS - *f.BeganNS))
		}
		row = append(row, lasted)
		for _, figure := range []struct {
			name string
			ns   *int64
		}{{"noticed", f.NoticedNS}, {"flowing", f.FlowingNS}, {"drained", f.DrainedNS}, {"recovered", f.RecoveredNS}} {
			row = append(row, t.figure(whole(figure.ns), number.Duration, whyNoFigure(f.Why[figure.name])))
		}
		row = append(row, t.figure(whole(f.Affected), number.Plain, whyNoFigure(f.Why["affected"])))
		t.add(append(row, number.Count(f.Lost), number.Count(f.Duplicated))...)
	}
	return t
}

// lasts reports whether a fault has a length: a planned one, or that of a failover.
func lasts(f result.Fault) bool { return f.UntilNS != nil || f.Kind == scenario.FailoverFault }

// seconds is a moment of the run.
func seconds(ns int64) string { return fmt.Sprintf("%.3f s", float64(ns)/1e9) }

// faultWords are the name of a fault, if it has one, and what happens, without its time.
func faultWords(f result.Fault) string {
	_, what, _ := strings.Cut(f.Fault, ":")
	kind, rest, _ := strings.Cut(what, "=")
	if f.Name == "" {
		return kind + " " + rest
	}
	return f.Name + ": " + kind + " " + strings.TrimSuffix(rest, ",name="+f.Name)
}

// faultName is what a fault is called where there is little room.
func faultName(f result.Fault) string { return cmp.Or(f.Name, faultWords(f)) }

// whyNoFigure is the reason for which a figure of a fault is missing.
func whyNoFigure(reason string) string {
	return cmp.Or(map[string]string{
		"few_jobs_before": "too few jobs ended before the fault to compare with (it takes 1,000)",
		"unnoticed":       "no error, and no long gap between notifications",
		"few_jobs":        "too few jobs ended after it",
		"next_fault":      "the next fault began before that",
		"run_ended":       "the load ended before that",
	}[reason], "not measured")
}

// faultNote says how to read the table.
const faultNote = "noticed counts from the begin of a fault, until the first error or a long gap between notifications; flowing, drained and recovered count from its end, " +
	"until notifications come as fast as jobs are due, the backlog is as before, and the p99 is at most 1.5 times that before."

// faultDetails are sentences on what became of the jobs, for faults that lost any or met
// errors.
func faultDetails(r *result.Result) (all []string) {
	for _, f := range r.Faults {
		var words []string
		if f.Error != "" && f.BeganNS != nil {
			words = append(words, f.Error)
		}
		if f.Lost > 0 {
			legs := slices.DeleteFunc(result.Legs(), func(leg result.Leg) bool { return f.LostByLeg[leg] <= 0 })
			words = append(words, "lost "+lostWords(legs, f.LostByLeg))
		}
		if f.Refused+f.Unknown > 0 {
			words = append(words, fmt.Sprintf("of the pushes under way, %s were refused and %s had no answer, of which %s arrived", number.Count(f.Refused), number.Count(f.Unknown), number.Count(f.Found)))
		}
		if len(f.Errors) > 0 {
			words = append(words, "errors: "+counted(sortedKeys(f.Errors), f.Errors))
		}
		if len(words) > 0 {
			all = append(all, fmt.Sprintf("%s at %s: %s.", faultWords(f), number.Span(time.Duration(f.AtNS)), strings.Join(words, "; ")))
		}
	}
	return all
}

func (t *page) faults(r *result.Result) {
	if len(r.Faults) == 0 {
		return
	}
	t.heading("faults")
	t.table(faultTable(r))
	for _, words := range faultDetails(r) {
		t.para(noInk, "", words)
	}
	t.para(noInk, "", faultNote)
}

func (m *sheet) faults(r *result.Result) {
	if len(r.Faults) == 0 {
		return
	}
	m.para("## Faults")
	m.table(faultTable(r).columns(escape))
	m.list(each(faultDetails(r), escape))
	m.para("%s", faultNote)
}

// faultSection shows what the faults did.
func faultSection(r *result.Result) webpage.Section {
	if len(r.Faults) == 0 {
		return webpage.Section{}
	}
	t := faultTable(r).web("")
	t.Notes = append(t.Notes, each(faultDetails(r), plain)...)
	return webpage.Section{ID: "faults", Title: "Faults", Note: faultNote, Tables: []webpage.Table{t}}
}

// faultMarks are the faults on a time axis.
func faultMarks(r *result.Result) (marks []webpage.Mark) {
	for _, f := range r.Faults {
		if f.BeganNS == nil {
			continue
		}
		m := webpage.Mark{From: float64(*f.BeganNS) / 1e9, To: float64(*f.BeganNS) / 1e9, Label: faultName(f), Planned: true}
		switch n := len(r.Timeline); {
		case !lasts(f):
		case f.EndedNS != nil:
			m.To = float64(*f.EndedNS) / 1e9
		case n > 0: // it is on
			m.To = max(m.From, r.Timeline[n-1].ElapsedS)
		}
		marks = append(marks, m)
	}
	return marks
}

// faultCell names the faults that are on in a row of the timeline.
func faultCell(r *result.Result, s result.Second) string {
	var on []string
	for _, f := range r.Faults {
		if f.During(s.ElapsedS-s.LengthS, s.ElapsedS) {
			on = append(on, faultName(f))
		}
	}
	return strings.Join(on, "; ")
}
