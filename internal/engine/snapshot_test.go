package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// The rows of all snapshots are the timeline of the result, and the last snapshot has the
// figures of the result.
func TestSnapshotsAddUpToTheResult(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{5 * time.Second, 40 * time.Second} { // rows of a tenth of a second, and of a second
		synctest.Test(t, func(t *testing.T) {
			var rows []result.Second
			var last *result.Result
			o := virtual()
			o.Snapshot = func(s engine.Snapshot) {
				rows = append(rows, s.Rows...)
				last = s.Result()
				if s.ID != last.Run.ID || s.Headline != metric.EndToEnd {
					t.Errorf("snapshot of %q with headline %q, want %q and end_to_end", s.ID, s.Headline, last.Run.ID)
				}
				if n := len(rows); n > 0 && rows[n-1].ElapsedS != s.Elapsed.Seconds() {
					t.Errorf("the last row ends at %v s, and the snapshot is of %v", rows[n-1].ElapsedS, s.Elapsed)
				}
			}
			r := mustRun(t, scenario.Scenario{
				Name: "steady", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: length}, Warmup: time.Second,
				Consumers: 4, Work: scenario.Work{Time: 5 * time.Millisecond}, Thresholds: []string{"lost == 0", "end_to_end.p90 < 1s"},
			}, memory.New(), o)
			// The result corrects the highest backlog of a row by the jobs' stamps.
			if diff := cmp.Diff(r.Timeline, rows, cmpopts.IgnoreFields(result.Second{}, "BacklogMax")); diff != "" {
				t.Errorf("rows (-result +snapshots):\n%s", diff)
			}
			if last.Ledger.Sent != r.Ledger.Sent || last.Ledger.Notified != r.Ledger.Notified || last.Window.Completed != r.Window.Completed {
				t.Errorf("the last snapshot has %+v, the result %+v", last.Ledger, r.Ledger)
			}
			for stage, want := range r.Stages {
				if diff := cmp.Diff(want, last.Stages[stage], cmpopts.IgnoreFields(result.StageSummary{}, "HDR")); diff != "" {
					t.Errorf("%s (-result +snapshot):\n%s", stage, diff)
				}
			}
			for i, want := range r.Thresholds {
				if got := last.Thresholds[i]; got.Expr != want.Expr || got.Passed != want.Passed || *got.Value != *want.Value {
					t.Errorf("threshold %+v, want %+v", got, want)
				}
			}
		})
	}
}

// A snapshot says which thresholds are broken now, and leaves open what jobs to come can
// still reach.
func TestASnapshotSaysWhichThresholdsAreFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := virtual()
		failing := map[string]int{}
		n := 0
		o.Snapshot = func(s engine.Snapshot) {
			n++
			for _, o := range s.Thresholds {
				if o.Failed() {
					failing[o.Expr]++
				}
			}
			if len(s.Thresholds) != 4 {
				t.Fatalf("%d thresholds, want all 4", len(s.Thresholds))
			}
		}
		r := mustRun(t, crowd(9*time.Second, "queue.p50 < 100ms", "lost == 0", "end_to_end.count >= 8000", "queue.p50 over 2s < 1s"), memory.New(), o)
		for expr, want := range map[string][2]int{"queue.p50 < 100ms": {n / 2, n}, "lost == 0": {0, 0}, "end_to_end.count >= 8000": {0, 0}, "queue.p50 over 2s < 1s": {1, n - 2}} {
			if got := failing[expr]; got < want[0] || got > want[1] {
				t.Errorf("%q failed in %d of %d snapshots, want %d to %d", expr, got, n, want[0], want[1])
			}
		}
		if i := slices.IndexFunc(r.Thresholds, func(o result.Threshold) bool { return o.Expr == "end_to_end.count >= 8000" }); !r.Thresholds[i].Passed {
			t.Errorf("at the end %+v, want it passed", r.Thresholds[i])
		}
	})
}
