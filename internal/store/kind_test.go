package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
)

// documents are one of each kind.
func documents(t *testing.T) map[render.Kind]render.Document {
	t.Helper()
	return map[render.Kind]render.Document{
		render.Run:        render.Of(rendertest.Steady(t)),
		render.Search:     render.Of(rendertest.Searched(t)),
		render.Comparison: render.Of(rendertest.Compared(1)),
		render.Calibration: render.Of(&compare.Calibration{
			Schema: compare.Schema, Kind: "calibration", Name: "steady",
			Metrics: map[string]compare.Noise{"end_to_end.p50": {Spread: 0.01, Smallest: 0.02, Margin: 0.05}},
		}),
		render.Staffing: render.Of(&study.Staffing{Schema: study.Schema, Kind: "plan", Rate: 100, Workers: 3, SLO: []string{"queue.p99 < 20ms"}}),
	}
}

func inJSON(t *testing.T, d render.Document) string {
	t.Helper()
	var b strings.Builder
	must(t, d.Encode(&b, "json", render.Options{}))
	return b.String()
}

func TestEveryKindIsStoredAndReadBackInTheSameWay(t *testing.T) {
	t.Parallel()
	for kind, d := range documents(t) {
		dir := filepath.Join(t.TempDir(), "kept")
		must(t, store.Write(dir, d, false))
		if err := store.Write(dir, d, false); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: written over an older one without force: %v", kind, err)
		}
		renamed := filepath.Join(t.TempDir(), "renamed.txt")
		must(t, os.WriteFile(renamed, []byte(inJSON(t, d)), 0o666))
		paths := []string{dir, filepath.Join(dir, kind.File())}
		if kind != render.Run { // whose records name no kind
			paths = append(paths, renamed)
		}
		for _, path := range paths {
			if got := store.KindOf(path); got != kind {
				t.Errorf("KindOf(%q) = %q, want %q", path, got, kind)
			}
		}
		for _, path := range append(paths, renamed) {
			got, err := store.Load(path)
			if err != nil || got.Kind() != kind || inJSON(t, got) != inJSON(t, d) {
				t.Errorf("Load(%q) = %q, %v, want what was written as %q", path, got.Kind(), err, kind)
			}
		}
		must(t, os.Remove(filepath.Join(dir, kind.File())))
		if made, err := store.Redraw(dir); err == nil {
			t.Errorf("%s: without its record, %q were made again", kind, made)
		}
	}
}

func TestARecordOfAnotherKindIsRefusedAndBothAreNamed(t *testing.T) {
	t.Parallel()
	for kind, d := range documents(t) {
		dir := filepath.Join(t.TempDir(), "kept")
		must(t, store.Write(dir, d, false))
		for wanted, load := range map[render.Kind]func(string) error{
			render.Run:         loader[*result.Result](),
			render.Search:      loader[*study.Record](),
			render.Comparison:  loader[*compare.Record](),
			render.Calibration: loader[*compare.Calibration](),
			render.Staffing:    loader[*study.Staffing](),
		} {
			for _, path := range []string{dir, filepath.Join(dir, kind.File())} {
				err := load(path)
				if kind == wanted {
					must(t, err)
					continue
				}
				want := "it holds " + kind.Words() + ", not " + wanted.Words() + "; give "
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
					t.Errorf("%q read as %s: %v, want %q", path, wanted, err, want)
				}
			}
		}
	}
}

func loader[R render.Record]() func(string) error {
	return func(path string) error {
		_, err := store.LoadAs[R](path)
		return err
	}
}

func TestTheKindOfWhatIsNoRecordIsUnknown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.json": `{"kind":"sonnet"}`, "b.json": `[1]`, "c.txt": `no JSON`, "d.json": ``} {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, []byte(text), 0o666))
		if got := store.KindOf(file); got != "" {
			t.Errorf("KindOf(%s) = %q, want none", text, got)
		}
		if _, err := store.Load(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("Load(%s) returned %v, want an error that names the file", text, err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "nothing")} {
		if got := store.KindOf(path); got != "" {
			t.Errorf("KindOf(%q) = %q, want none", path, got)
		}
		if _, err := store.Load(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load(%q) returned %v, want that nothing is there", path, err)
		}
	}
	// A record that cannot be read is what its name says.
	broken := filepath.Join(dir, "capacity.json")
	must(t, os.WriteFile(broken, []byte("{"), 0o666))
	if _, err := store.Load(broken); err == nil || !strings.Contains(err.Error(), "load search "+broken+":1:1: not JSON") {
		t.Errorf("Load of half a search returned %v", err)
	}
}
