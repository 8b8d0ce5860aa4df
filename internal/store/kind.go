package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
)

// Unfinished is the kind of a directory whose run has not finished, or has ended
// without a result.
const Unfinished render.Kind = "unfinished"

// Words are a kind with its article, as [render.Kind.Words] are, and empty for an
// unknown kind.
func Words(k render.Kind) string {
	if k == Unfinished {
		return "an unfinished run"
	}
	return k.Words()
}

// kind is how the records of a kind are read.
type kind struct {
	render.Kind
	what   string // what errors call the record
	verb   string // the verb that writes it
	again  string // how to get another one
	schema int
	// read reads the bytes of a record whose schema is known.
	read func(data []byte) (render.Document, error)
}

// kinds are all kinds, in the order of [render.Kinds].
func kinds() []kind {
	return []kind{
		{render.Run, "result", "run", "run the scenario again", result.Schema, reader(render.Of, currentRun)},
		{render.Search, "search", "capacity", "search again", study.Schema, reader(render.Of, checkSearch)},
		{render.Comparison, "comparison", "compare", "compare again", compare.Schema, reader[compare.Record](render.Of, nil)},
		{render.Calibration, "calibration", "calibrate", "calibrate again", compare.Schema, reader(render.Of, checkCalibration)},
		{render.Staffing, "staffing plan", "plan --json", "plan again", study.Schema, reader[study.Staffing](render.Of, nil)},
	}
}

// of is how the records of that kind are read; those of runs for an unknown one.
func of(k render.Kind) kind {
	all := kinds()
	return all[max(0, slices.IndexFunc(all, func(one kind) bool { return one.Kind == k }))]
}

// reader reads records of a kind and refuses those that fail the optional check.
func reader[T any](of func(*T) render.Document, check func(*T) error) func(data []byte) (render.Document, error) {
	return func(data []byte) (render.Document, error) {
		record := new(T)
		if err := json.Unmarshal(data, record); err != nil {
			return render.Document{}, err
		}
		if check != nil {
			if err := check(record); err != nil {
				return render.Document{}, senseless{err}
			}
		}
		return of(record), nil
	}
}

// senseless is the error of a record with impossible values.
type senseless struct{ error }

// KindOf is the kind of the record at the path, empty without a known one. A directory has the kind of its record. A file has the kind
// that it names or, where it names none, the one of its file name.
func KindOf(path string) render.Kind {
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		for _, k := range render.Kinds() {
			if exists(filepath.Join(path, k.File())) {
				return k
			}
		}
		if exists(filepath.Join(path, markerFile)) {
			return Unfinished
		}
		return ""
	}
	var head struct {
		Kind render.Kind `json:"kind"`
	}
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &head) == nil && Words(head.Kind) != "" {
		return head.Kind
	}
	for _, k := range render.Kinds() {
		if filepath.Base(path) == k.File() {
			return k
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// currentRun brings a result up to date, and refuses one whose histograms cannot be
// read.
func currentRun(r *result.Result) error {
	fromSchema1(r)
	for _, stage := range slices.Sorted(maps.Keys(r.Stages)) {
		if s := r.Stages[stage]; s != nil && s.HDR != "" {
			if _, err := latency.Decode(s.HDR); err != nil {
				return fmt.Errorf("stages.%s.hdr: %w", stage, err)
			}
		}
	}
	return nil
}

// checkCalibration refuses a calibration with impossible noise.
func checkCalibration(c *compare.Calibration) error {
	for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
		if m := c.Metrics[name]; !(m.Margin > 0) || m.Margin > 1e6 || !(m.Spread >= 0) || !(m.Smallest >= 0) {
			return fmt.Errorf("metric %q: its noise is impossible", name)
		}
	}
	return nil
}
