package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// crowd is a scenario whose backlog grows by 500 jobs a second.
func crowd(d time.Duration, thresholds ...string) scenario.Scenario {
	return scenario.Scenario{
		Name: "crowd", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: d}, Warmup: time.Second,
		Consumers: 5, Work: scenario.Work{Time: 10 * time.Millisecond}, Thresholds: thresholds, DrainTimeout: time.Minute,
	}
}

func TestEveryPartOfTheWindowHasToKeepTheLimit(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		s := crowd(9*time.Second,
			"achieved_rate over 2s >= 400/s", "queue.p50 over 2s < 2s", "queue.p50 over 20s < 60m", "work.p90 over 2s < 20ms", "offered_rate over 4s within 1% of 1000/s")
		r := mustRun(t, s, memory.New(), virtual())
		for i, want := range []struct {
			passed bool
			says   string
		}{
			{true, "of 4 parts of 2 s"},
			{false, "from 7 s to"},
			{false, "holds no part of 20 s"},
			{true, "of 4 parts of 2 s"},
			{true, "of 2 parts of 4 s"},
		} {
			if o := r.Thresholds[i]; o.Passed != want.passed || !strings.Contains(o.Reason, want.says) {
				t.Errorf("threshold %d = %+v, want passed %t with %q", i, o, want.passed, want.says)
			}
		}
		if r.Run.Aborted != "" {
			t.Errorf("aborted by %q, and nothing asked for it", r.Run.Aborted)
		}
	})
}

func TestJobsThatArriveAfterTheLastPartBelongToIt(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, crowd(5*time.Second, "end_to_end.max over 4s < 60m"), memory.New(), virtual())
		if o, most := r.Thresholds[0], *r.Stages[metric.EndToEnd].MaxNS; o.Value == nil || *o.Value != float64(most) {
			t.Errorf("the worst part has %v, the window %d", o.Value, most)
		}
	})
}

func TestABrokenLimitEndsTheRunAfterItsDelay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		expr string
		at   time.Duration // of the end of the window
	}{
		{"backlog.max < 1200 abort", 3 * time.Second},
		{"backlog.max < 1200 abort after 5s", 6 * time.Second},
		{"queue.p90 over 2s < 1s abort", 3 * time.Second},
	} {
		simulate(t, func(t *testing.T) {
			r := mustRun(t, crowd(time.Minute, row.expr, "lost == 0"), memory.New(), virtual())
			if end := time.Duration(r.Window.ToNS); end < row.at-100*time.Millisecond || end > row.at+100*time.Millisecond {
				t.Errorf("%s: the window ended at %s, want %s", row.expr, end, row.at)
			}
			if r.Run.Aborted != row.expr || r.Run.Interrupted || !strings.Contains(stopreason.Words(r), row.expr) {
				t.Errorf("%s: %+v", row.expr, r.Run)
			}
			if r.Thresholds[0].Passed || r.Thresholds[0].Value == nil || !r.Thresholds[1].Passed {
				t.Errorf("%s: thresholds %+v", row.expr, r.Thresholds)
			}
		})
	}
}

func TestALimitThatHoldsEndsNothing(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, crowd(4*time.Second, "lost == 0 abort", "work.p99 < 20ms abort", "errors == 0 abort after 1s"), memory.New(), virtual())
		for _, o := range r.Thresholds {
			if !o.Passed {
				t.Errorf("%+v", o)
			}
		}
		if r.Run.Aborted != "" || r.Window.ToNS != 4e9 {
			t.Errorf("aborted %q, the window ended at %d", r.Run.Aborted, r.Window.ToNS)
		}
	})
}

func TestLatencyAloneBreaksNoLimitOfTheAchievedRate(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{
		"achieved_ratio >= 97% abort after 2s", "achieved_ratio over 2s >= 97%", "achieved_rate over 2s >= 97/s abort", "achieved_ratio over 1s >= 97% abort",
	} {
		simulate(t, func(t *testing.T) {
			r := mustRun(t, scenario.Scenario{
				Name: "slow", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 8 * time.Second},
				Consumers: 200, Work: scenario.Work{Time: time.Second}, Thresholds: []string{expr},
			}, memory.New(), virtual())
			if o := r.Thresholds[0]; !o.Passed || r.Run.Aborted != "" {
				t.Errorf("%s: %+v, aborted %q", expr, o, r.Run.Aborted)
			}
		})
	}
}

func TestOverloadBreaksALimitOfTheAchievedRate(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{
		"achieved_ratio >= 0.97 abort after 2s", "achieved_rate over 2s >= 900/s abort", "achieved_ratio over 1s >= 0.97 abort",
	} {
		simulate(t, func(t *testing.T) {
			r := mustRun(t, crowd(20*time.Second, expr), memory.New(), virtual())
			if r.Run.Aborted != expr || r.Window.ToNS > 5e9 {
				t.Errorf("%s: aborted %q, the window ended at %d", expr, r.Run.Aborted, r.Window.ToNS)
			}
		})
	}
}

// TestSharesAreOfAllJobs holds at the end of a run and while it goes on.
func TestSharesAreOfAllJobs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fail    float64
		expr    string
		passed  bool
		aborted bool
	}{
		{0.01, "failed: rate<0.05", true, false},
		{0.01, "failed: rate<0.05 abort after 1s", true, false},
		{0.20, "failed: rate<0.05", false, false},
		{0.20, "failed: rate<0.05 abort after 1s", false, true},
		{0.20, "lost: rate<0.01 abort", true, false},
		{0.20, "failed_ratio within 30% of 20%", true, false},
	} {
		simulate(t, func(t *testing.T) {
			s := scenario.Scenario{
				Name: "share", Load: scenario.Load{Rate: pace.PerSecond(500), Duration: 6 * time.Second}, Warmup: time.Second,
				Consumers: 8, Work: scenario.Work{Time: time.Millisecond, FailRate: row.fail}, Thresholds: []string{row.expr}, Seed: 7,
			}
			r := mustRun(t, s, memory.New(), virtual())
			o := r.Thresholds[0]
			if o.Passed != row.passed || o.Value == nil || *o.Value > 1 || (r.Run.Aborted != "") != row.aborted {
				t.Errorf("%g of failures, %s: %+v, aborted by %q", row.fail, row.expr, o, r.Run.Aborted)
			}
		})
	}
}

func TestAThresholdThatIsWrittenTwiceCountsItsJobsOnce(t *testing.T) {
	t.Parallel()
	for name, thresholds := range map[string][]string{
		"once":                   {"end_to_end.count over 4s < 100000"},
		"twice":                  {"end_to_end.count over 4s < 100000", "end_to_end.count over 4s < 100000"},
		"in two spellings":       {"end_to_end.count over 4000ms < 100000", "errors == 0", "end_to_end.count over 4s < 100000"},
		"thrice, others between": {"end_to_end.count over 4s < 100000", "lost == 0", "end_to_end.count over 4s < 100000", "end_to_end.count over 4s < 100000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				r := mustRun(t, crowd(5*time.Second, thresholds...), memory.New(), virtual())
				all := float64(r.Stages[metric.EndToEnd].Count)
				for i, o := range r.Thresholds {
					if strings.Contains(thresholds[i], "count") && (o.Value == nil || *o.Value != all) {
						t.Errorf("threshold %d, %q = %+v, want the %v jobs of the window", i, thresholds[i], o, all)
					}
				}
			})
		})
	}
}
