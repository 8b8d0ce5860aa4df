package render

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/study"
)

// searchJSON writes the record as capacity.json, which is read back as it was.
func searchJSON(w io.Writer, r *study.Record) error {
	full := *r
	full.Trials, full.Curve = listed(r.Trials), listed(r.Curve)
	full.Cells = listedCells(r.Cells)
	full.Points = append([]capacity.Point{}, r.Points...)
	full.SLO, full.Warnings = append([]string{}, r.SLO...), append([]string{}, r.Warnings...)
	full.Redis.Config = orEmpty(r.Redis.Config)
	full.Answer.Limit.Used = orEmpty(r.Answer.Limit.Used)
	return indented(w, "capacity", full)
}

func listed(trials []capacity.Trial) []capacity.Trial {
	out := append([]capacity.Trial{}, trials...)
	for i := range out {
		out[i].Reasons = append([]string{}, out[i].Reasons...)
		out[i].Figures = orEmpty(out[i].Figures)
		out[i].Limit.Used = orEmpty(out[i].Limit.Used)
	}
	return out
}

// listedCells have no null where a list or a map belongs.
func listedCells(cells []study.Cell) []study.Cell {
	out := slices.Clone(cells)
	for i := range out {
		out[i].Trials = listed(out[i].Trials)
		out[i].Answer.Limit.Used = orEmpty(out[i].Answer.Limit.Used)
	}
	return out
}

// searchCSV writes a row a trial, those of the curve after those of the
// search. Where values were varied, each search has a row of its answer before
// its trials. Units are in the column names, what is not known is an empty cell.
func searchCSV(w io.Writer, r *study.Record) error {
	figures := []string{
		"end_to_end.mean", "end_to_end.p50", "end_to_end.p90", "end_to_end.p99", "end_to_end.max",
		"queue.p50", "queue.p99", "work.mean", "lost", "backlog.max", "achieved_ratio",
	}
	head := []string{"scenario", "status", "answer_per_s", "trial", "kind", "rate_per_s", "length_ns", "took_ns", "verdict", "reasons", "achieved_per_s", "limit", "run_id"}
	for _, f := range figures {
		name := column(f)
		if strings.Contains(f, ".") && f != "backlog.max" {
			name += "_ns"
		}
		head = append(head, strings.ReplaceAll(name, ".", "_"))
	}
	head = append(head, "vary", "low_per_s", "median_per_s", "high_per_s", "confirmed_per_s", "refuted_per_s")
	rows := [][]string{head}
	add := func(t capacity.Trial, a capacity.Answer, vary string, isAnswer bool) {
		row := []string{
			r.Scenario.Name, string(a.Status), number.Exact(a.Rate), strconv.Itoa(t.N), string(t.Kind), number.Exact(t.Rate),
			strconv.FormatInt(int64(t.Length), 10), strconv.FormatInt(int64(t.Took), 10),
			string(t.Verdict), plain(strings.Join(t.Reasons, "; ")), number.Exact(t.Achieved), t.Limit.Part, t.Run,
		}
		if isAnswer {
			row[3], row[4], row[5], row[6], row[9], row[10] = "", "answer", number.Exact(a.Rate), "", plain(a.Why), ""
		}
		for _, f := range figures {
			if v, ok := t.Figures[f]; ok {
				row = append(row, number.Exact(v))
			} else {
				row = append(row, "")
			}
		}
		row = append(row, vary)
		for _, v := range []float64{a.Low, a.Median, a.High, a.ConfirmedRate, a.RefutedRate} {
			if isAnswer && v > 0 {
				row = append(row, number.Exact(v))
			} else {
				row = append(row, "")
			}
		}
		rows = append(rows, row)
	}
	for _, t := range slices.Concat(r.Trials, r.Curve) {
		add(t, r.Answer, "", false)
	}
	for _, c := range r.Cells {
		name, a := study.Name(r.Vary, c.Values), c.Answer
		add(capacity.Trial{Outcome: capacity.Outcome{Took: a.Took, Limit: a.Limit}}, a, name, true)
		for _, t := range c.Trials {
			add(t, a, name, false)
		}
	}
	return writeCSV(w, "capacity", rows)
}
