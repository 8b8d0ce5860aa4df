package engine_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestLossIsAttributedToItsLeg(t *testing.T) {
	t.Parallel()
	short := scenario.Scenario{
		Name: "loss", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1000}, Producers: 2, Consumers: 3,
		DrainTimeout: 2 * time.Second,
	}
	for _, c := range []struct {
		name  string
		fault func(*faulty)
		want  map[result.Leg]int64
	}{
		{"a job that the queue forgot", func(f *faulty) {
			lose := nth(100)
			f.push = func(jobs [][]byte) ([][]byte, error) {
				if lose() {
					return nil, nil
				}
				return jobs, nil
			}
		}, map[result.Leg]int64{ledger.LegVanished: 10}},
		{"a message without a subscriber", func(f *faulty) {
			lose := nth(50)
			f.publish = func([]byte) (bool, int, error) { return !lose(), 0, nil }
		}, map[result.Leg]int64{ledger.LegUnheard: 20}},
		{"a message that did not arrive", func(f *faulty) {
			lose := nth(40)
			f.publish = func([]byte) (bool, int, error) { return !lose(), 1, nil }
		}, map[result.Leg]int64{ledger.LegUnnotified: 25}},
		{"a job that comes out damaged", func(f *faulty) {
			spoil := nth(200)
			f.pop = func(jobs [][]byte) [][]byte {
				if spoil() {
					jobs[0] = damage(jobs[0])
				}
				return jobs
			}
		}, map[result.Leg]int64{ledger.LegVanished: 5}},
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
				for i, row := range r.Timeline {
					lost -= row.Lost
					if row.Lost > row.Sent {
						t.Errorf("row %d of the timeline: %d of %d sent jobs are lost", i, row.Lost, row.Sent)
					}
				}
				if lost != 0 {
					t.Errorf("%d lost jobs are in no row of the timeline", lost)
				}
				// 1% lost: the 99th percentile is the last that arrived or none.
				if lost := r.Ledger.Lost; lost > 10 && r.Stages[metric.EndToEnd].P99NS != nil {
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
		if left := l.LostByLeg[ledger.LegInQueue]; left < 765 || left > 801 || l.Lost-left > 1 {
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
		if l.Foreign != 10+101 || l.Corrupt != 0 || l.Unreadable != 101 {
			t.Errorf("%d foreign, %d corrupt and %d unreadable, want 111, 0 and 101", l.Foreign, l.Corrupt, l.Unreadable)
		}
	})
}

// TestAJobThatTwoWorkersEndIsPublishedOnce: as it is popped and finished once. The law that
// a later count is never above an earlier one depends on it.
func TestAJobThatTwoWorkersEndIsPublishedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		twice := &faulty{Queue: memory.New(), push: func(jobs [][]byte) ([][]byte, error) { return append(jobs, jobs...), nil }}
		r := mustRun(t, scenario.Scenario{
			Name: "twice", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 500}, Consumers: 4, Design: jobqueue.ReliableList,
			Work: scenario.Work{Time: 5 * time.Millisecond}, DrainTimeout: time.Second,
		}, twice, virtual())
		if l := r.Ledger; l.Notified != 500 || l.Popped != 500 || l.Finished != 500 || l.Published != 500 || l.Redelivered != 500 {
			t.Errorf("ledger %+v, want each of 500 jobs counted once on every leg", l)
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
					thief.Publish(ctx, updates.AppendOutcome(nil, "t1", jobs[0], jobqueue.Completed, nil))
				}
			}
		}()
		r, err := engine.Run(t.Context(), scenario.Scenario{
			Name: "thief", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 1000}, Consumers: 3, DrainTimeout: time.Second,
		}, q, virtual())
		if err != nil {
			t.Fatal(err)
		}
		if r.Validity.Verdict != result.Invalid || !strings.Contains(strings.Join(r.Validity.Reasons, " "), "another consumer") {
			t.Errorf("verdict %s: %q", r.Validity.Verdict, r.Validity.Reasons)
		}
		if r.Ledger.Lost != 0 {
			t.Errorf("ledger %+v: the jobs came home", r.Ledger)
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
		if l := r.Ledger.LostByLeg; l[ledger.LegVanished] != 0 || l[ledger.LegInQueue] < 2000 {
			t.Errorf("lost %v", l)
		}
		if c := r.Validity.Checks["little"]; !c.Passed {
			t.Errorf("an overload breaks Little's law: %s", c.Detail)
		}
	})
}
