package main

import (
	"context"
	"errors"
	"testing"

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
		{"no job completed", exitInvalid, func(r *result.Result) (error, bool) {
			r.Window.Completed, r.Ledger.Notified = 0, 0
			return nil, false
		}},
		{"a threshold is undecided", exitInvalid, func(r *result.Result) (error, bool) {
			r.Thresholds = append(r.Thresholds, result.Threshold{Expr: "z", Undecided: true, Reason: "too few jobs"})
			return nil, false
		}},
		{"a threshold failed", exitThreshold, func(r *result.Result) (error, bool) {
			r.Thresholds = append(r.Thresholds, result.Threshold{Expr: "x", Reason: "y"})
			return nil, false
		}},
		{"invalid", exitInvalid, func(r *result.Result) (error, bool) {
			r.Validity.Verdict = result.Invalid
			return nil, false
		}},
		{"interrupted", exitInterrupted, func(r *result.Result) (error, bool) {
			r.Run.Interrupted = true
			return nil, true
		}},
		{"failed", exitFailed, func(r *result.Result) (error, bool) {
			r.Run.Failed, r.Run.Error = true, "boom"
			return boom, false
		}},
	}
	if e := endingOf(good(), nil, false, false); e.code != exitOK || len(e.faults) != 0 {
		t.Fatalf("a good run ends with %d, %v", e.code, e.faults)
	}
	for i, c := range complaints {
		for _, lesser := range append(complaints[:i:i], complaints[i]) {
			r := good()
			lesser.spoil(r)
			err, signalled := c.spoil(r)
			e := endingOf(r, err, signalled, false)
			if e.code != c.code {
				t.Errorf("%s and %s: exit code %d, want %d", lesser.name, c.name, e.code, c.code)
			}
			if len(e.faults) == 0 || e.words == "" {
				t.Errorf("%s: nothing is said about it", c.name)
			}
		}
	}
}

func TestAHardStopIsAnInterruptAndNotAFailure(t *testing.T) {
	t.Parallel()
	r := good()
	r.Run.Failed, r.Run.Error = true, context.Canceled.Error()
	if e := endingOf(r, context.Canceled, true, false); e.code != exitInterrupted {
		t.Errorf("after a second Ctrl-C the exit code is %d, want %d", e.code, exitInterrupted)
	}
	if e := endingOf(r, context.Canceled, false, false); e.code != exitFailed {
		t.Errorf("cancelled by something else: exit code %d, want %d", e.code, exitFailed)
	}
}

func TestSuspectIsNoFailure(t *testing.T) {
	t.Parallel()
	r := good()
	r.Validity.Verdict = result.Suspect
	if e := endingOf(r, nil, false, false); e.code != exitOK {
		t.Errorf("a suspect run ends with %d, want 0", e.code)
	}
}

func TestTheWorstOfSeveralScenariosDecides(t *testing.T) {
	t.Parallel()
	order := []int{exitOK, exitThreshold, exitInvalid, exitInterrupted, exitFailed}
	for i, a := range order {
		for j, b := range order {
			want := order[max(i, j)]
			got := exitOK
			if err := worst([]ending{{code: a}, {code: b}}); err != nil {
				got = asFailure(err).code
			}
			if got != want {
				t.Errorf("endings %d and %d: exit code %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestAThresholdThatFailedIsWorseThanOneThatIsUndecided(t *testing.T) {
	t.Parallel()
	spoilt := func(o result.Threshold) ending {
		r := good()
		r.Thresholds = append(r.Thresholds, o)
		return endingOf(r, nil, false, false)
	}
	undecided := spoilt(result.Threshold{Expr: "x", Undecided: true})
	failed := spoilt(result.Threshold{Expr: "y"})
	passed := endingOf(good(), nil, false, false)
	for _, row := range []struct {
		all  []ending
		want int
	}{
		{[]ending{undecided}, exitInvalid},
		{[]ending{passed, undecided}, exitInvalid},
		{[]ending{undecided, failed}, exitThreshold},
		{[]ending{failed, undecided, passed}, exitThreshold},
	} {
		var f *failure
		if err := worst(row.all); !errors.As(err, &f) || f.code != row.want {
			t.Errorf("worst(%+v) = %v, want exit code %d", row.all, err, row.want)
		}
	}
}
