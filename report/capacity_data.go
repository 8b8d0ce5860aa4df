package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/study"
)

// The files of a search's directory.
const (
	capacityFile = "capacity.json"
	searchFile   = "search.svg"
	curveFile    = "curve.svg"
	scalingFile  = "scaling.svg"
)

// CapacityJSON writes the record as capacity.json, read back by [LoadCapacity]
// as it was.
func CapacityJSON(w io.Writer, r *study.Record) error {
	full := *r
	full.Trials, full.Curve = listed(r.Trials), listed(r.Curve)
	full.Cells = listedCells(r.Cells)
	full.Points = append([]capacity.Point{}, r.Points...)
	full.SLO, full.Warnings = append([]string{}, r.SLO...), append([]string{}, r.Warnings...)
	full.Redis.Config = orEmpty(r.Redis.Config)
	full.Answer.Limit.Used = orEmpty(r.Answer.Limit.Used)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(full); err != nil {
		return fmt.Errorf("encode capacity: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
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

// CapacityCSV writes a row a trial, those of the curve after those of the
// search. Where values were varied, each search has a row of its answer before
// its trials. Units are in the column names, what is not known is an empty cell.
func CapacityCSV(w io.Writer, r *study.Record) error {
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
			r.Scenario.Name, string(a.Status), exact(a.Rate), strconv.Itoa(t.N), string(t.Kind), exact(t.Rate),
			strconv.FormatInt(int64(t.Length), 10), strconv.FormatInt(int64(t.Took), 10),
			string(t.Verdict), plain(strings.Join(t.Reasons, "; ")), exact(t.Achieved), t.Limit.Part, t.Run,
		}
		if isAnswer {
			row[3], row[4], row[5], row[6], row[9], row[10] = "", "answer", exact(a.Rate), "", plain(a.Why), ""
		}
		for _, f := range figures {
			if v, ok := t.Figures[f]; ok {
				row = append(row, exact(v))
			} else {
				row = append(row, "")
			}
		}
		row = append(row, vary)
		for _, v := range []float64{a.Low, a.Median, a.High, a.ConfirmedRate, a.RefutedRate} {
			if isAnswer && v > 0 {
				row = append(row, exact(v))
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

// WriteCapacity makes the directory of a search with every report in it, as
// [Write] does for a run. With force it replaces a directory that holds an earlier
// state of a search.
func WriteCapacity(dir string, r *study.Record, force bool) error {
	owner := Owner{Verb: "capacity", Name: r.Scenario.Name, StartedAt: r.EndedAt}
	return storeIn(dir, Reserving{Owner: owner, Force: force}, capacityFiles(r))
}

// WriteCapacity stores what a search knows by now. It may be called again.
func (r *Reservation) WriteCapacity(record *study.Record) error {
	return r.store(capacityFiles(record))
}

// capacityFiles are the files of a search, the one that counts first.
func capacityFiles(r *study.Record) []file {
	files := []file{
		{capacityFile, encoding(r, CapacityJSON)},
		{"capacity.md", encoding(r, CapacityMarkdown)},
		{"capacity.csv", encoding(r, CapacityCSV)},
	}
	if len(r.Vary) > 0 {
		files = append(files, file{scalingFile, encoding(r, ScalingSVG)})
	} else {
		files = append(files, file{searchFile, encoding(r, SearchSVG)})
	}
	if len(r.Points) > 0 {
		files = append(files, file{curveFile, encoding(r, CurveSVG)})
	}
	return files
}

// CheckCapacityTarget is [CheckTarget] for [WriteCapacity].
func CheckCapacityTarget(dir string, force bool) error {
	return Check(dir, Reserving{Owner: Owner{Verb: "capacity"}, Force: force})
}

// IsCapacity reports whether the path is the directory of a search, or its
// capacity.json.
func IsCapacity(path string) bool { return holds(path, capacityFile) }

// LoadCapacity reads the record of a search from its directory or its
// capacity.json. Its errors name the file and the place.
func LoadCapacity(path string) (*study.Record, error) {
	file := within(path, capacityFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load search %q: %w; give a directory that queuedyno capacity wrote", path, cause(err))
	}
	if err != nil {
		return nil, fmt.Errorf("load search %q: %w", file, cause(err))
	}
	return parseCapacity(file, data)
}

func parseCapacity(file string, data []byte) (*study.Record, error) {
	var head struct {
		Schema int    `json:"schema"`
		Kind   string `json:"kind"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("load search %s: not JSON as queuedyno writes it: %w", place(file, data, err), err)
	}
	switch {
	case head.Schema < 1 || head.Kind != "capacity":
		return nil, fmt.Errorf("load search %s: not the record of a search; give the %s that queuedyno capacity wrote", file, capacityFile)
	case head.Schema > study.Schema:
		return nil, fmt.Errorf("load search %s: schema %d is newer than %d, the newest that this build reads; use a newer queuedyno", file, head.Schema, study.Schema)
	}
	r := new(study.Record)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("load search %s: not the record of a search: %w", place(file, data, err), err)
	}
	if what := absurd(r); what != "" {
		return nil, fmt.Errorf("load search %s: %s makes no sense; restore the file, or search again", file, what)
	}
	return r, nil
}

// absurd names a figure that no search can have found, empty when there is none.
func absurd(r *study.Record) string {
	sane := func(all ...float64) bool {
		for _, v := range all {
			if v != 0 && !(v >= 1e-6 && v <= 1e15) {
				return false
			}
		}
		return true
	}
	trials, answers := slices.Concat(r.Trials, r.Curve), []capacity.Answer{r.Answer}
	for _, c := range r.Cells {
		trials, answers = append(trials, c.Trials...), append(answers, c.Answer)
		if len(c.Values) != len(r.Vary) {
			return "a value that was varied"
		}
		for i, v := range c.Values {
			if !slices.Contains(r.Vary[i].Values, v) {
				return "a value that was varied"
			}
		}
	}
	if faults := study.CheckDimensions(r.Vary); len(faults) > 0 {
		return "what was varied (" + faults[0] + ")"
	}
	for _, t := range trials {
		if !sane(t.Rate, t.Achieved) || t.Kind != capacity.Ceiling && t.Rate == 0 || t.Length <= 0 || t.Took < 0 {
			return fmt.Sprintf("trial %d", t.N)
		}
	}
	for _, a := range answers {
		if !sane(a.Rate, a.Low, a.Median, a.High, a.ConfirmedRate, a.RefutedRate, a.LoopBefore, a.LoopAfter) {
			return "the answer"
		}
	}
	if what := absurdScaling(r); what != "" {
		return what
	}
	for _, p := range r.Points {
		if !sane(p.Rate, p.Achieved.Value) {
			return "a point of the curve"
		}
		for q, l := range p.Latency {
			if !sane(l.Value) || !(l.Low >= 0 && l.High >= 0) {
				return "the " + q + " of a point of the curve"
			}
		}
	}
	if r.Knee != nil && !sane(r.Knee.Rate) {
		return "the knee"
	}
	return ""
}

// absurdScaling names what of a fitted law cannot be, empty when all can.
func absurdScaling(r *study.Record) string {
	s := r.Scaling
	if s == nil {
		return ""
	}
	if len(r.Vary) != 1 || s.Refused == "" && (!(s.Lambda > 0) || len(s.Sizes) == 0) ||
		!(s.Sigma >= 0 && s.Kappa >= 0 && s.Peak >= 0) || !finite(s.Largest) {
		return "the law of scaling"
	}
	return ""
}
