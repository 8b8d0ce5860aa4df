package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// comparisonFile is the file of a comparison's directory from which all others
// can be made again.
const comparisonFile = "compare.json"

// ComparisonJSON writes the record as compare.json, read back by
// [LoadComparison] as it was.
func ComparisonJSON(w io.Writer, r *compare.Record) error {
	full := *r
	full.Reasons, full.Warnings = append([]string{}, r.Reasons...), append([]string{}, r.Warnings...)
	full.Looks, full.Figures = append([]int{}, r.Looks...), append([]paired.Figure{}, r.Figures...)
	full.Runs = append([]compare.Run{}, r.Runs...)
	for i := range full.Runs {
		full.Runs[i].Figures = orEmpty(full.Runs[i].Figures)
		full.Runs[i].Reasons = append([]string{}, full.Runs[i].Reasons...)
	}
	for _, arm := range []*compare.Arm{&full.Base, &full.Candidate} {
		arm.Settings, arm.Redis.Config = orEmpty(arm.Settings), orEmpty(arm.Redis.Config)
	}
	return indented(w, "comparison", full)
}

// CalibrationJSON writes a calibration, read back by [LoadCalibration].
func CalibrationJSON(w io.Writer, c *compare.Calibration) error {
	full := *c
	full.Metrics, full.Settings, full.Redis.Config = orEmpty(c.Metrics), orEmpty(c.Settings), orEmpty(c.Redis.Config)
	full.Warnings = append([]string{}, c.Warnings...)
	return indented(w, "calibration", full)
}

func indented(w io.Writer, what string, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode %s: %w", what, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// WriteComparison makes the directory of a comparison with every report in it, as
// [Write] does for a run. The results are those of the runs, by the names of
// their files in the record.
func WriteComparison(dir string, r *compare.Record, results map[string]*result.Result, force bool) error {
	owner := Owner{Verb: "compare", Name: r.Name, StartedAt: r.EndedAt}
	return storeIn(dir, Reserving{Owner: owner, Force: force}, comparisonFiles(r, results))
}

// WriteComparison stores a comparison and the results of its runs.
func (r *Reservation) WriteComparison(record *compare.Record, results map[string]*result.Result) error {
	return r.store(comparisonFiles(record, results))
}

// comparisonFiles are the files of a comparison, the one that counts first and
// then those that cannot be made again.
func comparisonFiles(r *compare.Record, results map[string]*result.Result) []file {
	files := []file{{comparisonFile, encoding(r, ComparisonJSON)}}
	for _, name := range sortedKeys(results) {
		files = append(files, file{name, encoding(results[name], JSON)})
	}
	return append(files,
		file{"compare.md", encoding(r, ComparisonMarkdown)},
		file{"junit.xml", encoding(r, ComparisonJUnit)},
		file{"base.txt", encoding(r, ComparisonBenchmark(compare.Base))},
		file{"candidate.txt", encoding(r, ComparisonBenchmark(compare.Candidate))},
	)
}

// CheckComparisonTarget is [CheckTarget] for [WriteComparison].
func CheckComparisonTarget(dir string, force bool) error {
	return Check(dir, Reserving{Owner: Owner{Verb: "compare"}, Force: force})
}

// IsComparison reports whether the path is the directory of a comparison, or its
// compare.json.
func IsComparison(path string) bool { return holds(path, comparisonFile) }

// LoadComparison reads the record of a comparison from its directory or its
// compare.json. Its errors name the file and the place.
func LoadComparison(path string) (*compare.Record, error) {
	file := within(path, comparisonFile)
	r := new(compare.Record)
	if err := loadKind(file, "comparison", "compare", r); err != nil {
		return nil, err
	}
	return r, nil
}

// LoadCalibration reads what queuedyno calibrate wrote.
func LoadCalibration(file string) (*compare.Calibration, error) {
	c := new(compare.Calibration)
	if err := loadKind(file, "calibration", "calibration", c); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(c.Metrics) {
		if m := c.Metrics[name]; !(m.Margin > 0) || m.Margin > 1e6 || !(m.Spread >= 0) || !(m.Smallest >= 0) {
			return nil, fmt.Errorf("load calibration %s: metric %q: its noise makes no sense; calibrate again", file, name)
		}
	}
	return c, nil
}

// loadKind reads a record of that kind into v.
func loadKind(file, what, kind string, v any) error {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("load %s %q: %w; give what queuedyno wrote", what, file, cause(err))
	}
	if err != nil {
		return fmt.Errorf("load %s %q: %w", what, file, cause(err))
	}
	var head struct {
		Schema int    `json:"schema"`
		Kind   string `json:"kind"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("load %s %s: not JSON as queuedyno writes it: %w", what, place(file, data, err), err)
	}
	switch {
	case head.Schema < 1 || head.Kind != kind:
		return fmt.Errorf("load %s %s: its kind is %q and not %q", what, file, head.Kind, kind)
	case head.Schema > compare.Schema:
		return fmt.Errorf("load %s %s: schema %d is newer than %d, the newest that this build reads; use a newer queuedyno", what, file, head.Schema, compare.Schema)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("load %s %s: %w; restore the file, or make it again", what, place(file, data, err), err)
	}
	return nil
}
