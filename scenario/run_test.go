package scenario_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
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
	return scenario.Options{NoProbes: true, Waiter: func() (pace.Waiter, error) { return pace.NewCoarse(), nil }}
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

func TestOverloadIsTheBacklogOfDDc(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// 8 consumers at 5 ms carry 1,600/s; 2,000/s for 10 s make 20,000 jobs,
		// the last of which ends at 12.5 s. A job that is due at t is done at
		// about 1.25 t, so end_to_end grows to 2.5 s.
		r := mustRun(t, scenario.Scenario{
			Name: "over", Load: scenario.Load{Rate: pace.PerSecond(2000), Jobs: 20_000},
			Producers: 3, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond},
		}, memory.New(), virtual())
		e := r.Stages[scenario.EndToEnd]
		near := func(what string, got, want, by float64) {
			t.Helper()
			if got < want-by || got > want+by {
				t.Errorf("%s = %f, want %f within %f", what, got, want, by)
			}
		}
		near("p50 in s", float64(*e.P50NS)/1e9, 1.25, 0.01)
		near("p99 in s", float64(*e.P99NS)/1e9, 2.475, 0.01)
		near("achieved rate", r.Rates.AchievedPerS, 1600, 1)
		near("achieved ratio", *r.Rates.AchievedRatio, 0.8, 0.001)
		near("drain in s", float64(r.Window.DrainNS)/1e9, 2.5, 0.01)
		near("longest backlog", *r.Scalars["backlog.max"], 4000, 120)
	})
}

func TestAStallShowsInEveryJobThatWasDueInIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The queue stands still for 500 ms out of 10 s. Of all jobs, 5 % were
		// due in the stall and waited evenly between 0 and 500 ms: the closed
		// form of an injected stall at a drain that takes no time.
		b := &faulty{Queue: memory.New()}
		epoch := time.Now()
		b.push = func(jobs [][]byte) ([][]byte, error) {
			if at := time.Since(epoch); at > 3*time.Second && at < 3500*time.Millisecond {
				time.Sleep(3500*time.Millisecond - at)
			}
			return jobs, nil
		}
		r := mustRun(t, scenario.Scenario{
			Name: "stall", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 10_000}, Consumers: 4,
		}, b, virtual())
		for q, got := range map[float64]*int64{0.95: r.Stages[scenario.EndToEnd].P95NS, 0.99: r.Stages[scenario.EndToEnd].P99NS, 0.999: r.Stages[scenario.EndToEnd].P999NS} {
			want := 500e6 - 10e9*(1-q)
			if d := float64(*got) - want; d < -2e6 || d > 2e6 {
				t.Errorf("p%v = %d ns, want %.0f", 100*q, *got, want)
			}
		}
	})
}

func TestWarmUpIsLeftOutByDueTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Jobs of the warm-up take 100 ms and end inside the window. They do
		// not belong to it.
		b := &faulty{Queue: memory.New()}
		epoch := time.Now().Add(20 * time.Millisecond)
		b.publish = func([]byte) (bool, int, error) {
			if time.Since(epoch) < time.Second {
				time.Sleep(100 * time.Millisecond)
			}
			return true, 0, nil
		}
		r := mustRun(t, scenario.Scenario{
			Name: "warm", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 3 * time.Second},
			Consumers: 50, Warmup: time.Second,
		}, b, virtual())
		if r.Window.Scheduled != 200 || r.Window.Completed != 200 {
			t.Errorf("window %+v, want 200 jobs", r.Window)
		}
		if worst := *r.Stages[scenario.EndToEnd].MaxNS; worst > 1e6 {
			t.Errorf("a job of the warm-up is in the window: %d ns", worst)
		}
		if r.Ledger.Scheduled < 300 {
			t.Errorf("the ledger holds %d jobs, want the warm-up's too", r.Ledger.Scheduled)
		}
	})
}

func TestClosedLoopKeepsItsTokensBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// 4 consumers at 10 ms carry 400/s, whatever the 12 tokens want. By
		// Little's law each job then takes 12/400 s.
		r := mustRun(t, scenario.Scenario{
			Name: "closed", Load: scenario.Load{Duration: 20 * time.Second, InFlight: 12},
			Producers: 2, Consumers: 4, Work: scenario.Work{Time: 10 * time.Millisecond}, Warmup: time.Second,
		}, memory.New(), virtual())
		if x := r.Rates.AchievedPerS; x < 399 || x > 401 {
			t.Errorf("achieved %f/s, want 400", x)
		}
		if p := *r.Stages[scenario.EndToEnd].P50NS; p < 29_900_000 || p > 30_100_000 {
			t.Errorf("p50 = %d ns, want 30 ms", p)
		}
		if r.Rates.OfferedPerS != nil || r.Rates.AchievedRatio != nil {
			t.Error("a closed loop offers nothing, but an offered rate was reported")
		}
	})
}

func TestExactNumberOfJobs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		s    scenario.Scenario
	}{
		{"open loop, shares that do not divide", scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1001}, Producers: 7}},
		{"open loop, last batch cut", scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1001}, Producers: 3, Batch: 16}},
		{"open loop, poisson", scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1001, Arrivals: pace.Poisson}, Producers: 3}},
		{"closed loop", scenario.Scenario{Load: scenario.Load{Jobs: 1001}, Producers: 3}},
		{"closed loop, last batch cut", scenario.Scenario{Load: scenario.Load{Jobs: 1001}, Producers: 3, Batch: 16}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c.s.Name, c.s.Consumers, c.s.Work.Time = "exact", 5, time.Millisecond
				r := mustRun(t, c.s, memory.New(), virtual())
				if r.Ledger.Notified != 1001 || r.Ledger.Lost != 0 || r.Window.Scheduled != 1001 {
					t.Errorf("ledger %+v, window %+v; want 1001 jobs and none lost", r.Ledger, r.Window)
				}
			})
		})
	}
}

func TestEverySubscriberHasToHear(t *testing.T) {
	t.Parallel()
	for _, subscribers := range []int{2, 3, 70} {
		synctest.Test(t, func(t *testing.T) {
			r := mustRun(t, scenario.Scenario{
				Name: "fan", Load: scenario.Load{Rate: pace.PerSecond(500), Jobs: 1000}, Consumers: 2, Subscribers: subscribers,
			}, memory.New(), virtual())
			if r.Ledger.Notified != 1000 || r.Ledger.Duplicated != 0 {
				t.Errorf("%d subscribers: ledger %+v", subscribers, r.Ledger)
			}
		})
	}
}

func TestPayloadTravelsWithTheJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Queue: memory.New()}
		b.push = func(jobs [][]byte) ([][]byte, error) {
			for _, j := range jobs {
				var job struct{ JobID, TenantID, Payload string }
				if err := json.Unmarshal(j, &job); err != nil || len(job.JobID) != 36 || len(job.Payload) != 300 || job.TenantID == "" {
					t.Errorf("job %q: %v", j, err)
				}
			}
			return jobs, nil
		}
		r := mustRun(t, scenario.Scenario{Name: "payload", Load: scenario.Load{Jobs: 50}, Payload: 300, Batch: 5}, b, virtual())
		if r.Ledger.Notified != 50 {
			t.Errorf("ledger %+v", r.Ledger)
		}
	})
}

func TestLossIsAttributedToItsLeg(t *testing.T) {
	t.Parallel()
	short := scenario.Scenario{
		Name: "loss", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1000}, Producers: 2, Consumers: 3,
		DrainTimeout: 2 * time.Second,
	}
	for _, c := range []struct {
		name  string
		fault func(*faulty)
		want  map[scenario.Leg]int64
	}{
		{"a job that the queue forgot", func(f *faulty) {
			lose := nth(100)
			f.push = func(jobs [][]byte) ([][]byte, error) {
				if lose() {
					return nil, nil
				}
				return jobs, nil
			}
		}, map[scenario.Leg]int64{scenario.LegVanished: 10}},
		{"a message that nobody heard", func(f *faulty) {
			lose := nth(50)
			f.publish = func([]byte) (bool, int, error) { return !lose(), 0, nil }
		}, map[scenario.Leg]int64{scenario.LegNobody: 20}},
		{"a message that did not arrive", func(f *faulty) {
			lose := nth(40)
			f.publish = func([]byte) (bool, int, error) { return !lose(), 1, nil }
		}, map[scenario.Leg]int64{scenario.LegUnnotified: 25}},
		{"a job that comes out damaged", func(f *faulty) {
			spoil := nth(200)
			f.pop = func(jobs [][]byte) [][]byte {
				if spoil() {
					jobs[0] = damage(jobs[0])
				}
				return jobs
			}
		}, map[scenario.Leg]int64{scenario.LegVanished: 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &faulty{Queue: memory.New()}
				c.fault(b)
				r := mustRun(t, short, b, virtual())
				var lost int64
				for leg, n := range r.Ledger.LostByLeg {
					if n != c.want[leg] {
						t.Errorf("%s: %d lost, want %d", leg, n, c.want[leg])
					}
					lost += c.want[leg]
				}
				if got := r.Window.Scheduled - r.Window.Completed; got != lost {
					t.Errorf("the window misses %d jobs, want %d", got, lost)
				}
				// 1 % lost: the 99th percentile is the last that arrived or none.
				if lost > 10 && r.Stages[scenario.EndToEnd].P99NS != nil {
					t.Errorf("p99 is given although %d of 1000 jobs never arrived", lost)
				}
			})
		})
	}
}

func TestJobsLeftInTheListAreFoundThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// One consumer at 10 ms takes 100/s of the 1,000/s, until the drain
		// timeout of 1 s after the second of load is over.
		q := memory.New()
		r := mustRun(t, scenario.Scenario{
			Name: "left", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1000},
			Work: scenario.Work{Time: 10 * time.Millisecond}, DrainTimeout: time.Second,
		}, q, virtual())
		l := r.Ledger
		if left := l.LostByLeg[scenario.LegInQueue]; left < 765 || left > 801 || l.Lost-left > 1 {
			t.Errorf("ledger %+v, want about 800 jobs in the list", l)
		}
		if n, _ := q.Len(t.Context()); n != 0 {
			t.Errorf("%d jobs were left behind", n)
		}
	})
}

func TestDuplicatesAndForeignersAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Queue: memory.New()}
		twice := nth(100)
		b.push = func(jobs [][]byte) ([][]byte, error) {
			if twice() {
				return append(jobs, jobs[0], []byte("4711")), nil
			}
			return jobs, nil
		}
		chatter := nth(10)
		stranger, err := b.Queue.OpenConsumer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.publish = func([]byte) (bool, int, error) {
			if chatter() {
				stranger.Publish(t.Context(), []byte(`{"tenantId":"x","jobId":"other","status":"COMPLETED","error":null}`))
				stranger.Publish(t.Context(), []byte("not json"))
			}
			return true, 0, nil
		}
		r := mustRun(t, scenario.Scenario{Name: "dup", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1000}, Consumers: 2}, b, virtual())
		l := r.Ledger
		// Each of the ten doubled jobs is popped and published once too often.
		if l.Notified != 1000 || l.Lost != 0 || l.Duplicated != 20 {
			t.Errorf("ledger %+v, want 1000 notified and 20 duplicated", l)
		}
		if l.Foreign != 10+101 || l.Corrupt != 101 {
			t.Errorf("%d foreign and %d corrupt, want 111 and 101", l.Foreign, l.Corrupt)
		}
	})
}

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
		r, err := scenario.Run(ctx, scenario.Scenario{
			Name: "hard", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Minute},
			Consumers: 1, Work: scenario.Work{Time: 10 * time.Millisecond},
		}, q, virtual())
		if err != nil {
			t.Fatal(err)
		}
		checkLaws(t, r)
		if !r.Run.Interrupted || r.Ledger.LostByLeg[scenario.LegInQueue] < 1700 {
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
		r, err := scenario.Run(t.Context(), scenario.Scenario{
			Name: "oom", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 30 * time.Second}, Consumers: 2, Producers: 2,
		}, b, virtual())
		if err == nil || !strings.Contains(err.Error(), "OOM") || r == nil {
			t.Fatalf("Run = %v, %v; want a result and the error", r, err)
		}
		checkLaws(t, r)
		if !r.Run.Failed || r.Validity.Verdict != scenario.Invalid || r.Ledger.Errors["push"] == 0 {
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
		if r.Ledger.LostByLeg[scenario.LegUnnotified] != 20 || !strings.Contains(r.Run.StopReason, "token") {
			t.Errorf("ledger %+v, stopped because %q", r.Ledger, r.Run.StopReason)
		}
		if r.Validity.Verdict != scenario.Invalid {
			t.Errorf("verdict %s of a run without a completed job", r.Validity.Verdict)
		}
	})
}

func TestAQueueThatIsNotEmptyIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	q := memory.New()
	p, _ := q.OpenProducer(t.Context())
	p.Push(t.Context(), []byte("theirs"))
	if _, err := scenario.Run(t.Context(), scenario.Scenario{Name: "full", Load: scenario.Load{Jobs: 1}}, q, scenario.Options{}); err == nil {
		t.Error("a queue with somebody's job in it was accepted")
	}
	if n, _ := q.Len(t.Context()); n != 1 {
		t.Errorf("%d jobs in the queue afterwards, want the one that was there", n)
	}
}

func TestFaultsAreRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	_, err := scenario.Run(t.Context(), scenario.Scenario{Name: "bad", Consumers: -1, Batch: -3}, nil, scenario.Options{})
	var invalid *scenario.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Faults) < 2 {
		t.Errorf("Run = %v, want both faults", err)
	}
}

func TestTheBrakeEndsALoadThatFillsTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// 900/s more come than go: 2,000 wait after 2.2 s.
		r := mustRun(t, scenario.Scenario{
			Name: "brake", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Minute, MaxBacklog: 2000},
			Work: scenario.Work{Time: 10 * time.Millisecond}, DrainTimeout: time.Minute,
		}, memory.New(), virtual())
		if !strings.Contains(r.Run.StopReason, "max_backlog") || r.Validity.Verdict != scenario.Invalid {
			t.Errorf("stopped because %q, verdict %s", r.Run.StopReason, r.Validity.Verdict)
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
		if r.Validity.Verdict != scenario.Invalid || !strings.Contains(strings.Join(r.Validity.Reasons, " "), "max_in_flight") {
			t.Errorf("verdict %s: %q", r.Validity.Verdict, r.Validity.Reasons)
		}
		if b := *r.Scalars["backlog.max"]; b > 620 {
			t.Errorf("%.0f jobs were on their way at once, want about 500", b)
		}
		if worst := *r.Stages[scenario.EndToEnd].MaxNS; worst < 17e9 {
			t.Errorf("the last job took %d ns from its due time, want 18 s", worst)
		}
	})
}

func TestAnotherConsumerOnTheQueueIsFoundOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			thief, _ := q.OpenConsumer(ctx)
			for {
				jobs, err := thief.Pop(ctx, 1, time.Second)
				if ctx.Err() != nil {
					return
				}
				if err == nil {
					thief.Publish(ctx, jobqueue.AppendOutcome(nil, "t1", jobs[0], jobqueue.Completed, nil))
				}
			}
		}()
		r, err := scenario.Run(t.Context(), scenario.Scenario{
			Name: "thief", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1000}, Consumers: 3, DrainTimeout: time.Second,
		}, q, virtual())
		if err != nil {
			t.Fatal(err)
		}
		if r.Validity.Verdict != scenario.Invalid || !strings.Contains(strings.Join(r.Validity.Reasons, " "), "another consumer") {
			t.Errorf("verdict %s: %q", r.Validity.Verdict, r.Validity.Reasons)
		}
		if r.Ledger.Lost != 0 {
			t.Errorf("ledger %+v: the jobs came home", r.Ledger)
		}
	})
}

func TestBusyWorkersAndQueueAgreeWithTheStamps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// 4 workers at 5 ms carry 800/s; Poisson arrivals at 720/s queue up.
		r := mustRun(t, scenario.Scenario{
			Name: "laws", Load: scenario.Load{Rate: pace.PerSecond(720), Duration: 60 * time.Second, Arrivals: pace.Poisson},
			Consumers: 4, Work: scenario.Work{Time: 5 * time.Millisecond}, Warmup: 5 * time.Second, Seed: 7,
		}, memory.New(), virtual())
		for _, name := range []string{"little", "utilisation"} {
			c := r.Validity.Checks[name]
			if c.Value == nil || !c.Passed {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if u := r.Validity.Checks["utilisation"].Detail; !strings.Contains(u, "9") {
			t.Errorf("utilisation: %s, want about 90 %%", u)
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
		if r.Validity.Verdict != scenario.Invalid || r.Ledger.LostByLeg[scenario.LegUnsent] < 1900 {
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
		if r.Ledger.LostByLeg[scenario.LegUnfinished] < 90 {
			t.Errorf("ledger %+v, want most of a batch unfinished", r.Ledger)
		}
	})
}

// blind is a queue that cannot be looked into.
type blind struct{ jobqueue.Backend }

func TestJobsInAQueueThatCannotBeReadAreNotSaidToHaveVanished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{
			Name: "blind", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 3 * time.Second},
			Work: scenario.Work{Time: 10 * time.Millisecond}, DrainTimeout: time.Second,
		}, blind{memory.New()}, virtual())
		if l := r.Ledger.LostByLeg; l[scenario.LegVanished] != 0 || l[scenario.LegInQueue] < 2000 {
			t.Errorf("lost %v", l)
		}
		if c := r.Validity.Checks["little"]; !c.Passed {
			t.Errorf("an overload breaks Little's law: %s", c.Detail)
		}
	})
}

func TestEveryPushThatIsWaitedForHasItsOwnMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// 210/s at 5 ms a push are more than one producer can do: it is late,
		// and that is the generator's delay, not the queue's.
		b := &faulty{Queue: memory.New()}
		b.push = func(jobs [][]byte) ([][]byte, error) {
			time.Sleep(5 * time.Millisecond)
			return jobs, nil
		}
		r := mustRun(t, scenario.Scenario{
			Name: "waits", Load: scenario.Load{Rate: pace.PerSecond(210), Jobs: 2100}, Consumers: 2,
		}, b, virtual())
		if worst := *r.Stages[scenario.Enqueue].MaxNS; worst != 5_000_000 {
			t.Errorf("a push took up to %d ns, want 5 ms", worst)
		}
		if late := *r.Stages[scenario.Lateness].MaxNS; late < 450e6 {
			t.Errorf("the last job was %d ns late, want about 500 ms", late)
		}
	})
}

func TestACutWindowHoldsNoMoreThanWasDueInIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		r, err := scenario.Run(ctx, scenario.Scenario{
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
