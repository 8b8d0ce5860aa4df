package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestSoftStopDrainsAndMarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		o := virtual()
		o.Stop = stop
		time.AfterFunc(2*time.Second+20*time.Millisecond, func() { close(stop) })
		q := memory.New()
		r := mustRun(t, scenario.Scenario{
			Name: "stop", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Minute},
			Consumers: 4, Work: scenario.Work{Time: time.Millisecond},
		}, q, o)
		if !r.Run.Interrupted || r.Ledger.Lost != 0 || r.Ledger.Sent != r.Ledger.Notified {
			t.Errorf("interrupted %t, ledger %+v", r.Run.Interrupted, r.Ledger)
		}
		if r.Window.ToNS < 19e8 || r.Window.ToNS > 21e8 {
			t.Errorf("the window ends at %d ns, want 2 s", r.Window.ToNS)
		}
	})
}

func TestHardStopLeavesAValidAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		q := memory.New()
		r, err := engine.Run(ctx, scenario.Scenario{
			Name: "hard", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Minute},
			Consumers: 1, Work: scenario.Work{Time: 10 * time.Millisecond},
		}, q, virtual())
		if err != nil {
			t.Fatal(err)
		}
		checkLaws(t, r)
		if !r.Run.Interrupted || r.Ledger.Abandoned < 1700 || r.Ledger.Lost != 0 {
			t.Errorf("interrupted %t, ledger %+v", r.Run.Interrupted, r.Ledger)
		}
		if n, _ := q.Len(t.Context()); n != 0 {
			t.Errorf("%d jobs were left behind", n)
		}
	})
}

func TestAnErrorEndsTheRunAndIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Queue: memory.New()}
		epoch := time.Now()
		b.push = func(jobs [][]byte) ([][]byte, error) {
			if time.Since(epoch) > 3*time.Second {
				return nil, errors.New("OOM command not allowed")
			}
			return jobs, nil
		}
		r, err := engine.Run(t.Context(), scenario.Scenario{
			Name: "oom", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 30 * time.Second}, Consumers: 2, Producers: 2,
		}, b, virtual())
		if err == nil || !strings.Contains(err.Error(), "OOM") || r == nil {
			t.Fatalf("Run = %v, %v; want a result and the error", r, err)
		}
		checkLaws(t, r)
		if !r.Run.Failed || r.Validity.Verdict != result.Invalid || r.Ledger.Errors["push"] == 0 {
			t.Errorf("run %+v, verdict %s, errors %v", r.Run, r.Validity.Verdict, r.Ledger.Errors)
		}
		if n := r.Ledger.Notified; n < 2900 || n > 3000 {
			t.Errorf("%d jobs notified before the error at 3 s", n)
		}
	})
}

func TestAClosedLoopThatLostAllTokensEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Queue: memory.New()}
		b.publish = func([]byte) (bool, int, error) { return false, 1, nil }
		r := mustRun(t, scenario.Scenario{Name: "stuck", Load: scenario.Load{Jobs: 1000, InFlight: 20}, DrainTimeout: 3 * time.Second}, b, virtual())
		if r.Ledger.LostByLeg[ledger.LegUnnotified] != 20 || !strings.Contains(stopreason.Words(r), "token") {
			t.Errorf("ledger %+v, stopped because %q", r.Ledger, stopreason.Words(r))
		}
		if r.Validity.Verdict != result.Invalid {
			t.Errorf("verdict %s of a run without a completed job", r.Validity.Verdict)
		}
	})
}

func TestTheBrakeEndsALoadThatFillsTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// 900/s more come than go: 2,000 wait after 2.2 s.
		r := mustRun(t, scenario.Scenario{
			Name: "brake", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Minute, MaxBacklog: 2000},
			Work: scenario.Work{Time: 10 * time.Millisecond}, DrainTimeout: time.Minute,
		}, memory.New(), virtual())
		if !strings.Contains(stopreason.Words(r), "max_backlog") || r.Validity.Verdict != result.Invalid {
			t.Errorf("stopped because %q, verdict %s", stopreason.Words(r), r.Validity.Verdict)
		}
		if n := r.Ledger.Sent; n < 2200 || n > 2300 || r.Ledger.Lost != 0 {
			t.Errorf("ledger %+v, want about 2250 jobs sent and none lost", r.Ledger)
		}
	})
}

func TestHittingTheCapOfJobsInFlightIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// 100/s go, 1,000/s come, 500 may be on their way: the rest is sent
		// late, and counts from when it was due.
		r := mustRun(t, scenario.Scenario{
			Name: "cap", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 2000, MaxInFlight: 500},
			Work: scenario.Work{Time: 10 * time.Millisecond}, DrainTimeout: time.Minute,
		}, memory.New(), virtual())
		if r.Validity.Verdict != result.Invalid || !strings.Contains(strings.Join(r.Validity.Reasons, " "), "max_in_flight") {
			t.Errorf("verdict %s: %q", r.Validity.Verdict, r.Validity.Reasons)
		}
		if b := *r.Scalars["backlog.max"]; b > 620 {
			t.Errorf("%.0f jobs were on their way at once, want about 500", b)
		}
		if worst := *r.Stages[metric.EndToEnd].MaxNS; worst < 17e9 {
			t.Errorf("the last job took %d ns from its due time, want 18 s", worst)
		}
	})
}

func TestALoadThatCannotBeSentEndsAndTellsWhatWasNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The first 50 jobs never come home, and no more may be on their way.
		b := &faulty{Queue: memory.New()}
		b.publish = func([]byte) (bool, int, error) { return false, 1, nil }
		from := time.Now()
		r := mustRun(t, scenario.Scenario{
			Name: "held", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 2 * time.Second, MaxInFlight: 50}, DrainTimeout: 3 * time.Second,
		}, b, virtual())
		if took := time.Since(from); took > 12*time.Second {
			t.Errorf("a load of 2 s with a drain of 3 s took %s", took)
		}
		if r.Validity.Verdict != result.Invalid || r.Ledger.LostByLeg[ledger.LegUnsent] < 1900 {
			t.Errorf("verdict %s, ledger %+v", r.Validity.Verdict, r.Ledger)
		}
	})
}

func TestASoftStopEndsALoadThatIsHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Queue: memory.New()}
		b.publish = func([]byte) (bool, int, error) { return false, 1, nil }
		stop := make(chan struct{})
		o := virtual()
		o.Stop = stop
		time.AfterFunc(time.Second, func() { close(stop) })
		from := time.Now()
		r := mustRun(t, scenario.Scenario{
			Name: "held", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Hour, MaxInFlight: 50}, DrainTimeout: 2 * time.Second,
		}, b, o)
		if took := time.Since(from); took > 6*time.Second || !r.Run.Interrupted {
			t.Errorf("stopped after 1 s, ended after %s, interrupted %t", took, r.Run.Interrupted)
		}
	})
}

func TestTheDrainTimeoutBoundsWorkInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		r := mustRun(t, scenario.Scenario{
			Name: "hands", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 2 * time.Second}, Batch: 100,
			Work: scenario.Work{Time: time.Second}, DrainTimeout: time.Second,
		}, memory.New(), virtual())
		if took := time.Since(from); took > 10*time.Second {
			t.Errorf("the run took %s", took)
		}
		if r.Ledger.LostByLeg[ledger.LegUnfinished] < 90 {
			t.Errorf("ledger %+v, want most of a batch unfinished", r.Ledger)
		}
	})
}

func TestACutWindowHoldsNoMoreThanWasDueInIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		r, err := engine.Run(ctx, scenario.Scenario{
			Name: "cut", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 2 * time.Second},
			Work: scenario.Work{Time: 10 * time.Millisecond},
		}, memory.New(), virtual())
		if err != nil {
			t.Fatal(err)
		}
		checkLaws(t, r)
		if r.Window.Scheduled != 2000 || !r.Run.Interrupted {
			t.Errorf("window %+v, interrupted %t", r.Window, r.Run.Interrupted)
		}
	})
}

func TestAHardStopAbandonsWhatIsOnItsWayAndKeepsRealLosses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		work time.Duration
		drop int // of how many notifications one is dropped
		want func(l result.Ledger) bool
	}{
		"in the workers' hands": {3 * time.Second, 0, func(l result.Ledger) bool { return l.Lost == 0 && l.Abandoned > 150 }},
		"nothing on its way":    {0, 0, func(l result.Ledger) bool { return l.Lost == 0 && l.Abandoned <= 1 }},
		"lost notifications": {time.Millisecond, 10, func(l result.Ledger) bool {
			return l.Lost == l.LostByLeg[ledger.LegUnnotified] && l.Lost >= 9 && l.Abandoned >= 9 && l.Abandoned <= 13
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(2*time.Second, cancel)
				n := 0
				b := &faulty{Queue: memory.New()}
				if c.drop > 0 {
					b.receive = func([]byte) bool { n++; return n%c.drop != 0 }
				}
				steps, _ := pace.ParseSteps("1s:100,1m:100")
				r, err := engine.Run(ctx, scenario.Scenario{
					Name: "hard", Load: scenario.Load{Steps: steps}, Consumers: 500, Work: scenario.Work{Time: c.work},
				}, b, virtual())
				if err != nil {
					t.Fatal(err)
				}
				checkLaws(t, r)
				if !c.want(r.Ledger) {
					t.Errorf("ledger %+v", r.Ledger)
				}
			})
		})
	}
}
