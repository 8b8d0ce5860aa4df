package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestThresholdsThatSoShortALoadCannotDecideAreNamedBefore(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		load      scenario.Load
		warmup    time.Duration
		threshold string
		want      string
	}{
		// 100/s for 4 s of window are 400 jobs; ten lie above p97.5.
		{scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}, time.Second, "end_to_end.p99 < 50ms", "p99 needs 1,000 jobs, and the window has 400; use a load of at least 11s"},
		{scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}, time.Second, "end_to_end.p95 < 50ms", ""},
		{scenario.Load{Rate: pace.PerSecond(100), Jobs: 150}, 0, "queue.p95 < 50ms", "p95 needs 200 jobs, and the window has 150; use a load of at least 2s"},
		{scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}, time.Second, "end_to_end.p90 over 10s < 50ms", "the window of 4s is shorter than 10s"},
		{scenario.Load{Rate: pace.PerSecond(100), Duration: 30 * time.Second}, 0, "end_to_end.p99 over 5s < 50ms", "a part of 5s has 500; use over 10s"},
		{scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}, time.Second, "lost == 0", ""},
		{scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}, time.Second, "end_to_end.max < 1s", ""},
		{scenario.Load{Duration: 5 * time.Second}, 0, "end_to_end.p99 < 50ms", ""},                                             // a closed loop: who knows
		{scenario.Load{Rate: pace.PerSecond(1000), Duration: 10 * time.Second}, 20 * time.Second, "end_to_end.p99 < 50ms", ""}, // Validate refuses it
		// 2 s of 100/s and 2 s of 50/s after a second of warm-up: 200 jobs.
		{scenario.Load{Steps: stepped(t, "2s:100,4s:0,2s:50")}, time.Second, "end_to_end.p99 < 50ms", "p99 needs 1,000 jobs, and the window has 200; use a longer load or a higher rate"},
		{scenario.Load{Steps: stepped(t, "2s:100,4s:0,2s:50")}, time.Second, "end_to_end.p95 < 50ms", ""},
		{scenario.Load{Replay: scenario.Replay{Times: &pace.Replay{Times: make([]time.Duration, 150)}}, Duration: time.Second}, 0, "queue.p95 < 50ms", "the window has 150"},
		{scenario.Load{Steps: stepped(t, "2s:100,4s:0,2s:50")}, time.Second, "end_to_end.p99 over 1s < 50ms", ""}, // it depends on the part
		{scenario.Load{Observed: true}, 0, "running.p99 < 50ms", ""},
	} {
		s := scenario.Scenario{Name: "x", Load: row.load, Warmup: row.warmup, Thresholds: []string{row.threshold}}
		got := strings.Join(s.Unanswerable(), "; ")
		if row.want == "" && got != "" || !strings.Contains(got, row.want) {
			t.Errorf("%+v, %q: %q, want %q", row.load, row.threshold, got, row.want)
		}
	}
}

func stepped(t *testing.T, text string) pace.Steps {
	t.Helper()
	s, err := pace.ParseSteps(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestThresholdsThatComeWithALoadAreScaledToAnother(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rate             int64
		thresholds, keep []string
		want             string
		notes            int
	}{
		// 500 jobs in the window of 10 s.
		{50, []string{"end_to_end.p99 < 50ms", "lost == 0"}, nil, "end_to_end.p95 < 50ms, lost == 0", 1},
		{50, []string{"end_to_end.p99 < 50ms", "lost == 0"}, []string{"end_to_end.p99 < 50ms"}, "end_to_end.p99 < 50ms, lost == 0", 0},
		{1000, []string{"queue.p99 < 50ms", "queue.p99.9 < 90ms"}, nil, "queue.p99 < 50ms, queue.p99.9 < 90ms", 0},
		{2, []string{"queue.p95 < 50ms", "errors == 0"}, nil, "queue.p50 < 50ms, errors == 0", 1},
		{1, []string{"queue.p95 < 50ms", "errors == 0"}, nil, "errors == 0", 1},
	} {
		s := scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(row.rate), Duration: 10 * time.Second}, Thresholds: row.thresholds}
		notes := s.ScaleThresholds(row.keep)
		if got := strings.Join(s.Thresholds, ", "); got != row.want || len(notes) != row.notes {
			t.Errorf("%v at %d/s become %s with the notes %q, want %s with %d", row.thresholds, row.rate, got, notes, row.want, row.notes)
		}
	}
}
