package render

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// summaryCSV writes a row a stage that was measured: what identifies the run and says whether to
// believe it, then the ledger, then the stage. Units are in the column names,
// a null is an empty cell, and the columns are the same for every result, so
// that the rows of many runs make one table.
func summaryCSV(r *result.Result) (string, error) {
	head, run := runCells(r)
	head = append(head, "stage", "count")
	for _, f := range figures() {
		head = append(head, column(f)+"_ns")
	}
	head = append(head, "overflow", "missing")
	rows := [][]string{head}
	for _, stage := range measured(r) {
		s := summary(r, stage)
		row := append(append([]string{}, run...), string(stage), strconv.FormatInt(s.Count, 10))
		for _, f := range figures() {
			row = append(row, cell(s.Figure(f)))
		}
		rows = append(rows, append(row, strconv.FormatInt(s.Overflow, 10), missingCell(s)))
	}
	return asCSV("summary", rows)
}

// runCells are the columns that are the same for every stage of a run. Those of the
// scenario's fields and of the ledger come from their tables. A column without a place
// in the list below follows it, since columns are only ever added at the end.
func runCells(r *result.Result) (head, cells []string) {
	s := r.Scenario
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	loop := cmp.Or(when(s.Load.Closed(), "closed"), when(s.Load.Observed, "observed"), "open")
	started := when(!r.Run.StartedAt.IsZero(), r.Run.StartedAt.UTC().Format(time.RFC3339Nano))
	// How many external jobs there were is not known.
	ours := func(n int64) string { return when(r.Observed == nil, whole(n)) }
	fields := map[string]func(scenario.Scenario) string{}
	for _, row := range ledger.Rows() {
		if row.Column != "" {
			fields[row.Column] = func(scenario.Scenario) string {
				return when(row.Observable || r.Observed == nil, whole(r.Ledger.Count(row.Key)))
			}
		}
	}
	for _, f := range scenario.Fields() {
		for _, c := range f.Columns {
			fields[c.Name] = c.Cell
		}
	}
	for _, c := range [][2]string{
		{"time", started},
		{"commit", r.Tool.Commit},
		{"run_id", r.Run.ID},
		{"scenario", r.Run.Scenario},
		{"tags", tagCell(r.Run.Tags)},
		{"version", r.Tool.Version},
		{"redis_kind", r.Redis.Kind},
		{"redis_version", r.Redis.Version},
		{"validity", r.Validity.Verdict},
		{"validity_reasons", strings.Join(r.Validity.Reasons, "; ")},
		{"warnings", strconv.Itoa(len(r.Warnings))},
		{"interrupted", strconv.FormatBool(r.Run.Interrupted)},
		{"failed", strconv.FormatBool(r.Run.Failed)},
		{"thresholds_failed", strconv.Itoa(failedThresholds(r))},
		{"loop", loop},
		{"rate_per_s"}, {"in_flight"}, {"producers"}, {"consumers"}, {"subscribers"}, {"batch"}, {"payload_bytes"}, {"work_ns"},
		{"seed", strconv.FormatUint(r.Run.Seed, 10)},
		{"offered_per_s", cell(r.Rates.OfferedPerS)},
		{"achieved_per_s", number.Exact(r.Rates.AchievedPerS)},
		{"achieved_ratio", cell(r.Rates.AchievedRatio)},
		{"window_ns", whole(r.Window.ToNS - r.Window.FromNS)},
		{"window_scheduled", ours(r.Window.Scheduled)},
		{"window_completed", whole(r.Window.Completed)},
		{"scheduled"}, {"sent"}, {"notified"}, {"lost"}, {"abandoned"}, {"duplicated"}, {"out_of_order"}, {"corrupt"}, {"foreign"}, {"jobs_failed"},
		{"errors"}, {"unreadable"}, {"update"},
	} {
		if of, has := fields[c[0]]; has {
			c[1] = of(s)
			delete(fields, c[0])
		}
		head, cells = append(head, c[0]), append(cells, c[1])
	}
	add := func(name string) {
		if of := fields[name]; of != nil {
			head, cells = append(head, name), append(cells, of(s))
		}
	}
	for _, f := range scenario.Fields() {
		for _, c := range f.Columns {
			add(c.Name)
		}
	}
	for _, row := range ledger.Rows() {
		add(row.Column)
	}
	return head, cells
}

// timelineCSV writes the rows of the timeline: jobs, backlog and queue length,
// then each stage, the lost jobs, and the faults that are on. A null is an empty cell; rows
// that do not end a second have no stages, and empty cells for them.
func timelineCSV(r *result.Result) (string, error) {
	head := []string{"run_id", "validity", "warnings", "elapsed_s", "length_s", "phase", "offered", "sent", "notified", "backlog", "backlog_max", "queue_len", "blocked_clients"}
	for _, stage := range metric.Stages() {
		for _, c := range []string{"count", "p50_ns", "p90_ns", "p99_ns", "max_ns"} {
			head = append(head, string(stage)+"_"+c)
		}
	}
	head = append(head, "lost", "faults")
	rows := [][]string{head}
	for _, s := range r.Timeline {
		row := []string{
			r.Run.ID, r.Validity.Verdict, strconv.Itoa(len(r.Warnings)),
			number.Exact(s.ElapsedS), number.Exact(s.LengthS), s.Phase,
			strconv.FormatInt(s.Offered, 10), strconv.FormatInt(s.Sent, 10), strconv.FormatInt(s.Notified, 10),
			strconv.FormatInt(s.Backlog, 10), strconv.FormatInt(s.Peak(), 10), wholeCell(s.QueueLen), wholeCell(s.Blocked),
		}
		for _, stage := range metric.Stages() {
			q := s.Stages[stage]
			if q == nil && len(s.Stages) == 0 {
				row = append(row, "", "", "", "", "")
				continue
			}
			if q == nil {
				q = &result.SecondStage{}
			}
			row = append(row, strconv.FormatInt(q.Count, 10),
				wholeCell(q.P50NS), wholeCell(q.P90NS), wholeCell(q.P99NS), wholeCell(q.MaxNS))
		}
		rows = append(rows, append(row, strconv.FormatInt(s.Lost, 10), faultCell(r, s)))
	}
	return asCSV("timeline", rows)
}

func asCSV(name string, rows [][]string) (string, error) {
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		return "", fmt.Errorf("encode %s as CSV: %w", name, err)
	}
	return b.String(), nil
}

// column is the name of a figure where a dot has no place: p99_9.
func column(name string) string { return strings.ReplaceAll(name, ".", "_") }

func cell(p *float64) string {
	if p == nil {
		return ""
	}
	return number.Exact(*p)
}

func wholeCell(p *int64) string {
	if p == nil {
		return ""
	}
	return strconv.FormatInt(*p, 10)
}

// missingCell says why cells of the row are empty: "p99.9: too few values".
func missingCell(s *result.StageSummary) string {
	var out []string
	for _, f := range figures() {
		if s.Figure(f) == nil {
			out = append(out, f+": "+missing(s, f))
		}
	}
	return strings.Join(out, "; ")
}

func tagCell(tags map[string]string) string {
	var out []string
	for k, v := range tags {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return strings.Join(out, ";")
}

func failedThresholds(r *result.Result) int {
	return len(slices.DeleteFunc(slices.Clone(r.Thresholds), func(t result.Threshold) bool { return !t.Failed() }))
}

func undecidedThresholds(r *result.Result) int {
	return len(slices.DeleteFunc(slices.Clone(r.Thresholds), func(t result.Threshold) bool { return !t.Undecided }))
}
