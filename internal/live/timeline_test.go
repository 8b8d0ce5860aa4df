package live_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

// secondsOf are the rows of a run, as many a second as it has.
func secondsOf(t *rapid.T, seconds, perSecond int) [][]result.Second {
	var all [][]result.Second
	at := 0.0
	for range seconds {
		var rows []result.Second
		for i := range perSecond {
			at += 1 / float64(perSecond)
			row := result.Second{ElapsedS: at, LengthS: 1 / float64(perSecond), Sent: 3, Lost: rapid.Int64Range(0, 2).Draw(t, "lost"), Notified: rapid.Int64Range(0, 9).Draw(t, "notified"), BacklogMax: rapid.Int64Range(0, 99).Draw(t, "backlog")}
			if i == perSecond-1 {
				row.Stages = map[metric.Stage]*result.SecondStage{metric.EndToEnd: {Count: 1, P99NS: new(rapid.Int64Range(1, 999).Draw(t, "p99"))}}
			}
			rows = append(rows, row)
		}
		all = append(all, rows)
	}
	return all
}

// A viewer that was sent what was added has the same rows as one that comes now.
func TestWhatWasAddedIsWhatIsThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		timeline := live.Timeline{Max: 2 * rapid.IntRange(2, 10).Draw(t, "half")}
		var viewer []result.Second
		for _, rows := range secondsOf(t, rapid.IntRange(0, 120).Draw(t, "seconds"), rapid.SampledFrom([]int{1, 2, 10}).Draw(t, "rows a second")) {
			added, only := timeline.Add(rows)
			if only {
				viewer = append(viewer, added...)
			} else {
				viewer = append([]result.Second(nil), timeline.Rows()...)
			}
			if n := len(timeline.Rows()); n >= timeline.Max {
				t.Fatalf("%d rows are kept, of at most %d", n, timeline.Max)
			}
			if diff := cmp.Diff(timeline.Rows(), viewer); diff != "" {
				t.Fatalf("rows (-kept +added):\n%s", diff)
			}
		}
	})
}

// Joined rows follow each other without a gap, and lose neither jobs nor a highest value.
func TestJoinedRowsLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		timeline := live.Timeline{Max: 8}
		var all []result.Second
		for _, rows := range secondsOf(t, rapid.IntRange(1, 200).Draw(t, "seconds"), rapid.SampledFrom([]int{1, 10}).Draw(t, "rows a second")) {
			timeline.Add(rows)
			all = append(all, rows...)
		}
		at, i := 0.0, 0
		for _, row := range timeline.Rows() {
			var notified, lost, backlog int64
			var p99 *int64
			for ; i < len(all) && all[i].ElapsedS <= row.ElapsedS; i++ {
				notified, lost, backlog = notified+all[i].Notified, lost+all[i].Lost, max(backlog, all[i].BacklogMax)
				if e := all[i].Stages[metric.EndToEnd]; e != nil && (p99 == nil || *e.P99NS > *p99) {
					p99 = e.P99NS
				}
			}
			if d := row.ElapsedS - row.LengthS - at; d > 1e-6 || d < -1e-6 {
				t.Fatalf("a row of %v s ends at %v s, and the one before it at %v s", row.LengthS, row.ElapsedS, at)
			}
			at = row.ElapsedS
			if row.Notified != notified || row.Lost != lost || row.BacklogMax != backlog {
				t.Fatalf("until %v s: %d notified, %d lost, backlog %d; want %d, %d and %d", at, row.Notified, row.Lost, row.BacklogMax, notified, lost, backlog)
			}
			if e := row.Stages[metric.EndToEnd]; p99 != nil && (e == nil || *e.P99NS != *p99) {
				t.Fatalf("until %v s the p99 is %v, want %d", at, e, *p99)
			}
		}
	})
}
