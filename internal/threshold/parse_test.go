package threshold_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

func TestParseReadsEveryForm(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		expr string
		want threshold.Threshold
		back string // what it prints
	}{
		{"end_to_end.p99 < 50ms", threshold.Threshold{Metric: "end_to_end.p99", Op: threshold.Less, Value: 50e6}, "end_to_end.p99 < 50ms"},
		{"end_to_end.p99.9<=1.5s", threshold.Threshold{Metric: "end_to_end.p99.9", Op: threshold.LessOrEqual, Value: 1.5e9}, "end_to_end.p99.9 <= 1.5s"},
		{" queue.max\t< 2 m ", threshold.Threshold{Metric: "queue.max", Op: threshold.Less, Value: 120e9}, "queue.max < 120s"},
		{"lateness.mean < 250µs", threshold.Threshold{Metric: "lateness.mean", Op: threshold.Less, Value: 250e3}, "lateness.mean < 250us"},
		{"notify.min > 300ns", threshold.Threshold{Metric: "notify.min", Op: threshold.Greater, Value: 300}, "notify.min > 300ns"},
		{"lost == 0", threshold.Threshold{Metric: "lost", Op: threshold.Equal}, "lost == 0"},
		{"errors != 3", threshold.Threshold{Metric: "errors", Op: threshold.NotEqual, Value: 3}, "errors != 3"},
		{"end_to_end.count >= 2k", threshold.Threshold{Metric: "end_to_end.count", Op: threshold.GreaterOrEqual, Value: 2000}, "end_to_end.count >= 2000"},
		{"achieved_ratio >= 98%", threshold.Threshold{Metric: "achieved_ratio", Op: threshold.GreaterOrEqual, Value: 0.98}, "achieved_ratio >= 0.98"},
		{"achieved_ratio within 2% of 1", threshold.Threshold{Metric: "achieved_ratio", Op: threshold.Within, Value: 1, Tolerance: 0.02}, "achieved_ratio within 2% of 1"},
		{"achieved_rate within 7" + " % of 1.5k/s", threshold.Threshold{Metric: "achieved_rate", Op: threshold.Within, Value: 1500, Tolerance: 0.07}, "achieved_rate within 7% of 1500/s"},
		{"backlog.max < 1000", threshold.Threshold{Metric: "backlog.max", Op: threshold.Less, Value: 1000}, "backlog.max < 1000"},
		{"cpu_per_job < 20us", threshold.Threshold{Metric: "cpu_per_job", Op: threshold.Less, Value: 20e3}, "cpu_per_job < 20us"},
		{"fault.recovery < 2s", threshold.Threshold{Metric: "fault.recovery", Op: threshold.Less, Value: 2e9}, "fault.recovery < 2s"},
		{"fault.crash.lost == 0", threshold.Threshold{Metric: "fault.crash.lost", Op: threshold.Equal}, "fault.crash.lost == 0"},
		{"fault.b-1_over.recovery<1m", threshold.Threshold{Metric: "fault.b-1_over.recovery", Op: threshold.Less, Value: 60e9}, "fault.b-1_over.recovery < 60s"},
		{"fault.crash.duplicated: value<=2", threshold.Threshold{Metric: "fault.crash.duplicated", Op: threshold.LessOrEqual, Value: 2}, "fault.crash.duplicated <= 2"},
		// Over parts of the window, and ending the run.
		{"end_to_end.p99 over 10s < 80ms", threshold.Threshold{Metric: "end_to_end.p99", Over: 10 * time.Second, Op: threshold.Less, Value: 80e6}, "end_to_end.p99 over 10s < 80ms"},
		{"achieved_ratio over 1m within 5% of 1", threshold.Threshold{Metric: "achieved_ratio", Over: time.Minute, Op: threshold.Within, Value: 1, Tolerance: 0.05}, "achieved_ratio over 60s within 5% of 1"},
		{"lost == 0 abort", threshold.Threshold{Metric: "lost", Op: threshold.Equal, Abort: true}, "lost == 0 abort"},
		{"lost==0 abort after 5s ", threshold.Threshold{Metric: "lost", Op: threshold.Equal, Abort: true, After: 5 * time.Second}, "lost == 0 abort after 5s"},
		{"queue.max over 2s<1s abort after 1500ms", threshold.Threshold{Metric: "queue.max", Over: 2 * time.Second, Op: threshold.Less, Value: 1e9, Abort: true, After: 1500 * time.Millisecond}, "queue.max over 2s < 1s abort after 1.5s"},
		{"end_to_end: p(99)<50 abort", threshold.Threshold{Metric: "end_to_end.p99", Op: threshold.Less, Value: 50e6, Abort: true}, "end_to_end.p99 < 50ms abort"},
		// The form of k6: milliseconds unless a unit says otherwise.
		{"end_to_end: p(99)<50", threshold.Threshold{Metric: "end_to_end.p99", Op: threshold.Less, Value: 50e6}, "end_to_end.p99 < 50ms"},
		{"end_to_end: p(99.90) < 2s", threshold.Threshold{Metric: "end_to_end.p99.9", Op: threshold.Less, Value: 2e9}, "end_to_end.p99.9 < 2s"},
		{"queue:avg<0.5", threshold.Threshold{Metric: "queue.mean", Op: threshold.Less, Value: 500e3}, "queue.mean < 500us"},
		{"queue: med < 1", threshold.Threshold{Metric: "queue.p50", Op: threshold.Less, Value: 1e6}, "queue.p50 < 1ms"},
		{"end_to_end: count > 100", threshold.Threshold{Metric: "end_to_end.count", Op: threshold.Greater, Value: 100}, "end_to_end.count > 100"},
		// The rate of a count is its share of all jobs.
		{"failed: rate<0.05", threshold.Threshold{Metric: "failed_ratio", Op: threshold.Less, Value: 0.05}, "failed_ratio < 0.05"},
		{"lost:rate<=1% abort after 5s", threshold.Threshold{Metric: "lost_ratio", Op: threshold.LessOrEqual, Value: 0.01, Abort: true, After: 5 * time.Second}, "lost_ratio <= 0.01 abort after 5s"},
		{"errors: rate == 0", threshold.Threshold{Metric: "errors_ratio", Op: threshold.Equal}, "errors_ratio == 0"},
		{"out_of_order: rate<0.001", threshold.Threshold{Metric: "out_of_order_ratio", Op: threshold.Less, Value: 0.001}, "out_of_order_ratio < 0.001"},
		{"achieved_ratio: rate>0.9", threshold.Threshold{Metric: "achieved_ratio", Op: threshold.Greater, Value: 0.9}, "achieved_ratio > 0.9"},
		{"achieved_rate: rate>100", threshold.Threshold{Metric: "achieved_rate", Op: threshold.Greater, Value: 100}, "achieved_rate > 100/s"},
		// Other spellings.
		{"end_to_end.p(99) < 50ms", threshold.Threshold{Metric: "end_to_end.p99", Op: threshold.Less, Value: 50e6}, "end_to_end.p99 < 50ms"},
		{"lost ≤ 2", threshold.Threshold{Metric: "lost", Op: threshold.LessOrEqual, Value: 2}, "lost <= 2"},
		{"achieved_ratio≥98%", threshold.Threshold{Metric: "achieved_ratio", Op: threshold.GreaterOrEqual, Value: 0.98}, "achieved_ratio >= 0.98"},
		{"lost === 0", threshold.Threshold{Metric: "lost", Op: threshold.Equal}, "lost == 0"},
		{"lost: == 0", threshold.Threshold{Metric: "lost", Op: threshold.Equal}, "lost == 0"},
		{"end_to_end.p99: < 50ms", threshold.Threshold{Metric: "end_to_end.p99", Op: threshold.Less, Value: 50e6}, "end_to_end.p99 < 50ms"},
		{"lost: count == 0", threshold.Threshold{Metric: "lost", Op: threshold.Equal}, "lost == 0"},
	} {
		got, err := threshold.Parse(row.expr)
		if err != nil {
			t.Errorf("Parse(%q): %v", row.expr, err)
			continue
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", row.expr, diff)
		}
		if got.String() != row.back {
			t.Errorf("Parse(%q).String() = %q, want %q", row.expr, got.String(), row.back)
		}
	}
}

func TestParseErrorsPointAtTheFaultAndNameTheRemedy(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ expr, at, msg string }{
		{"", "", "a metric is missing"},
		{"< 5ms", "< 5ms", "a metric is missing"},
		{"end_to_end.p9 < 5ms", "end_to_end.p9", `quantile "p9" is not measured`},
		{"end_to_end.p99.5 < 5ms", "end_to_end.p99.5", "there are p50, p75"},
		{"endtoend.p99 < 5ms", "endtoend.p99", `did you mean "end_to_end.p99"?`},
		{"lsot == 0", "lsot", `did you mean "lost"?`},
		{"end_to_end < 5ms", "end_to_end", "such as end_to_end.p99"},
		{"lost 0", "0", "a comparison is missing"},
		{"lost = 0", "= 0", "one of < <= > >= == !="},
		{"lost == none", "none", "not a number"},
		{"lost == 0ms", "ms", "lost is a count, a plain number"},
		{"lost < 1%", "%", "lost is a count"},
		{"lost == 1e3", "e3", "lost is a count"},
		{"queue.p50 < 5", "5", "write 5ms or 5s"},
		{"queue.p50 < 5h", "h", "ns, us, ms, s or m"},
		{"queue.p50 < -5ms", "-5ms", "zero or more"},
		{"queue.p50 < 99999999999999999999s", "99999999999999999999s", "too large"},
		{"achieved_ratio within 2 of 1", "2 of 1", "within 2% of 1"},
		{"achieved_ratio within 0% of 1", "0% of 1", "more than 0%"},
		{"achieved_ratio within 2% 1", "1", "of and the limit are missing"},
		{"queue: p99 < 5", "p99 < 5", "is not one of avg"},
		{"queue: p(99 < 5", "p(99 < 5", "written p(99)"},
		{"lost: avg < 5", "avg < 5", "one figure for the whole run"},
		{"lost over 10s == 0", "over 10s", "only known of the whole run"},
		{"queue.p99 over 1500ms < 5ms", "1500ms", "whole seconds"},
		{"queue.p99 over 2h < 5ms", "2h", "a length of time is missing"},
		{"queue.p99 over < 5ms", "< 5ms", "a length of time is missing"},
		{"cpu_per_job < 5us abort", "abort", "only known at the end"},
		{"lost == 0 abort later", "later", "only after and a time"},
		{"lost == 0 abort after", "", "a length of time is missing"},
		{"lost == 0 && errors == 0", "&& errors == 0", "a separate threshold"},
		{"end_to_end: p(95)<500, max<1000", ", max<1000", "a separate threshold"},
	} {
		_, err := threshold.Parse(row.expr)
		var syntax *threshold.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("Parse(%q) = %v, want a SyntaxError", row.expr, err)
			continue
		}
		if got := row.expr[syntax.Offset:]; !strings.HasPrefix(got, row.at) {
			t.Errorf("Parse(%q) points at %q, want %q", row.expr, got, row.at)
		}
		if !strings.Contains(syntax.Msg, row.msg) {
			t.Errorf("Parse(%q) says %q, want it to contain %q", row.expr, syntax.Msg, row.msg)
		}
	}
}

func TestThresholdsPrintWhatParsesBackToThem(t *testing.T) {
	t.Parallel()
	metrics := metric.Metrics()
	rapid.Check(t, func(t *rapid.T) {
		want := threshold.Threshold{
			Metric: metrics[rapid.IntRange(0, len(metrics)-1).Draw(t, "metric")].Name,
			Op:     rapid.SampledFrom([]threshold.Op{threshold.Less, threshold.LessOrEqual, threshold.Greater, threshold.GreaterOrEqual, threshold.Equal, threshold.NotEqual, threshold.Within}).Draw(t, "op"),
			Value:  rapid.OneOf(rapid.Float64Range(0.001, 1e18), rapid.Map(rapid.IntRange(0, 1e9), func(i int) float64 { return float64(i) })).Draw(t, "value"),
		}
		if want.Op == threshold.Within {
			want.Tolerance = rapid.Float64Range(1e-6, 1).Draw(t, "tolerance")
		}
		if stage, _, _ := strings.Cut(want.Metric, "."); stage == "queue" && rapid.Bool().Draw(t, "in parts") {
			want.Over = time.Duration(rapid.IntRange(1, 3600).Draw(t, "over")) * time.Second
		}
		if slices.Contains([]string{"lost", "errors", "queue.p99", "end_to_end.max", "backlog.max", "achieved_rate"}, want.Metric) && rapid.Bool().Draw(t, "abort") {
			want.Abort, want.After = true, time.Duration(rapid.Int64Range(0, 86400e9).Draw(t, "after"))
		}
		got, err := threshold.Parse(want.String())
		if err != nil {
			t.Fatalf("Parse(%q): %v", want, err)
		}
		if got != want {
			t.Fatalf("Parse(%q) = %#v, want %#v", want, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"end_to_end.p99 < 50ms", "lost==0", "achieved_ratio within 2% of 1", "queue: p(99.9)<1.5", "a: b < c", "lost < 1e999", "queue.p50<0.000001ns", "queue.max > .5m", "queue.p99 over 10s < 1ms abort after 5s", "lost == 0 abort"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		first, err := threshold.Parse(expr)
		if err != nil {
			var syntax *threshold.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(expr) {
				t.Fatalf("Parse(%q) = %#v, want a SyntaxError with an offset within", expr, err)
			}
			return
		}
		again, err := threshold.Parse(first.String())
		if err != nil || again != first {
			t.Fatalf("Parse(%q) = %#v prints %q, which reads back as %#v, %v", expr, first, first, again, err)
		}
	})
}
