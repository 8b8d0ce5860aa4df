// Package outcome is how a scenario came out: its exit code, what is reported about it,
// and the directory that keeps its result.
package outcome

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
)

// Outcome is how one scenario came out: the exit code that it asks for, what is
// to be said about it, and its line in the summary.
type Outcome struct {
	Name     string
	Code     int
	Problems problem.List
	Words    string // the outcome in a word or two
	Dir      string
	Result   *result.Result
	// undecided says that nothing is wrong but thresholds that the run could not
	// decide. A threshold that failed is worse.
	undecided bool
}

// undecidedHint is the remedy for a threshold that the run could not decide.
const undecidedHint = "run longer or at a higher rate, or set a threshold on a metric of this run"

// rank orders endings as [rank] does codes.
func (e Outcome) rank() float64 {
	if e.undecided {
		return float64(rank(problem.ThresholdFailed)) - 0.5
	}
	return float64(rank(e.Code))
}

// rank orders exit codes. The worst ending decides, and whether the figures can
// be believed comes before what they say.
func rank(code int) int {
	for i, c := range []int{problem.OK, problem.ThresholdFailed, problem.Regression, problem.Invalid, problem.Interrupted, problem.CouldNotRun, problem.BadUsage} {
		if c == code {
			return i
		}
	}
	return -1
}

// Of judges a run that began. err is what Run returned with the result.
// allowInvalid lets an invalid run pass; what it says of its thresholds decides
// nothing then.
func Of(r *result.Result, err error, signalled, allowInvalid bool) Outcome {
	e := Outcome{Name: r.Run.Scenario, Result: r}
	say := func(code int, words, what, hint string) Outcome {
		e.Code, e.Words = code, words
		e.Problems = append(e.Problems, problem.Problem{What: e.Name + ": " + what, Hint: hint})
		return e
	}
	stopped := signalled && (err == nil || errors.Is(err, context.Canceled))
	switch {
	case !stopped && (err != nil || r.Run.Failed):
		f := problem.Problem{What: r.Run.Error}
		if err != nil {
			f = problem.Of(err)
		}
		return say(problem.CouldNotRun, "failed", "the run failed: "+f.What, f.Hint)
	case stopped || r.Run.Interrupted:
		return say(problem.Interrupted, "interrupted", "interrupted; the result covers the run up to then", "")
	case r.Run.Aborted != "":
		for _, t := range r.Thresholds {
			if t.Expr == r.Run.Aborted {
				return say(problem.ThresholdFailed, "aborted", fmt.Sprintf("threshold %q ended the run: %s", t.Expr, t.Reason), "")
			}
		}
		return say(problem.ThresholdFailed, "aborted", stopreason.Words(r), "")
	case r.Validity.Verdict == result.Invalid && allowInvalid && r.Window.Completed > 0:
		e.Words = "invalid, allowed"
		return e
	case r.Validity.Verdict == result.Invalid:
		return say(problem.Invalid, "invalid", "the run is invalid: "+firstOf(r.Validity.Reasons), emptyHint(r))
	}
	failed, undecided := 0, 0
	for _, t := range r.Thresholds {
		if t.Undecided {
			undecided++
			say(problem.Invalid, "threshold undecided", fmt.Sprintf("threshold %q is undecided: %s", t.Expr, t.Reason), undecidedHint)
		}
	}
	for _, t := range r.Thresholds {
		if t.Failed() {
			failed++
			say(problem.ThresholdFailed, "threshold failed", fmt.Sprintf("threshold %q failed: %s", t.Expr, t.Reason), "")
		}
	}
	switch {
	case failed > 0:
		return e
	case undecided > 0 && r.Window.Completed > 0:
		e.undecided = true
		return e
	case r.Window.Completed == 0:
		return say(problem.Invalid, "no job completed", "no job in the measured window completed", emptyHint(r))
	}
	e.Words = r.Validity.Verdict
	if len(r.Thresholds) > 0 {
		e.Words += ", thresholds passed"
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
		return "no update was heard on the channel: are the workers running? --channel names the channel they publish on"
	case r.NotUnderstood != nil:
		return observe.Hint(r.NotUnderstood)
	case r.Scenario.External && r.Ledger.Sent > 0 && r.Ledger.LostByLeg[ledger.LegInQueue] == r.Ledger.Sent:
		return "are the workers running, on this Redis and database, and do they take jobs from this queue?"
	case r.Run.StopReason == stopreason.NoneEnded:
		return "do the workers publish the ends of jobs where the run listens? If a job may take longer, raise --drain-timeout"
	case r.Observed != nil:
		return "updates were heard, but no job ended in the measured time; observe for longer"
	case r.Scenario.Warmup > 0 && r.Ledger.Notified > 0:
		return fmt.Sprintf("every job ended within the warm-up of %s; use --warmup 0s, or a longer load", r.Scenario.Warmup)
	default:
		return "see the ledger in the report for where the jobs were lost"
	}
}

// Failed is the ending of something that could not be done.
func Failed(name string, err error) Outcome {
	f := problem.Of(err)
	if name != "" {
		f.What = name + ": " + f.What
	}
	return Outcome{Name: name, Code: problem.CouldNotRun, Words: "failed", Problems: problem.List{f}}
}

// Outcomes are how several things came out.
type Outcomes []Outcome

// Err adds what could not be done, and nothing for nil.
func (all *Outcomes) Err(err error) {
	if err != nil {
		*all = append(*all, Failed("", err))
	}
}

// Exit adds an outcome that is one problem.
func (all *Outcomes) Exit(code int, what, hint string) {
	*all = append(*all, Outcome{Code: code, Problems: problem.List{{What: what, Hint: hint}}})
}

// AndErr is the ending e of a run after which that could not be done; nil changes nothing.
func (e Outcome) AndErr(err error) Outcome {
	if err == nil {
		return e
	}
	return e.And(Failed(e.Name, err))
}

// And is the ending e of a run after which something else went wrong.
func (e Outcome) And(other Outcome) Outcome {
	e.Problems = append(e.Problems, other.Problems...)
	if other.rank() > e.rank() {
		e.Code, e.Words, e.undecided = other.Code, other.Words, other.undecided
	}
	return e
}

// Worst is the failure of all of them together, nil when all is well.
func Worst(all []Outcome) error {
	f := &problem.Failure{}
	var top Outcome
	for _, e := range all {
		f.Problems = append(f.Problems, e.Problems...)
		if e.rank() > top.rank() {
			top = e
		}
	}
	f.Code = top.Code
	if f.Code == problem.OK {
		return nil
	}
	return f
}

// row is the line of the summary, under the names of rowHead.
func (e Outcome) row() []string {
	row := []string{e.Name, e.Words, "", "", "", "", "", "", e.Dir}
	r := e.Result
	if r == nil {
		return row
	}
	at := ""
	if r.Scenario.Load.Closed() {
		at = fmt.Sprintf(" @%d", r.Scenario.Load.InFlight)
	}
	row[2] = number.Count(console.Round(r.Rates.AchievedPerS)) + " jobs/s"
	row[3], row[4] = "n/a", "n/a"
	if s := r.Stages[r.Scenario.Headline()]; s != nil {
		for i, q := range []*int64{s.P50NS, s.P99NS} {
			if q != nil {
				row[3+i] = console.Short(time.Duration(*q)) + at
			}
		}
	}
	if row[5] = number.Count(r.Ledger.Lost); r.Observed != nil {
		row[5] = "n/a" // the number of jobs is unknown
	}
	if cpu := r.Scalars["redis_cpu_per_job"]; cpu != nil {
		row[6] = console.Short(time.Duration(*cpu))
	}
	if cpu := r.Scalars["worker_cpu_per_job"]; cpu != nil {
		row[7] = console.Short(time.Duration(*cpu))
	}
	return row
}

// rowHead are the names of what is in a row.
func rowHead() []string {
	return []string{"scenario", "outcome", "achieved", "p50", "p99", "lost", "redis cpu/job", "worker cpu/job", "results"}
}

// SummaryTable is the summary of several endings. What no run had has no column.
func SummaryTable(endings []Outcome) [][]string {
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
