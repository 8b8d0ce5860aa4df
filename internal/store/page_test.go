package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/store"
)

// hasHeatMap reports whether a page shows one.
func hasHeatMap(t *testing.T, page string) bool {
	t.Helper()
	return strings.Contains(page, `"kind":"heat"`)
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	must(t, err)
	return string(b)
}

func TestThePageShowsTheIntervalsOfItsDirectory(t *testing.T) {
	t.Parallel()
	r, log := rendertest.Stall(t)
	for name, prepare := range map[string]func(dir string){
		"new":               func(string) {},
		"an older is there": func(dir string) { must(t, write(dir, rendertest.Steady(t), nil, false)) },
	} {
		dir := filepath.Join(t.TempDir(), "parent", "run")
		prepare(dir)
		must(t, write(dir, r, bytes.NewReader(log), true))
		page := readFile(t, dir, "report.html")
		if !hasHeatMap(t, page) {
			t.Errorf("%s: the stored page has no heat map", name)
		}
		d, err := store.Load(dir)
		must(t, err)
		var again bytes.Buffer
		must(t, d.Encode(&again, "html", render.Options{}))
		if again.String() != page {
			t.Errorf("%s: the page of the stored result is another one", name)
		}
		must(t, os.Remove(filepath.Join(dir, "report.html")))
		if made, err := store.Redraw(dir); err != nil || len(made) != 1 || readFile(t, dir, "report.html") != page {
			t.Errorf("%s: made %q again, %v; want the same page", name, made, err)
		}
		// The record alone, elsewhere, has no log next to it.
		alone := filepath.Join(t.TempDir(), "result.json")
		must(t, os.WriteFile(alone, []byte(readFile(t, dir, "result.json")), 0o666))
		d, err = store.Load(alone)
		must(t, err)
		again.Reset()
		must(t, d.Encode(&again, "html", render.Options{}))
		if hasHeatMap(t, again.String()) || !strings.Contains(again.String(), "There is no heat map") {
			t.Errorf("%s: without its log, the page has a heat map or does not say why it has none", name)
		}
	}
}

func TestAFileWhoseNameIsTakenGetsANumber(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, want := range []string{"report.html", "report-2.html", "report-3.html"} {
		got, err := store.WriteFile(filepath.Join(dir, "report.html"), []byte{byte('0' + i)})
		if err != nil || got != filepath.Join(dir, want) || readFile(t, got) != string(byte('0'+i)) {
			t.Errorf("WriteFile() = %q, %v, want %q", got, err, want)
		}
	}
	if got, err := store.WriteFile(filepath.Join(dir, "nowhere", "report.html"), nil); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("in a directory that does not exist: %q, %v", got, err)
	}
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("the directory has %q, want the three files", got)
	}
}
