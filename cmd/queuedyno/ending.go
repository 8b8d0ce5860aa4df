package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
)

// ending is how one scenario came out: the exit code that it asks for, what is
// to be said about it, and its line in the summary.
type ending struct {
	name   string
	code   int
	faults []fault
	words  string // the outcome in a word or two
	dir    string
	result *result.Result
	// undecided says that nothing is wrong but thresholds that the run could not
	// decide. A threshold that failed is worse.
	undecided bool
}

// undecidedHint is the remedy for a threshold that the run could not decide.
const undecidedHint = "run for longer or at a higher rate, or set a limit on a metric that this run has"

// rank orders endings as [rank] does codes.
func (e ending) rank() float64 {
	if e.undecided {
		return float64(rank(exitThreshold)) - 0.5
	}
	return float64(rank(e.code))
}

// rank orders exit codes. The worst ending decides, and whether the figures can
// be believed comes before what they say.
func rank(code int) int {
	for i, c := range []int{exitOK, exitThreshold, exitRegression, exitInvalid, exitInterrupted, exitFailed, exitUsage} {
		if c == code {
			return i
		}
	}
	return -1
}

// endingOf judges a run that began. err is what Run returned with the result.
// allowInvalid lets an invalid run pass; what it says of its thresholds decides
// nothing then.
func endingOf(r *result.Result, err error, signalled, allowInvalid bool) ending {
	e := ending{name: r.Run.Scenario, result: r}
	say := func(code int, words, what, hint string) ending {
		e.code, e.words = code, words
		e.faults = append(e.faults, fault{e.name + ": " + what, hint})
		return e
	}
	stopped := signalled && (err == nil || errors.Is(err, context.Canceled))
	switch {
	case !stopped && (err != nil || r.Run.Failed):
		f := fault{what: r.Run.Error}
		if err != nil {
			f = faultOf(err)
		}
		return say(exitFailed, "failed", "the run failed: "+f.what, f.hint)
	case stopped || r.Run.Interrupted:
		return say(exitInterrupted, "interrupted", "interrupted; the result covers what ran until then", "")
	case r.Run.Aborted != "":
		for _, t := range r.Thresholds {
			if t.Expr == r.Run.Aborted {
				return say(exitThreshold, "aborted", fmt.Sprintf("threshold %q ended the run: %s", t.Expr, t.Reason), "")
			}
		}
		return say(exitThreshold, "aborted", stopreason.Words(r), "")
	case r.Validity.Verdict == result.Invalid && allowInvalid && r.Window.Completed > 0:
		e.words = "invalid, allowed"
		return e
	case r.Validity.Verdict == result.Invalid:
		return say(exitInvalid, "invalid", "the run is invalid: "+firstOf(r.Validity.Reasons), emptyHint(r))
	}
	failed, undecided := 0, 0
	for _, t := range r.Thresholds {
		if t.Undecided {
			undecided++
			say(exitInvalid, "threshold undecided", fmt.Sprintf("threshold %q is undecided: %s", t.Expr, t.Reason), undecidedHint)
		}
	}
	for _, t := range r.Thresholds {
		if t.Failed() {
			failed++
			say(exitThreshold, "threshold failed", fmt.Sprintf("threshold %q failed: %s", t.Expr, t.Reason), "")
		}
	}
	switch {
	case failed > 0:
		return e
	case undecided > 0 && r.Window.Completed > 0:
		e.undecided = true
		return e
	case r.Window.Completed == 0:
		return say(exitInvalid, "no job completed", "no job of the window was completed", emptyHint(r))
	}
	e.words = r.Validity.Verdict
	if len(r.Thresholds) > 0 {
		e.words += ", thresholds passed"
	}
	return e
}

// firstOf is the first of the reasons, which the report gives in full. One that
// is long is cut.
func firstOf(reasons []string) string {
	if len(reasons) == 0 {
		return "the report says why"
	}
	const most = 160
	first := []rune(reasons[0])
	if len(first) > most {
		cut := string(first[:most])
		if i := strings.LastIndexByte(cut, ' '); i > most/2 {
			cut = cut[:i]
		}
		first = []rune(cut + " …")
	}
	if n := len(reasons) - 1; n > 0 {
		return fmt.Sprintf("%s (and %d more in the report)", string(first), n)
	}
	return string(first)
}

// emptyHint is the remedy for a run that measured nothing.
func emptyHint(r *result.Result) string {
	switch {
	case r.Window.Completed > 0:
		return ""
	case r.Observed != nil && r.Observed.Updates.Messages() == 0:
		return "nothing was heard on the channel: are the workers alive? --channel says where they publish"
	case r.NotUnderstood != nil:
		return observe.Hint(r.NotUnderstood)
	case r.Observed != nil:
		return "updates were heard, and none of them was the end of a job in the time that was measured; look on for longer"
	case r.Scenario.Warmup > 0 && r.Ledger.Notified > 0:
		return fmt.Sprintf("every job was over within the warm-up of %s; give --warmup 0s, or a longer load", r.Scenario.Warmup)
	default:
		return "the ledger in the report says where the jobs were lost"
	}
}

// failedEnding is the ending of something that could not be done.
func failedEnding(name string, err error) ending {
	f := faultOf(err)
	if name != "" {
		f.what = name + ": " + f.what
	}
	return ending{name: name, code: exitFailed, words: "failed", faults: []fault{f}}
}

// but is the ending e of a run after which something else went wrong.
func (e ending) but(other ending) ending {
	e.faults = append(e.faults, other.faults...)
	if other.rank() > e.rank() {
		e.code, e.words, e.undecided = other.code, other.words, other.undecided
	}
	return e
}

// worst is the failure of all of them together, nil when all is well.
func worst(all []ending) error {
	f := &failure{}
	var top ending
	for _, e := range all {
		f.faults = append(f.faults, e.faults...)
		if e.rank() > top.rank() {
			top = e
		}
	}
	f.code = top.code
	if f.code == exitOK {
		return nil
	}
	return f
}

// row is the line of the summary, under the names of rowHead.
func (e ending) row() []string {
	row := []string{e.name, e.words, "", "", "", "", "", "", e.dir}
	r := e.result
	if r == nil {
		return row
	}
	at := ""
	if r.Scenario.Load.Closed() {
		at = fmt.Sprintf(" @%d", r.Scenario.Load.InFlight)
	}
	row[2] = thousands(round(r.Rates.AchievedPerS)) + " jobs/s"
	row[3], row[4] = "n/a", "n/a"
	if s := r.Stages[r.Scenario.Headline()]; s != nil {
		for i, q := range []*int64{s.P50NS, s.P99NS} {
			if q != nil {
				row[3+i] = short(time.Duration(*q)) + at
			}
		}
	}
	if row[5] = thousands(r.Ledger.Lost); r.Observed != nil {
		row[5] = "n/a" // nobody knows what there was
	}
	if cpu := r.Scalars["redis_cpu_per_job"]; cpu != nil {
		row[6] = short(time.Duration(*cpu))
	}
	if cpu := r.Scalars["worker_cpu_per_job"]; cpu != nil {
		row[7] = short(time.Duration(*cpu))
	}
	return row
}

// rowHead are the names of what is in a row.
func rowHead() []string {
	return []string{"scenario", "outcome", "achieved", "p50", "p99", "lost", "redis cpu/job", "worker cpu/job", "results"}
}

// summaryTable is the summary of several endings. What no run had has no column.
func summaryTable(endings []ending) [][]string {
	rows := [][]string{rowHead()}
	for _, e := range endings {
		rows = append(rows, e.row())
	}
	const worker = 7
	if !slices.ContainsFunc(rows[1:], func(row []string) bool { return row[worker] != "" }) {
		for i, row := range rows {
			rows[i] = slices.Delete(row, worker, worker+1)
		}
	}
	return rows
}
