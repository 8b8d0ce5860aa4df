package engine_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// outside starts workers that a run knows nothing of. Each takes a job, says
// that it has begun, works, and says that it is done; every nth job it forgets.
func outside(t *testing.T, q *memory.Queue, workers int, work time.Duration, forget func() bool) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	for range workers {
		c, err := q.OpenConsumer(ctx)
		if err != nil {
			t.Fatal(err)
		}
		working.Go(func() {
			for {
				jobs, err := c.Pop(ctx, 1, time.Second)
				if errors.Is(err, jobqueue.ErrEmpty) {
					continue
				}
				if err != nil {
					return
				}
				id := string(jobs[0])
				say := func(s jobqueue.Status, took time.Duration) {
					c.Publish(ctx, jobqueue.Update{TenantID: "t1", JobID: id, Status: s, Work: took}.AppendTo(nil))
				}
				if forget() {
					continue
				}
				time.Sleep(2 * time.Millisecond)
				say(jobqueue.Running, 0)
				time.Sleep(work)
				say(jobqueue.Completed, work)
			}
		})
	}
	return func() { cancel(); working.Wait() }
}

func TestWorkersOutsideAreMeasuredByWhatCanBeSeen(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := memory.New()
		stop := outside(t, q, 4, 5*time.Millisecond, func() bool { return false })
		r := mustRun(t, scenario.Scenario{
			Name: "outside", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}, External: true,
		}, q, virtual())
		stop()
		if l := r.Ledger; l.Notified != 500 || l.Lost != 0 || l.Popped != 500 {
			t.Errorf("ledger %+v, want all 500 notified", l)
		}
		for stage, want := range map[metric.Stage]int64{metric.EndToEnd: 7e6, metric.Pickup: 2e6, metric.Enqueue: 0, metric.WorkTime: 5e6} {
			if s := r.Stages[stage]; s == nil || s.Count != 500 || *s.MinNS != want || *s.MaxNS != want {
				t.Errorf("%s = %+v, want 500 jobs of %d ns", stage, s, want)
			}
		}
		for _, stage := range []metric.Stage{metric.Queue, metric.Publish, metric.Notify, metric.First} {
			if r.Stages[stage] != nil {
				t.Errorf("%s is in the result, though it cannot be seen", stage)
			}
		}
		if r.Validity.Verdict != result.Valid {
			t.Errorf("verdict %s: %q", r.Validity.Verdict, r.Validity.Reasons)
		}
	})
}

func TestJobsThatAWorkerOutsideForgotAreNamed(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := memory.New()
		stop := outside(t, q, 1, time.Millisecond, nth(100))
		r := mustRun(t, scenario.Scenario{
			Name: "forgotten", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 500}, External: true,
			DrainTimeout: time.Second,
		}, q, virtual())
		stop()
		l := r.Ledger
		if l.Lost != 5 || l.LostByLeg[ledger.LegUnfinished] != 5 || len(l.LostJobs) != 5 {
			t.Fatalf("ledger %+v, want 5 jobs popped and never finished", l)
		}
		for i, j := range l.LostJobs {
			if j.Leg != ledger.LegUnfinished || i > 0 && j.ID <= l.LostJobs[i-1].ID {
				t.Errorf("lost jobs %+v, want five in order", l.LostJobs)
			}
		}
	})
}

func TestOfASharedQueueOnlyOurJobsAreRemoved(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := &removing{Queue: memory.New()}
		p, err := q.OpenProducer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Push(t.Context(), []byte("theirs")); err != nil {
			t.Fatal(err)
		}
		o := virtual()
		s := scenario.Scenario{Name: "shared", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 50}, External: true, DrainTimeout: time.Second}
		if _, err := engine.Run(t.Context(), s, q, o); err == nil {
			t.Fatal("a queue that is not empty was taken without leave")
		}
		o.AllowNonEmpty, o.Shared = true, true
		r := mustRun(t, s, q, o)
		if n := r.Ledger.LostByLeg[ledger.LegInQueue]; n != 50 || len(q.removed) != 50 {
			t.Errorf("%d jobs in the queue at the end and %d removed, want 50", n, len(q.removed))
		}
		if n, _ := q.Len(t.Context()); n != 51 {
			t.Errorf("%d elements in a queue from which only single ones may be taken, want all 51", n)
		}
	})
}

// removing is a queue that notes what is to be taken out of it.
type removing struct {
	*memory.Queue
	removed []string
}

func (q *removing) Discard(_ context.Context, elements ...string) (int64, error) {
	q.removed = append(q.removed, elements...)
	return int64(len(elements)), nil
}

func TestJobsOfOthersThatOurConsumersTookAreGivenBack(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := &returning{Queue: memory.New()}
		p, err := q.OpenProducer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Push(t.Context(), []byte("theirs"), []byte("theirs, too")); err != nil {
			t.Fatal(err)
		}
		o := virtual()
		o.AllowNonEmpty, o.Shared = true, true
		r := mustRun(t, scenario.Scenario{Name: "guests", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 50}}, q, o)
		if r.Ledger.Foreign != 2 || len(q.returned) != 2 || q.returned[0] != "theirs" {
			t.Errorf("%d foreign, %q given back; want both, the first one first", r.Ledger.Foreign, q.returned)
		}
	})
}

// returning is a queue that notes what is put back.
type returning struct {
	*memory.Queue
	returned []string
}

func (q *returning) Return(_ context.Context, elements ...[]byte) error {
	for _, e := range elements {
		q.returned = append(q.returned, string(e))
	}
	return nil
}

func (q *returning) Discard(context.Context, ...string) (int64, error) { return 0, nil }

func TestRunningBeforeTheWorkGivesPickup(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{
			Name: "running", Load: scenario.Load{Rate: pace.PerSecond(200), Jobs: 1000},
			Consumers: 1, Work: scenario.Work{Time: 10 * time.Millisecond, Running: true, FailRate: 0.1}, Seed: 3,
			DrainTimeout: time.Minute,
		}, memory.New(), virtual())
		pickup, queue := r.Stages[metric.Pickup], r.Stages[metric.Queue]
		if pickup == nil || pickup.Count != 1000 || *pickup.P99NS != *queue.P99NS || *pickup.MaxNS != *queue.MaxNS {
			t.Errorf("pickup %+v, want what the jobs waited in the queue: %+v", pickup, queue)
		}
		if s := r.Stages[metric.Running]; s == nil || s.Count != 1000 || *s.MinNS != 10e6 || *s.MaxNS != 10e6 {
			t.Errorf("running %+v, want the work of each job", s)
		}
		if f := r.Ledger.Failed; f < 70 || f > 130 {
			t.Errorf("%d of 1000 jobs failed, want about 100", f)
		}
	})
}

func TestOfSeveralSubscribersTheFirstAndTheLastAreTold(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		b := &faulty{Queue: memory.New()}
		var turn atomic.Int64
		b.receive = func([]byte) bool {
			time.Sleep(time.Duration(turn.Add(1)%3) * 10 * time.Millisecond) // 10, 20 and 0 ms, in turn
			return true
		}
		r := mustRun(t, scenario.Scenario{
			Name: "several", Load: scenario.Load{Rate: pace.PerSecond(10), Duration: 5 * time.Second}, Subscribers: 3,
		}, b, virtual())
		first, last := r.Stages[metric.First], r.Stages[metric.Notify]
		if *first.MaxNS != 0 || *last.MinNS != 20e6 || first.Count != 50 {
			t.Errorf("the first heard after %d ns at most, the last after %d at least; want 0 and 20 ms", *first.MaxNS, *last.MinNS)
		}
	})
}

func TestAHoldMakesABacklogAndIsRecoveredFrom(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		// 100/s for the two seconds of the hold make 200 jobs. 4 consumers at
		// 10 ms carry 400/s, so 300/s of it are to spare: 2/3 s.
		r := mustRun(t, scenario.Scenario{
			Name: "hold", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 10 * time.Second},
			Consumers: 4, Work: scenario.Work{Time: 10 * time.Millisecond},
			Hold: scenario.Hold{From: 2 * time.Second, For: 2 * time.Second},
		}, memory.New(), virtual())
		if most := *r.Scalars["backlog.max"]; most < 198 || most > 202 {
			t.Errorf("the backlog reached %v, want 200", most)
		}
		if v := r.Scalars["recovery"]; v == nil || *v < 0.6e9 || *v > 0.8e9 {
			t.Errorf("recovery = %v, want 2/3 s", v)
		}
		if longest := *r.Stages[metric.WorkTime].MaxNS; longest != 10e6 {
			t.Errorf("the longest work took %d ns; jobs that are in progress when a pause begins are finished and published", longest)
		}
		if longest := *r.Stages[metric.EndToEnd].MaxNS; longest < 2.0e9 || longest > 2.02e9 {
			t.Errorf("the longest end_to_end is %d ns, want the whole hold and the work", longest)
		}
	})
}

func TestPrefilledJobsAreInTheLedgerAndNotInTheWindow(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{
			Name: "prefill", Load: scenario.Load{Rate: pace.PerSecond(50), Duration: 10 * time.Second}, Prefill: 105, Batch: 10,
			Consumers: 1, Work: scenario.Work{Time: 10 * time.Millisecond},
		}, memory.New(), virtual())
		if l := r.Ledger; l.Sent != 605 || l.Notified != 605 || l.Prefilled != 105 {
			t.Errorf("ledger %+v, want 605 jobs, 105 of them prefilled", l)
		}
		if w := r.Window; w.Scheduled != 500 || w.Completed != 500 {
			t.Errorf("window %+v, want the 500 of the schedule", w)
		}
		if v := r.Scalars["recovery"]; v == nil || *v < 1.8e9 || *v > 2.4e9 {
			t.Errorf("recovery = %v, want about 2.1 s", v)
		}
	})
}

func TestUsersWhoThinkAreTheInteractiveLaw(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		// X = K/(R+Z): 20 users, 10 ms of work without waiting, 90 ms to think.
		r := mustRun(t, scenario.Scenario{
			Name: "think", Load: scenario.Load{Duration: 10 * time.Second, InFlight: 20, Think: 90 * time.Millisecond},
			Consumers: 20, Work: scenario.Work{Time: 10 * time.Millisecond},
		}, memory.New(), virtual())
		if x := r.Rates.AchievedPerS; x < 199 || x > 201 {
			t.Errorf("%v jobs/s, want 200", x)
		}
	})
}

func TestWithoutNotificationAJobEndsWithItsWork(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{
			Name: "none", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}, Consumers: 2,
			Work: scenario.Work{Time: 5 * time.Millisecond}, Notify: jobqueue.NoNotify,
		}, memory.New(), virtual())
		if e := r.Stages[metric.EndToEnd]; e.Count != 500 || *e.MaxNS != 5e6 {
			t.Errorf("end_to_end %+v, want 500 jobs of 5 ms", e)
		}
		if r.Stages[metric.Notify] != nil || r.Stages[metric.Publish] != nil {
			t.Error("a stage of notification without any")
		}
	})
}

// TestABreakdownAddsUpToTheWindow: whatever is asked for, the parts are the whole.
func TestABreakdownAddsUpToTheWindow(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		b := &faulty{Queue: memory.New()}
		drop := nth(10)
		b.receive = func([]byte) bool { return !drop() }
		r := mustRun(t, scenario.Scenario{
			Name: "tenants", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 4 * time.Second}, Warmup: time.Second,
			Consumers: 4, Tenants: scenario.Tenants{Count: 50, Skew: 1}, Seed: 5, DrainTimeout: time.Second,
		}, b, virtual())
		parts := r.Breakdown["tenant"]
		if len(parts) != 21 || parts[20].Name != "30 others" {
			t.Fatalf("%d parts, the last %+v, want 20 tenants and the others", len(parts), parts[len(parts)-1])
		}
		var sum result.Part
		for _, p := range parts {
			sum.Scheduled += p.Scheduled
			sum.Completed += p.Completed
			sum.Lost += p.Lost
			if p.EndToEnd.Count != p.Completed {
				t.Errorf("%s completed %d, and its latency has %d", p.Name, p.Completed, p.EndToEnd.Count)
			}
		}
		w := r.Window
		if sum.Scheduled != w.Scheduled || sum.Completed != w.Completed || sum.Lost != w.Scheduled-w.Completed || sum.Lost == 0 {
			t.Errorf("the parts add up to %+v, the window is %+v", sum, w)
		}
		// Zipf's law with exponent 1: the first has twice the share of the second.
		if ratio := float64(parts[0].Sent) / float64(parts[1].Sent); ratio < 1.6 || ratio > 2.5 {
			t.Errorf("the first tenant has %d jobs, the second %d", parts[0].Sent, parts[1].Sent)
		}
	})
}
