package main

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/result"
)

func at[T any](v T) *T { return &v }

func TestALookInALine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		look watch.Look
		want string
	}{
		{
			watch.Look{
				ElapsedS: 12.003, SpanS: 1, Span: result.Updates{Running: 120, Completed: 118, Failed: 2},
				Backlog: at(int64(1204)), TrendPerS: at(-20.2), DrainS: at(59.6),
				Running:       watch.Times{Count: 9000, P50NS: at(int64(1_000_000))},
				RecentS:       10.003,
				RunningRecent: watch.Times{Count: 2000, P50NS: at(int64(5_123_456)), P90NS: at(int64(7_000_000)), P99NS: at(int64(9_000_000)), MaxNS: at(int64(11_000_000))},
			},
			"12s  120 RUNNING/s  118 COMPLETED/s  2 FAILED/s  backlog 1,204 (-20/s, empty in 1m0s)  running (last 10s) p50 5.12ms p90 7ms p99 9ms max 11ms",
		},
		{
			watch.Look{
				ElapsedS: 3, SpanS: 2, Span: result.Updates{Completed: 10},
				Backlog: at(int64(50)), TrendPerS: at(30.0),
				WorkRecent: watch.Times{Count: 3, MaxNS: at(int64(1_500))}, RecentS: 3,
				Total: result.Updates{Unreadable: 1, Other: 2}, Gaps: 1,
			},
			"3s  0 RUNNING/s  5 COMPLETED/s  0 FAILED/s  backlog 50 (+30/s)  work (last 3s) max 1.5µs  1 unreadable  2 of another status  1 gap",
		},
		{ // nothing ends any more
			watch.Look{ElapsedS: 90, SpanS: 1, Backlog: at(int64(100)), TrendPerS: at(0.0), RecentS: 10, Running: watch.Times{Count: 900, MaxNS: at(int64(1))}},
			"1m30s  0 RUNNING/s  0 COMPLETED/s  0 FAILED/s  backlog 100",
		},
		{ // what is left is not gone in no time
			watch.Look{ElapsedS: 2, SpanS: 1, Backlog: at(int64(100)), TrendPerS: at(-338.0), DrainS: at(0.3)},
			"2s  0 RUNNING/s  0 COMPLETED/s  0 FAILED/s  backlog 100 (-338/s, empty in 1s)",
		},
		{ // it fell, but not at the last look
			watch.Look{ElapsedS: 2, SpanS: 1, Backlog: at(int64(100)), TrendPerS: at(-338.0)},
			"2s  0 RUNNING/s  0 COMPLETED/s  0 FAILED/s  backlog 100 (-338/s)",
		},
		{watch.Look{ElapsedS: 1, SpanS: 1}, "1s  0 RUNNING/s  0 COMPLETED/s  0 FAILED/s  backlog not known"},
	} {
		if got := lookLine(c.look); got != c.want {
			t.Errorf("lookLine() = %q, want %q", got, c.want)
		}
	}
}

func TestThePictureIsAlwaysAsHigh(t *testing.T) {
	t.Parallel()
	for _, l := range []watch.Look{{}, {Alone: 3, Gaps: 1, Backlog: at(int64(5)), DrainS: at(0.0)}} {
		if got := picture(l); len(got) != 6 || strings.Contains(strings.Join(got, ""), "\n") {
			t.Errorf("picture(%+v) is %d lines: %q", l, len(got), got)
		}
	}
}

func TestTheLastLineHasTheTimesOfAllJobs(t *testing.T) {
	t.Parallel()
	l := watch.Look{
		ElapsedS: 60, Total: result.Updates{Running: 900, Completed: 900}, Backlog: at(int64(0)),
		Running: watch.Times{Count: 900, P50NS: at(int64(2_000_000))}, RunningRecent: watch.Times{Count: 90, P50NS: at(int64(100_000_000))}, RecentS: 10,
	}
	const want = "1,800 updates in 1m0s: 900 RUNNING, 900 COMPLETED, 0 FAILED; backlog 0; running (all) p50 2ms"
	if got := totals(l); got != want {
		t.Errorf("totals() = %q, want %q", got, want)
	}
}
