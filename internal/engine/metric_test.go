package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

func of[T any](v T) *T { return &v }

// measured is a result in which every metric has a value, no two the same.
func measured() *result.Result {
	r := &result.Result{
		Stages: map[metric.Stage]*result.StageSummary{},
		Rates:  result.Rates{OfferedPerS: of(1.0), AchievedPerS: 2, AchievedRatio: of(3.0)},
		Ledger: result.Ledger{Scheduled: 1000, Lost: 4, Duplicated: 5, OutOfOrder: 6, Corrupt: 7, Foreign: 8, Failed: 9, Unreadable: 19,
			Errors: map[string]int64{"push": 4, "pop": 6}},
		Scalars: map[string]*float64{"backlog.max": of(11.0), "cpu_per_job": of(12.0), "redis_cpu_per_job": of(13.0), "recovery": of(14.0), "blocked_clients": of(15.0),
			"redis_commands_per_job": of(16.0), "redis_bytes_per_job": of(17.0), "worker_cpu_per_job": of(18.0),
			"fault.lost": of(21.0), "fault.duplicated": of(22.0), "fault.detection": of(23.0), "fault.recovery": of(24.0)},
	}
	for i, stage := range metric.Stages() {
		at := func(n int) *int64 { return of(int64(100*(i+1) + n)) }
		r.Stages[stage] = &result.StageSummary{
			Count: *at(0), MinNS: at(1), MeanNS: of(float64(*at(2))), P50NS: at(3), P75NS: at(4), P90NS: at(5),
			P95NS: at(6), P99NS: at(7), P999NS: at(8), P9999NS: at(9), MaxNS: at(10),
		}
	}
	return r
}

func TestAResultAnswersEveryMetricWithItsOwnValue(t *testing.T) {
	t.Parallel()
	r := measured()
	owner := map[float64]string{}
	for _, m := range metric.Metrics() {
		v, reason, ok := r.Metric(m.Name)
		if !ok {
			t.Errorf("Metric(%q): %s", m.Name, reason)
			continue
		}
		if other := owner[v]; other != "" {
			t.Errorf("Metric(%q) = %v, which is the value of %q", m.Name, v, other)
		}
		owner[v] = m.Name
	}
	for name, want := range map[string]float64{"lateness.count": 100, "queue.p99.9": 508, "from_send.max": 1510, "errors": 10, "lost": 4, "achieved_ratio": 3, "failed_ratio": 0.009, "errors_ratio": 0.01} {
		if v, _, _ := r.Metric(name); v != want {
			t.Errorf("Metric(%q) = %v, want %v", name, v, want)
		}
	}
}

// TestGateKnowsExactlyTheStages holds the names that gate repeats to the
// stages that there are.
func TestGateKnowsExactlyTheStages(t *testing.T) {
	t.Parallel()
	var named []metric.Stage
	for _, m := range metric.Metrics() {
		if stage, found := strings.CutSuffix(m.Name, ".p99.99"); found {
			named = append(named, metric.Stage(stage))
		}
	}
	if !slices.Equal(named, metric.Stages()) {
		t.Errorf("gate has the stages %v, want %v", named, metric.Stages())
	}
}

func TestAMetricWithoutValueSaysWhy(t *testing.T) {
	t.Parallel()
	empty := &result.Result{}
	few := &result.Result{Stages: map[metric.Stage]*result.StageSummary{
		metric.EndToEnd: {Count: 3, Missing: map[string]result.Missing{"p99.9": {Code: result.TooFewJobs, Need: 10_000, Have: 3}}},
		metric.Queue:    {},
	}}
	for _, row := range []struct {
		result       *result.Result
		metric, says string
	}{
		{empty, "end_to_end.p99", "not measured"},
		{empty, "offered_rate", "closed loop"},
		{empty, "achieved_ratio", "closed loop"},
		{empty, "cpu_per_job", "not measured"},
		{empty, "end_to_end.p98", "is not measured"},
		{empty, "nonsense", "unknown metric"},
		{few, "end_to_end.p99.9", "p99.9 needs 10,000, the window has 3"},
		{few, "end_to_end.p99", "3 jobs in the window are too few"},
		{few, "queue.max", "no job"},
	} {
		_, reason, ok := row.result.Metric(row.metric)
		if ok || !strings.Contains(reason, row.says) {
			t.Errorf("Metric(%q) = %v with reason %q, want none because %q", row.metric, ok, reason, row.says)
		}
	}
}

func TestThresholdsPassOnlyOnARunThatCanBeBelieved(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil  func(*result.Result)
		passes bool
	}{
		"valid":       {func(r *result.Result) { r.Validity.Verdict = result.Valid }, true},
		"suspect":     {func(r *result.Result) { r.Validity.Verdict = result.Suspect }, true},
		"invalid":     {func(r *result.Result) { r.Validity.Verdict = result.Invalid }, false},
		"failed":      {func(r *result.Result) { r.Run.Failed = true }, false},
		"interrupted": {func(r *result.Result) { r.Run.Interrupted = true }, false},
	} {
		r := measured()
		row.spoil(r)
		r.Scenario.Thresholds = []string{"lost == 4", "lost == 0"}
		outcomes, err := gate.Thresholds(r)
		if err != nil || len(outcomes) != 2 {
			t.Fatalf("%s: Thresholds() = %v, %v, want two outcomes", name, outcomes, err)
		}
		if outcomes[0].Passed != row.passes || outcomes[1].Passed {
			t.Errorf("%s: passed %v and %v, want %v and false", name, outcomes[0].Passed, outcomes[1].Passed, row.passes)
		}
	}
}

func TestThresholdsThatCannotBeReadAreAnError(t *testing.T) {
	t.Parallel()
	r := measured()
	r.Scenario.Thresholds = []string{"lsot == 0", "lost == 4"}
	outcomes, err := gate.Thresholds(r)
	if err == nil || len(outcomes) != 1 {
		t.Errorf("Thresholds() = %v, %v, want one outcome and an error", outcomes, err)
	}
}
