package queuetest

import (
	"cmp"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// Capacity fails the test unless the target sustains the rate, in jobs per second,
// under every limit of the SLO ("end_to_end.p99 < 200ms"; that no job may be lost
// need not be said). It offers the scenario at that rate, in trials of Load.Duration
// (10 s if that is zero) on an empty queue, until two trials were good or two were
// bad. The scenario's own Load.Rate, Warmup and Thresholds are not used.
//
// A rate that only holds because a trial is short is not sustained: the backlog must
// not grow, and ten minutes of the same load must keep the SLO too. A trial in which
// other programs took the host, or the load was sent late, says nothing and is made
// again; after three of them the test fails as inconclusive.
func Capacity(t testing.TB, target jobqueue.Backend, s scenario.Scenario, perSecond float64, slo ...string) {
	t.Helper()
	lab := &study.Lab{Scenario: s, Open: func(context.Context, string) (study.Backend, error) { return lasting{target}, nil }}
	sustains(t, lab, perSecond, slo)
}

// lasting is a target that outlasts the run.
type lasting struct{ jobqueue.Backend }

func (lasting) Close() error { return nil }

// How many trials settle it, and how many that say nothing are too many.
const (
	settles   = 2
	pointless = 3
)

func sustains(t testing.TB, lab *study.Lab, perSecond float64, slo []string) {
	t.Helper()
	for _, expr := range slo {
		limit, err := threshold.Parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		lab.SLO = append(lab.SLO, limit)
	}
	lab.Scenario.Name = cmp.Or(lab.Scenario.Name, "capacity")
	length := lab.Scenario.Load.Duration
	length = cmp.Or(length, 10*time.Second)
	made := map[capacity.Verdict]int{}
	for n := 1; made[capacity.Good] < settles; n++ {
		o, err := lab.Probe(t.Context(), capacity.Trial{N: n, Kind: capacity.Long, Rate: perSecond, Length: length, Longest: 4 * length})
		if err != nil {
			t.Fatal(err)
		}
		made[o.Verdict]++
		why := strings.Join(o.Reasons, "; ")
		switch {
		case made[capacity.Bad] == settles:
			t.Fatalf("%g jobs/s are not sustained: %s", perSecond, why)
		case made[capacity.Invalid] == pointless:
			t.Fatalf("whether %g jobs/s are sustained is inconclusive: %s", perSecond, why)
		case o.Verdict != capacity.Good:
			t.Logf("trial %d at %g jobs/s is %s: %s", n, perSecond, o.Verdict, why)
		}
	}
}
