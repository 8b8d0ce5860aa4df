package scenario_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// virtual are options for a run in the virtual time of synctest.
func virtual() scenario.Options {
	return scenario.Options{Waiter: func() (pace.Waiter, error) { return pace.NewCoarse(), nil }}
}

// mustRun runs the scenario in memory and checks the laws that hold for every run.
func mustRun(t *testing.T, s scenario.Scenario, b jobqueue.Backend, o scenario.Options) *scenario.Result {
	t.Helper()
	r, err := scenario.Run(context.Background(), s, b, o)
	if err != nil {
		t.Fatalf("Run = %v", err)
	}
	checkLaws(t, r)
	return r
}

// checkLaws are the laws of the ledger and of the stages.
func checkLaws(t *testing.T, r *scenario.Result) {
	t.Helper()
	l := r.Ledger
	if l.Scheduled != l.Notified+l.Lost {
		t.Errorf("ledger: %d scheduled, but %d notified and %d lost", l.Scheduled, l.Notified, l.Lost)
	}
	var legs int64
	for _, n := range l.LostByLeg {
		legs += n
	}
	if legs != l.Lost {
		t.Errorf("ledger: %d lost, but the legs add up to %d", l.Lost, legs)
	}
	if !(l.Scheduled >= l.Sent && l.Sent >= l.Acked && l.Sent >= l.Popped && l.Popped >= l.Finished && l.Finished >= l.Published && l.Finished >= l.Notified) {
		t.Errorf("ledger: a later count is above an earlier one: %+v", l)
	}
	var rows, sent int64
	for _, row := range r.Timeline {
		rows += row.Notified
		sent += row.Sent
	}
	if rows != l.Notified || sent != l.Sent {
		t.Errorf("timeline: %d sent, %d notified; the ledger says %d and %d", sent, rows, l.Sent, l.Notified)
	}
	mean := func(s scenario.Stage) float64 {
		if r.Stages[s].MeanNS == nil {
			return 0
		}
		return *r.Stages[s].MeanNS
	}
	whole := mean(scenario.EndToEnd)
	parts := mean(scenario.Lateness) + mean(scenario.Queue) + mean(scenario.WorkTime) + mean(scenario.Notify)
	if d := whole - parts; d > 1e-6*whole+1 || d < -1e-6*whole-1 {
		t.Errorf("mean of end_to_end is %f ns, its parts add up to %f ns", whole, parts)
	}
	for name, s := range r.Stages {
		if s.Count != r.Window.Completed {
			t.Errorf("stage %s holds %d jobs, the window completed %d", name, s.Count, r.Window.Completed)
		}
	}
}

func TestUnderloadIsTheServiceTimeExactly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{
			Name: "under", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 60 * time.Second},
			Producers: 4, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond}, Warmup: 2 * time.Second,
		}, memory.New(), virtual())
		if got := r.Window.Scheduled; got != 58_000 {
			t.Errorf("%d jobs in the window, want 58000", got)
		}
		e := r.Stages[scenario.EndToEnd]
		if *e.MinNS != 5e6 || *e.MaxNS != 5e6 {
			t.Errorf("end_to_end lies between %d and %d ns, want 5 ms exactly", *e.MinNS, *e.MaxNS)
		}
		if *r.Stages[scenario.Lateness].MaxNS != 0 {
			t.Errorf("lateness up to %d ns where time is virtual", *r.Stages[scenario.Lateness].MaxNS)
		}
		if r.Validity.Verdict != scenario.Valid {
			t.Errorf("verdict %s: %q", r.Validity.Verdict, r.Validity.Reasons)
		}
	})
}
