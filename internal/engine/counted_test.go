package engine_test

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestTheCountsAndIntervalsOfARunAddUpToItsResult(t *testing.T) {
	t.Parallel()
	for name, load := range map[string]scenario.Load{
		"open":   {Rate: pace.PerSecond(500), Duration: 10 * time.Second},
		"closed": {InFlight: 4, Duration: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				var counts []ledger.Totals
				stages := map[metric.Stage]int64{}
				o := virtual()
				o.Counted = func(t ledger.Totals) { counts = append(counts, t) }
				o.Interval = func(iv latency.Interval) { stages[iv.Stage] += iv.Histogram.Count() }
				r := mustRun(t, scenario.Scenario{
					Name: "counted", Load: load, Consumers: 4, Prefill: 7, Warmup: time.Second,
					Work: scenario.Work{Time: 5 * time.Millisecond, FailRate: 0.1},
				}, memory.New(), o)
				if len(counts) < 10 {
					t.Fatalf("%d times were the counts passed on in ten seconds", len(counts))
				}
				for _, row := range ledger.Rows() {
					if got, want := counts[len(counts)-1][row.Counter], r.Ledger.Count(row.Key); got != want {
						t.Errorf("%s: the last count is %d, the ledger says %d", row.Key, got, want)
					}
					for i := 1; i < len(counts); i++ {
						if counts[i][row.Counter] < counts[i-1][row.Counter] {
							t.Errorf("%s fell from %d to %d", row.Key, counts[i-1][row.Counter], counts[i][row.Counter])
						}
					}
				}
				for stage, s := range r.Stages {
					if stages[stage] != s.Count {
						t.Errorf("%s: the intervals hold %d jobs, the result %d", stage, stages[stage], s.Count)
					}
				}
			})
		})
	}
}
