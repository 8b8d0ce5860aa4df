package main

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// full is for a quiet machine: 300 jobs/s for 20 s with 50 clients instead of a load
// that any machine carries, and the agreement is then one of 5%.
var full = flag.Bool("full", false, "measure at 300 jobs/s for 20 s")

// outside is a load on the back end as its users make it: jobs come in by HTTP, and
// WebSocket clients read their ends, one for each tenant.
func outside(api, sockets string, rate int64, duration time.Duration, tenants int) scenario.Scenario {
	s := scenario.Scenario{
		Name: "outside", Load: scenario.Load{Rate: pace.PerSecond(rate), Duration: duration, Arrivals: pace.Poisson},
		External: true, Tenants: scenario.Tenants{Count: tenants}, DrainTimeout: patience,
	}
	s.Entry.Kind = scenario.EntryHTTP
	s.Entry.HTTP = scenario.HTTPEntry{URL: api + "/jobs", Body: `{"tenantId":"{{.Tenant}}"}`, Timeout: patience}
	s.Exit.WebSocket.URL = "ws" + sockets[len("http"):] + "/ws?tenant={{.Tenant}}"
	return s
}

// measure has queuedyno make a load. It subscribes at Redis, too.
func (s *system) measure(load scenario.Scenario, o queuedyno.Options) *result.Result {
	s.t.Helper()
	r, err := queuedyno.Run(s.t.Context(), load, s.queue, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// nothingLost checks that every job arrived exactly once and that its row says so.
func (s *system) nothingLost(r *result.Result) {
	s.t.Helper()
	l := r.Ledger
	if l.Scheduled == 0 || l.Sent != l.Scheduled || l.Acked != l.Scheduled || l.Notified != l.Scheduled ||
		l.Lost != 0 || l.Duplicated != 0 || l.Count("errors") != 0 {
		s.t.Errorf("ledger %+v; want every job accepted and notified, once, and no error", l)
	}
	if check, there := r.Validity.Checks["clock"]; !there || !check.Passed {
		s.t.Errorf("clock: %+v", check)
	}
}

func metric(t *testing.T, r *result.Result, name string) float64 {
	t.Helper()
	v, why, ok := r.Metric(name)
	if !ok {
		t.Fatalf("%s: %s", name, why)
	}
	return v
}

// Both measure the same back end at the same time.
func TestQueuedynoAgreesWithAnIndependentClient(t *testing.T) {
	rate, share, duration, clients := int64(30), 10.0, 6*time.Second, 10
	work, tolerance := 100*time.Millisecond, 0.25
	if *full {
		rate, share, duration, clients, work, tolerance = 300, 30, 20*time.Second, 50, 5*time.Millisecond, 0.05
	} else {
		t.Parallel()
	}
	s := newSystem(t)
	api, _ := s.startAPI("POOL=10")
	s.startWorker("WORK="+work.String(), "WORKERS=16", "POOL=16")

	type seen struct {
		latencies []time.Duration
		lost      int
		err       error
	}
	rows := 0
	// Both have few jobs here, so that one moment in which the host stands still can move
	// one median and not the other. A fault moves it each time.
	for try := 1; ; try++ {
		independent := make(chan seen, 1)
		r := s.measure(outside(api, api, rate, duration, clients), queuedyno.Options{Begin: func() {
			go func() {
				var they seen
				they.latencies, they.lost, they.err = openLoop(api, "independent", share, int(share*duration.Seconds()), patience)
				independent <- they
			}()
		}})
		they := <-independent
		s.nothingLost(r)
		if they.err != nil || they.lost != 0 {
			t.Fatalf("the independent client lost %d jobs, %v", they.lost, they.err)
		}
		// One job more than the load was requested to try the API.
		rows += int(r.Ledger.Scheduled) + 1 + len(they.latencies)
		if n := s.count("SELECT count(*) FROM jobs WHERE status = 'COMPLETED'"); n != rows {
			t.Errorf("%d rows are COMPLETED, want %d", n, rows)
		}
		if n := s.count("SELECT count(*) FROM jobs"); n != rows {
			t.Errorf("%d rows, want %d", n, rows)
		}
		slices.Sort(they.latencies)
		ours, theirs := time.Duration(metric(t, r, "end_to_end.p50")), they.latencies[len(they.latencies)/2]
		ratio := float64(ours) / float64(theirs)
		t.Logf("p50 of end_to_end: queuedyno %s (%d jobs), the independent client %s (%d jobs), ratio %.3f; %s %v",
			ours, r.Ledger.Scheduled, theirs, len(they.latencies), ratio, r.Validity.Verdict, r.Validity.Reasons)
		switch {
		case ratio >= 1-tolerance && ratio <= 1+tolerance:
		case !*full && try < 3:
			continue
		default:
			t.Errorf("ratio %.3f, want it within %g%% of 1", ratio, 100*tolerance)
		}
		return
	}
}
