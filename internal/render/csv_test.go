package render_test

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
)

// sheet reads a CSV back as a map a row.
func sheet(t *testing.T, text string) (head []string, rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll() // refuses rows of different length
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, c := range cells {
			row[all[0][i]] = c
		}
		rows = append(rows, row)
	}
	return all[0], rows
}

func TestCSVColumnsAreTheSameForEveryResult(t *testing.T) {
	t.Parallel()
	for _, e := range []render.Encoder{render.SummaryCSV, render.TimelineCSV} {
		want, _ := sheet(t, written(t, e, rendertest.Steady(t)))
		if unique := slices.Compact(slices.Sorted(slices.Values(want))); len(unique) != len(want) {
			t.Errorf("columns %q hold a name twice", want)
		}
		for name, r := range rendertest.Results(t) {
			head, _ := sheet(t, written(t, e, r))
			if diff := cmp.Diff(want, head); diff != "" {
				t.Errorf("columns of %s (-steady +%s):\n%s", name, name, diff)
			}
		}
	}
}

func TestSummaryCSVHasARowAStageWithExactFigures(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	head, rows := sheet(t, written(t, render.SummaryCSV, r))
	if got, want := head[:4], []string{"time", "commit", "run_id", "scenario"}; !slices.Equal(got, want) {
		t.Errorf("columns begin %q, want %q", got, want)
	}
	if len(rows) != len(rendertest.Usual()) {
		t.Fatalf("%d rows, want one for each of %d stages", len(rows), len(rendertest.Usual()))
	}
	for i, stage := range rendertest.Usual() {
		s, row := r.Stages[stage], rows[i]
		for column, want := range map[string]string{
			"stage": string(stage), "count": strconv.FormatInt(s.Count, 10), "p50_ns": strconv.FormatInt(*s.P50NS, 10),
			"max_ns": strconv.FormatInt(*s.MaxNS, 10), "p99_ns": "", "p99_9_ns": "", "validity": "suspect", "warnings": "2", "lost": "60",
			"errors": "4", "rate_per_s": "1000", "in_flight": "", "thresholds_failed": "2",
		} {
			if row[column] != want {
				t.Errorf("%s of %s = %q, want %q", column, stage, row[column], want)
			}
		}
		if mean, err := strconv.ParseFloat(row["mean_ns"], 64); err != nil || mean != *s.MeanNS {
			t.Errorf("mean_ns of %s = %q, want %v", stage, row["mean_ns"], *s.MeanNS)
		}
	}
}

func TestTimelineCSVHasARowASecond(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	_, rows := sheet(t, written(t, render.TimelineCSV, r))
	if len(rows) != len(r.Timeline) {
		t.Fatalf("%d rows, want %d", len(rows), len(r.Timeline))
	}
	for i, s := range r.Timeline {
		if got, want := rows[i]["sent"], strconv.FormatInt(s.Sent, 10); got != want {
			t.Errorf("sent in row %d = %q, want %q", i, got, want)
		}
		if got, want := rows[i]["lost"], strconv.FormatInt(s.Lost, 10); got != want {
			t.Errorf("lost in row %d = %q, want %q", i, got, want)
		}
		want := ""
		if e := s.Stages[metric.EndToEnd]; e != nil && e.P99NS != nil {
			want = strconv.FormatInt(*e.P99NS, 10)
		}
		if got := rows[i]["end_to_end_p99_ns"]; got != want {
			t.Errorf("end_to_end_p99_ns in row %d = %q, want %q", i, got, want)
		}
	}
}
