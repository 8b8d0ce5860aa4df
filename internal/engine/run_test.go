package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// simulate runs fn in virtual time. With -short it is skipped, as CI has it under the race
// detector, where simulations take ten times as long: what goroutines share in them, they
// share in those that call synctest.Test themselves and on real servers as well.
func simulate(t *testing.T, fn func(*testing.T)) {
	t.Helper()
	if testing.Short() {
		t.Skip("a simulation that -short leaves out")
	}
	synctest.Test(t, fn)
}

// virtual are options for a run in the virtual time of synctest.
func virtual() engine.Options {
	return engine.Options{NoProbes: true, Waiter: waiter.Coarse}
}

// mustRun runs the scenario in memory and checks the laws that hold for every run.
func mustRun(t *testing.T, s scenario.Scenario, b jobqueue.Backend, o engine.Options) *result.Result {
	t.Helper()
	r, err := engine.Run(context.Background(), s, b, o)
	if err != nil {
		t.Fatalf("Run = %v", err)
	}
	checkLaws(t, r)
	return r
}

// checkLaws are the laws of the ledger and of the stages.
func checkLaws(t *testing.T, r *result.Result) {
	t.Helper()
	l := r.Ledger
	if l.Scheduled != l.Notified+l.Lost+l.Abandoned {
		t.Errorf("ledger: %d scheduled, but %d notified, %d lost and %d abandoned", l.Scheduled, l.Notified, l.Lost, l.Abandoned)
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
	if l.Abandoned > 0 && !r.Run.Interrupted {
		t.Errorf("ledger: %d abandoned, and the run was not interrupted", l.Abandoned)
	}
	for d, parts := range r.Breakdown {
		for _, p := range parts {
			if p.Sent != p.Completed+p.Lost+p.Abandoned {
				t.Errorf("%s %s: %d sent, but %d completed, %d lost and %d abandoned", d, p.Name, p.Sent, p.Completed, p.Lost, p.Abandoned)
			}
		}
	}
	var rows, sent int64
	for _, row := range r.Timeline {
		rows += row.Notified
		sent += row.Sent
	}
	if rows != l.Notified || sent != l.Sent {
		t.Errorf("timeline: %d sent, %d notified; the ledger says %d and %d", sent, rows, l.Sent, l.Notified)
	}
	if r.Scenario.External || r.Scenario.Notify == jobqueue.NoNotify {
		return // not every stage can be seen
	}
	mean := func(s metric.Stage) float64 {
		if r.Stages[s] == nil || r.Stages[s].MeanNS == nil {
			return 0
		}
		return *r.Stages[s].MeanNS
	}
	whole := mean(metric.EndToEnd)
	parts := mean(metric.Lateness) + mean(metric.Store) + mean(metric.Queue) + mean(metric.WorkTime) + mean(metric.Save) + mean(metric.Notify) + mean(metric.Broadcast)
	if d := whole - parts; d > 1e-6*whole+1 || d < -1e-6*whole-1 {
		t.Errorf("mean of end_to_end is %f ns, its parts add up to %f ns", whole, parts)
	}
	for name, s := range r.Stages {
		// An answer that was lost with its connection, or with its worker, has no time.
		unanswered := (name == metric.Enqueue || name == metric.Publish) && (len(l.Reconnects) > 0 || len(r.Faults) > 0) && s.Count <= r.Window.Completed
		if s.Count != r.Window.Completed && !unanswered {
			t.Errorf("stage %s holds %d jobs, the window completed %d", name, s.Count, r.Window.Completed)
		}
	}
}

func TestUnderloadIsTheServiceTimeExactly(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{
			Name: "under", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 60 * time.Second},
			Producers: 4, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond}, Warmup: 2 * time.Second,
		}, memory.New(), virtual())
		if got := r.Window.Scheduled; got != 58_000 {
			t.Errorf("%d jobs in the window, want 58000", got)
		}
		e := r.Stages[metric.EndToEnd]
		if *e.MinNS != 5e6 || *e.MaxNS != 5e6 {
			t.Errorf("end_to_end lies between %d and %d ns, want 5 ms exactly", *e.MinNS, *e.MaxNS)
		}
		if *r.Stages[metric.Lateness].MaxNS != 0 {
			t.Errorf("lateness up to %d ns where time is virtual", *r.Stages[metric.Lateness].MaxNS)
		}
		if r.Validity.Verdict != result.Valid {
			t.Errorf("verdict %s: %q", r.Validity.Verdict, r.Validity.Reasons)
		}
	})
}

func TestOverloadIsTheBacklogOfDDc(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		// 8 consumers at 5 ms carry 1,600/s; 2,000/s for 10 s make 20,000 jobs,
		// the last of which ends at 12.5 s. A job that is due at t is done at
		// about 1.25 t, so end_to_end grows to 2.5 s.
		r := mustRun(t, scenario.Scenario{
			Name: "over", Load: scenario.Load{Rate: pace.PerSecond(2000), Jobs: 20_000},
			Producers: 3, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond},
		}, memory.New(), virtual())
		e := r.Stages[metric.EndToEnd]
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
	simulate(t, func(t *testing.T) {
		// The queue stands still for 500 ms out of 10 s. Of all jobs, 5% were
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
		for q, got := range map[float64]*int64{0.95: r.Stages[metric.EndToEnd].P95NS, 0.99: r.Stages[metric.EndToEnd].P99NS, 0.999: r.Stages[metric.EndToEnd].P999NS} {
			want := 500e6 - 10e9*(1-q)
			if d := float64(*got) - want; d < -2e6 || d > 2e6 {
				t.Errorf("p%v = %d ns, want %.0f", 100*q, *got, want)
			}
		}
	})
}

func TestWarmUpIsLeftOutByDueTime(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
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
		if worst := *r.Stages[metric.EndToEnd].MaxNS; worst > 1e6 {
			t.Errorf("a job of the warm-up is in the window: %d ns", worst)
		}
		if r.Ledger.Scheduled < 300 {
			t.Errorf("the ledger holds %d jobs, want the warm-up's too", r.Ledger.Scheduled)
		}
	})
}

func TestClosedLoopKeepsItsTokensBusy(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		// 4 consumers at 10 ms carry 400/s, whatever the 12 tokens want. By
		// Little's law each job then takes 12/400 s.
		r := mustRun(t, scenario.Scenario{
			Name: "closed", Load: scenario.Load{Duration: 20 * time.Second, InFlight: 12},
			Producers: 2, Consumers: 4, Work: scenario.Work{Time: 10 * time.Millisecond}, Warmup: time.Second,
		}, memory.New(), virtual())
		if x := r.Rates.AchievedPerS; x < 399 || x > 401 {
			t.Errorf("achieved %f/s, want 400", x)
		}
		if p := *r.Stages[metric.EndToEnd].P50NS; p < 29_900_000 || p > 30_100_000 {
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
			simulate(t, func(t *testing.T) {
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
		simulate(t, func(t *testing.T) {
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
	simulate(t, func(t *testing.T) {
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

func TestAQueueThatIsNotEmptyIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	q := memory.New()
	p, _ := q.OpenProducer(t.Context())
	p.Push(t.Context(), []byte("theirs"))
	if _, err := engine.Run(t.Context(), scenario.Scenario{Name: "full", Load: scenario.Load{Jobs: 1}}, q, engine.Options{}); err == nil {
		t.Error("a queue with somebody's job in it was accepted")
	}
	if n, _ := q.Len(t.Context()); n != 1 {
		t.Errorf("%d jobs in the queue afterwards, want the one that was there", n)
	}
}

func TestFaultsAreRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	_, err := engine.Run(t.Context(), scenario.Scenario{Name: "bad", Consumers: -1, Batch: -3}, nil, engine.Options{})
	var invalid *scenario.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) < 2 {
		t.Errorf("Run = %v, want both faults", err)
	}
}

func TestBusyWorkersAndQueueAgreeWithTheStamps(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
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
			t.Errorf("utilisation: %s, want about 90%%", u)
		}
	})
}

func TestEveryPushThatIsWaitedForHasItsOwnMoment(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
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
		if worst := *r.Stages[metric.Enqueue].MaxNS; worst != 5_000_000 {
			t.Errorf("a push took up to %d ns, want 5 ms", worst)
		}
		if late := *r.Stages[metric.Lateness].MaxNS; late < 450e6 {
			t.Errorf("the last job was %d ns late, want about 500 ms", late)
		}
	})
}
