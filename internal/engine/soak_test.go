package engine_test

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// long is a run for which rows are joined if it may have few.
func long(d time.Duration) scenario.Scenario {
	return scenario.Scenario{
		Name: "long", Load: scenario.Load{Rate: pace.PerSecond(120), Duration: d, Arrivals: pace.Poisson}, Warmup: 7 * time.Second,
		Consumers: 2, Work: scenario.Work{Time: 15 * time.Millisecond}, Seed: 5, DrainTimeout: time.Minute,
	}
}

// The seconds of a long run are joined to rows: their number is bounded, their counts add
// up to the ledger, and their quantiles are those of all jobs in them.
func TestARowOfALongRunHoldsTheJobsOfItsSeconds(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		type second struct {
			at time.Duration
			h  *latency.Histogram
		}
		var seconds []second
		o := virtual()
		o.MostRows = 20
		o.Interval = func(iv latency.Interval) {
			if iv.Stage == metric.EndToEnd {
				h := latency.New()
				h.Merge(iv.Histogram)
				seconds = append(seconds, second{iv.Start + iv.Length/2, h})
			}
		}
		r := mustRun(t, long(100*time.Second), memory.New(), o)
		if r.RowS != 5 {
			t.Errorf("rows of %v s, want 5", r.RowS)
		}
		// The schedule, a row that the end of the warm-up cuts, and the drain.
		if n := len(r.Timeline); n < 20 || n > 23 {
			t.Errorf("%d rows, want 20 to 23", n)
		}
		var offered, lost int64
		end := 0.0
		for i, row := range r.Timeline {
			offered, lost = offered+row.Offered, lost+row.Lost
			if row.LengthS > 5.1 || math.Abs(row.ElapsedS-row.LengthS-end) > 1e-6 {
				t.Errorf("row %d is from %v s to %v s, and the one before ends at %v s", i, row.ElapsedS-row.LengthS, row.ElapsedS, end)
			}
			if end < 6.9 && row.Phase != "warmup" {
				t.Errorf("the row until %v s is of the phase %s", row.ElapsedS, row.Phase)
			}
			end = row.ElapsedS
			if row.Phase != "window" || row.ElapsedS-row.LengthS < 7.5 {
				continue // jobs of the warm-up end in the first rows of the window
			}
			all := latency.New()
			for _, s := range seconds {
				if s.at.Seconds() > row.ElapsedS-row.LengthS && s.at.Seconds() < row.ElapsedS {
					all.Merge(s.h)
				}
			}
			e := row.Stages[metric.EndToEnd]
			p50, p99 := record.Quantile(all, 0.5, 0), record.Quantile(all, 0.99, 0)
			if e == nil || e.Count != all.Count() || *e.MaxNS != all.Max() || *e.P50NS != *p50 || (e.P99NS == nil) != (p99 == nil) || p99 != nil && *e.P99NS != *p99 {
				t.Errorf("the row until %v s has %+v, its seconds hold %d jobs", row.ElapsedS, e, all.Count())
			}
		}
		if offered != r.Ledger.Scheduled || lost != r.Ledger.Lost {
			t.Errorf("rows: %d offered and %d lost; the ledger says %d and %d", offered, lost, r.Ledger.Scheduled, r.Ledger.Lost)
		}
	})
}

// A checkpoint is a result on its own, for which every law holds. It is marked, and decides
// no threshold.
func TestACheckpointIsTheResultOfARunThatWasStoppedThen(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scenario.Scenario){
		"an open loop":    func(*scenario.Scenario) {},
		"a closed loop":   func(s *scenario.Scenario) { s.Load = scenario.Load{InFlight: 6, Duration: 40 * time.Second} },
		"too few workers": func(s *scenario.Scenario) { s.Consumers = 1 },
		"prefilled":       func(s *scenario.Scenario) { s.Prefill = 200 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := simulate
			if name == "an open loop" {
				run = synctest.Test // nothing else has the race detector see checkpoints
			}
			run(t, func(t *testing.T) {
				s := long(40 * time.Second)
				s.Thresholds = []string{"lost == 0", "end_to_end.p90 over 5s < 60m"}
				change(&s)
				var all []*result.Result
				o := virtual()
				o.CheckpointEvery = 6 * time.Second
				o.Checkpoint = func(r *result.Result) { all = append(all, r) }
				final := mustRun(t, s, memory.New(), o)
				if len(all) < 6 {
					t.Fatalf("%d checkpoints in 40 s, want one every 6 s", len(all))
				}
				for i, r := range all {
					checkLaws(t, r)
					if !r.Run.Interrupted || r.Run.StopReason != stopreason.Checkpoint || r.Run.ID != final.Run.ID {
						t.Errorf("checkpoint %d: %+v", i, r.Run)
					}
					if want := time.Duration(i+1) * 6 * time.Second; r.Run.EndedAt.Sub(r.Run.StartedAt).Round(100*time.Millisecond) != want {
						t.Errorf("checkpoint %d was taken %v after the start, want %v", i, r.Run.EndedAt.Sub(r.Run.StartedAt), want)
					}
					for _, o := range r.Thresholds {
						if o.Passed || !o.Undecided || !strings.Contains(o.Reason, "interrupted") {
							t.Errorf("checkpoint %d: threshold %+v, want it undecided", i, o)
						}
					}
					if i > 0 && (r.Ledger.Notified <= all[i-1].Ledger.Notified || len(r.Timeline) <= len(all[i-1].Timeline)) {
						t.Errorf("checkpoint %d has %d notified and %d rows, no more than the one before", i, r.Ledger.Notified, len(r.Timeline))
					}
					if r.Window.Completed == 0 && i < len(all)-1 {
						continue // what has ended is of the warm-up
					}
					h, err := latency.Decode(r.Stages[metric.EndToEnd].HDR)
					if err != nil || h.Count() != r.Window.Completed || r.Window.Scheduled < r.Window.Completed {
						t.Errorf("checkpoint %d: the histogram holds %v jobs (%v), the window %+v", i, h.Count(), err, r.Window)
					}
				}
			})
		})
	}
}

// held is the memory that a run of so long a time holds near its end.
func held(t *testing.T, d time.Duration) (bytes uint64, rows int) {
	t.Helper()
	simulate(t, func(t *testing.T) {
		s := long(d)
		s.Load.Rate, s.Load.Arrivals = pace.PerSecond(10), pace.Constant
		o := virtual()
		o.MostRows = 50
		o.CheckpointEvery = d - 2*time.Second
		o.Checkpoint = func(r *result.Result) {
			rows, r = len(r.Timeline), nil
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			bytes = m.HeapAlloc
		}
		mustRun(t, s, memory.New(), o)
	})
	return bytes, rows
}

// TestMemoryDoesNotGrowWithTheLengthOfARun is not parallel: it looks at the memory of the
// process. A second that was kept as a row would take 2 kB, and 13 minutes of them 1.6 MB.
func TestMemoryDoesNotGrowWithTheLengthOfARun(t *testing.T) {
	held(t, 100*time.Second) // what is allocated once
	short, rows := held(t, 100*time.Second)
	long, same := held(t, 15*time.Minute)
	if rows > 53 || same > 53 {
		t.Errorf("%d rows and %d rows, want at most 53", rows, same)
	}
	if grown := int64(long) - int64(short); grown > 700_000 {
		t.Errorf("a run of 15 minutes holds %d bytes more than one of 100 s, want less than 0.7 MB", grown)
	} else {
		t.Logf("%d bytes after 100 s, %d bytes more after 15 minutes", short, grown)
	}
}
