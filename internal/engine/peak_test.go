package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// highest is the highest backlog of the timeline, and when its row ended.
func highest(r *result.Result) (peak int64, at float64) {
	for _, row := range r.Timeline {
		if row.Peak() > peak {
			peak, at = row.Peak(), row.ElapsedS
		}
	}
	return peak, at
}

func TestTheTimelineShowsThePeakOfAStall(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{6 * time.Second, 40 * time.Second} {
		simulate(t, func(t *testing.T) {
			b := &faulty{Queue: memory.New()}
			epoch := time.Now()
			b.pop = func(jobs [][]byte) [][]byte {
				if at := time.Since(epoch); at > 3100*time.Millisecond && at < 3600*time.Millisecond {
					time.Sleep(3600*time.Millisecond - at)
				}
				return jobs
			}
			r := mustRun(t, scenario.Scenario{
				Name: "stall", Load: scenario.Load{Rate: pace.PerSecond(2000), Duration: length}, Consumers: 4,
			}, b, virtual())
			peak, at := highest(r)
			within(t, "peak", float64(peak), 1000, 45) // the stall begins up to the lead of 20 ms early
			want := 3.6
			if length > 30*time.Second {
				want = 4
			}
			within(t, "the row of the peak", at, want, 0.11)
			within(t, "backlog.max", *r.Scalars["backlog.max"], float64(peak), 0)
		})
	}
}

func TestTheTimelineShowsABurstBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		// Batches of 200, each done 3 ms later: no look at the backlog sees them.
		r := mustRun(t, scenario.Scenario{
			Name: "burst", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 40 * time.Second}, Batch: 200, Producers: 1,
			Consumers: 1, Work: scenario.Work{Time: 15 * time.Microsecond},
		}, memory.New(), virtual())
		peak, _ := highest(r)
		within(t, "peak", float64(peak), 200, 2)
	})
}

func TestAShortRunHasRowsOfATenthOfASecond(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		var seconds []time.Duration
		o := virtual()
		o.Interval = func(i latency.Interval) {
			if i.Stage == metric.EndToEnd {
				seconds = append(seconds, i.Length)
			}
		}
		r := mustRun(t, scenario.Scenario{Name: "short", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 3 * time.Second}, Consumers: 4}, memory.New(), o)
		if n := len(r.Timeline); n < 30 || n > 32 {
			t.Errorf("%d rows, want 30", n)
		}
		var jobs, offered int64
		for i, row := range r.Timeline {
			offered += row.Offered
			if i < 30 && row.Offered != 10 {
				t.Errorf("row %d offers %d jobs, want 10", i, row.Offered)
			}
			if s := row.Stages[metric.EndToEnd]; s != nil {
				jobs += s.Count
			}
		}
		if jobs != r.Ledger.Notified || offered != r.Ledger.Scheduled {
			t.Errorf("the rows hold %d jobs and %d offered, the ledger %d and %d", jobs, offered, r.Ledger.Notified, r.Ledger.Scheduled)
		}
		// Histograms go on by the second.
		if len(seconds) < 3 || len(seconds) > 4 || seconds[0] != time.Second {
			t.Errorf("intervals of %s", seconds)
		}
	})
}

func TestAPrefilledQueueIsABacklogFromTheFirstRow(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{
			Name: "prefilled", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 4 * time.Second}, Prefill: 500,
			Consumers: 10, Work: scenario.Work{Time: 10 * time.Millisecond},
		}, memory.New(), virtual())
		if got := r.Timeline[0].BacklogMax; got < 480 || got > 520 {
			t.Errorf("the first row's highest backlog is %d, want 500", got)
		}
	})
}

// unanswered is a server that does not say how long its queue is, for a while.
type unanswered struct {
	jobqueue.Backend
	from, to time.Time
}

func (q unanswered) Len(ctx context.Context) (int64, error) {
	if now := time.Now(); now.After(q.from) && now.Before(q.to) {
		select {
		case <-time.After(q.to.Sub(now)):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return q.Backend.Len(ctx)
}

// A stall is in the result with its time, and in the snapshots once it is known. One that
// the scenario asked for is among the faults, and no stall.
func TestAStallIsInTheResultUnlessAFaultCausedIt(t *testing.T) {
	t.Parallel()
	for _, planned := range []bool{false, true} {
		simulate(t, func(t *testing.T) {
			b := newBreakable()
			o := on(b)
			var live *result.Stall
			var faults []result.Fault
			o.Snapshot = func(s engine.Snapshot) { live, faults = s.Result().Stall, s.Result().Faults }
			s := at1000(12 * time.Second)
			if planned {
				f := faultOf(scenario.PauseFault, scenario.RedisTarget, 3*time.Second)
				f.For = 3 * time.Second
				s.Faults = append(s.Faults, f)
			}
			now := time.Now()
			r := mustRun(t, s, unanswered{b, now.Add(3 * time.Second), now.Add(6 * time.Second)}, o)
			if planned {
				if r.Stall != nil || live != nil {
					t.Errorf("a planned pause is the stall %+v", r.Stall)
				}
				if len(faults) != 1 || *faults[0].BeganNS != *r.Faults[0].BeganNS || *faults[0].EndedNS != *r.Faults[0].EndedNS {
					t.Errorf("the last snapshot has the faults %+v, the result %+v", faults, r.Faults)
				}
				return
			}
			if r.Stall == nil || live == nil || *live != *r.Stall || r.Stall.Lasted {
				t.Fatalf("the stall is %+v, in the last snapshot %+v", r.Stall, live)
			}
			within(t, "its begin", float64(r.Stall.FromNS)/1e9, 3, 0.1)
			within(t, "its end", float64(r.Stall.ToNS)/1e9, 6, 0.1)
			if len(r.Faults)+len(faults) != 0 {
				t.Errorf("faults %+v of a run without any", r.Faults)
			}
		})
	}
}
