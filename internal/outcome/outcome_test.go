package outcome

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
)

// good is a result with nothing to complain about.
func good() *result.Result {
	return &result.Result{
		Run:        result.Info{Scenario: "steady"},
		Window:     result.Window{Scheduled: 100, Completed: 100},
		Ledger:     result.Ledger{Notified: 100},
		Validity:   result.Validity{Verdict: result.Valid},
		Thresholds: []result.Threshold{{Expr: "lost == 0", Passed: true}},
	}
}

// Each complaint, from the least to the gravest. Any of them decides over all
// that stand above it, and none is ever a success.
func TestTheGravestComplaintDecidesTheExitCode(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	complaints := []struct {
		name  string
		code  int
		spoil func(r *result.Result) (err error, signalled bool)
	}{
		{"no job completed", problem.Invalid, func(r *result.Result) (error, bool) {
			r.Window.Completed, r.Ledger.Notified = 0, 0
			return nil, false
		}},
		{"a threshold is undecided", problem.Invalid, func(r *result.Result) (error, bool) {
			r.Thresholds = append(r.Thresholds, result.Threshold{Expr: "z", Undecided: true, Reason: "too few jobs"})
			return nil, false
		}},
		{"a threshold failed", problem.ThresholdFailed, func(r *result.Result) (error, bool) {
			r.Thresholds = append(r.Thresholds, result.Threshold{Expr: "x", Reason: "y"})
			return nil, false
		}},
		{"invalid", problem.Invalid, func(r *result.Result) (error, bool) {
			r.Validity.Verdict = result.Invalid
			return nil, false
		}},
		{"interrupted", problem.Interrupted, func(r *result.Result) (error, bool) {
			r.Run.Interrupted = true
			return nil, true
		}},
		{"failed", problem.CouldNotRun, func(r *result.Result) (error, bool) {
			r.Run.Failed, r.Run.Error = true, "boom"
			return boom, false
		}},
	}
	if e := Of(good(), nil, false, false); e.Code != problem.OK || len(e.Problems) != 0 {
		t.Fatalf("a good run ends with %d, %v", e.Code, e.Problems)
	}
	for i, c := range complaints {
		for _, lesser := range append(complaints[:i:i], complaints[i]) {
			r := good()
			lesser.spoil(r)
			err, signalled := c.spoil(r)
			e := Of(r, err, signalled, false)
			if e.Code != c.code {
				t.Errorf("%s and %s: exit code %d, want %d", lesser.name, c.name, e.Code, c.code)
			}
			if len(e.Problems) == 0 || e.Words == "" {
				t.Errorf("%s: nothing is said about it", c.name)
			}
		}
	}
}

func TestAHardStopIsAnInterruptAndNotAFailure(t *testing.T) {
	t.Parallel()
	r := good()
	r.Run.Failed, r.Run.Error = true, context.Canceled.Error()
	if e := Of(r, context.Canceled, true, false); e.Code != problem.Interrupted {
		t.Errorf("after a second Ctrl-C the exit code is %d, want %d", e.Code, problem.Interrupted)
	}
	if e := Of(r, context.Canceled, false, false); e.Code != problem.CouldNotRun {
		t.Errorf("cancelled by something else: exit code %d, want %d", e.Code, problem.CouldNotRun)
	}
}

func TestSuspectIsNoFailure(t *testing.T) {
	t.Parallel()
	r := good()
	r.Validity.Verdict = result.Suspect
	if e := Of(r, nil, false, false); e.Code != problem.OK {
		t.Errorf("a suspect run ends with %d, want 0", e.Code)
	}
}

func TestTheWorstOfSeveralScenariosDecides(t *testing.T) {
	t.Parallel()
	order := []int{problem.OK, problem.ThresholdFailed, problem.Invalid, problem.Interrupted, problem.CouldNotRun}
	for i, a := range order {
		for j, b := range order {
			want := order[max(i, j)]
			got := problem.OK
			if err := Worst([]Outcome{{Code: a}, {Code: b}}); err != nil {
				got = problem.AsFailure(err).Code
			}
			if got != want {
				t.Errorf("endings %d and %d: exit code %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestAThresholdThatFailedIsWorseThanOneThatIsUndecided(t *testing.T) {
	t.Parallel()
	spoilt := func(o result.Threshold) Outcome {
		r := good()
		r.Thresholds = append(r.Thresholds, o)
		return Of(r, nil, false, false)
	}
	undecided := spoilt(result.Threshold{Expr: "x", Undecided: true})
	failed := spoilt(result.Threshold{Expr: "y"})
	passed := Of(good(), nil, false, false)
	for _, row := range []struct {
		all  []Outcome
		want int
	}{
		{[]Outcome{undecided}, problem.Invalid},
		{[]Outcome{passed, undecided}, problem.Invalid},
		{[]Outcome{undecided, failed}, problem.ThresholdFailed},
		{[]Outcome{failed, undecided, passed}, problem.ThresholdFailed},
	} {
		var f *problem.Failure
		if err := Worst(row.all); !errors.As(err, &f) || f.Code != row.want {
			t.Errorf("worst(%+v) = %v, want exit code %d", row.all, err, row.want)
		}
	}
}

// The remedy of a run that heard of no job is that of what it saw of them.
func TestARunThatHeardNothingOfItsJobsSaysWhatToLookAt(t *testing.T) {
	t.Parallel()
	for hint, spoil := range map[string]func(r *result.Result){
		"are the workers running, on this Redis":  func(r *result.Result) { r.Ledger.LostByLeg = map[result.Leg]int64{ledger.LegInQueue: 100} },
		"do the workers publish the ends of jobs": func(r *result.Result) { r.Run.StopReason = stopreason.NoneEnded },
		"see the ledger in the report":            func(*result.Result) {},
	} {
		r := good()
		r.Scenario.External, r.Window.Completed, r.Ledger, r.Validity.Verdict = true, 0, result.Ledger{Sent: 100, Lost: 100}, result.Invalid
		spoil(r)
		if e := Of(r, nil, false, false); e.Code != problem.Invalid || len(e.Problems) != 1 || !strings.HasPrefix(e.Problems[0].Hint, hint) {
			t.Errorf("%d, %+v; want the hint %q", e.Code, e.Problems, hint)
		}
	}
}
