package main

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/watch"
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
				ElapsedS: 12.003, SpanS: 1, Span: watch.Counts{Running: 120, Completed: 118, Failed: 2},
				Backlog: at(int64(1204)), TrendPerS: at(-20.2), DrainS: at(59.6),
				Running: watch.Times{Count: 2000, P50NS: at(int64(5_123_456)), P90NS: at(int64(7_000_000)), P99NS: at(int64(9_000_000)), MaxNS: at(int64(11_000_000))},
			},
			"12s  120 RUNNING/s  118 COMPLETED/s  2 FAILED/s  backlog 1,204 (-20/s, empty in 1m0s)  running p50 5.12ms p90 7ms p99 9ms max 11ms",
		},
		{
			watch.Look{
				ElapsedS: 3, SpanS: 2, Span: watch.Counts{Completed: 10},
				Backlog: at(int64(50)), TrendPerS: at(30.0),
				Work:  watch.Times{Count: 3, MaxNS: at(int64(1_500))},
				Total: watch.Counts{Unreadable: 1, Other: 2}, Gaps: 1,
			},
			"3s  0 RUNNING/s  5 COMPLETED/s  0 FAILED/s  backlog 50 (+30/s)  work max 1.5µs  1 unreadable  2 of another status  1 gap",
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
