package report_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/report"
)

func TestADocumentSaysTheSameWhetherItWasStoredOrNot(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "steady")
	if err := report.Write(dir, rendertest.Steady(t), false); err != nil {
		t.Fatal(err)
	}
	stored, err := report.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	fresh := report.Of(rendertest.Steady(t))
	if fresh.Kind() != "run" || stored.Kind() != "run" || !slices.Equal(fresh.Formats(), stored.Formats()) {
		t.Fatalf("kinds %q and %q, formats %q and %q", fresh.Kind(), stored.Kind(), fresh.Formats(), stored.Formats())
	}
	for _, format := range fresh.Formats() {
		o := report.Options{Width: 100, Stage: "queue"}
		if a, b := encoded(t, fresh, format, o), encoded(t, stored, format, o); a != b || a == "" {
			t.Errorf("%s of the stored result differs from that of the result", format)
		}
	}
	r, err := report.Load(dir)
	if err != nil || r.Run.ID != rendertest.Steady(t).Run.ID {
		t.Errorf("Load() = %v, %v", r, err)
	}
}

func TestOptionsReachTheirFormats(t *testing.T) {
	t.Parallel()
	d := report.Of(rendertest.Steady(t))
	for format, o := range map[string]report.Options{"text": {Color: true}, "hgrm": {Stage: "queue"}} {
		if encoded(t, d, format, o) == encoded(t, d, format, report.Options{}) {
			t.Errorf("%s looks the same with %+v", format, o)
		}
	}
	if err := d.Encode(io.Discard, "xml", report.Options{}); err == nil || !strings.Contains(err.Error(), "text, md, html, csv") {
		t.Errorf("a format that there is not: %v, want the choices", err)
	}
}

func TestOpenReadsWhateverQueuedynoWrote(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for kind, d := range map[string]render.Document{
		"capacity": render.Of(rendertest.Searched(t)),
		"compare":  render.Of(rendertest.Compared(1.3)),
	} {
		dir := filepath.Join(root, kind)
		if err := store.Write(dir, d, false); err != nil {
			t.Fatal(err)
		}
		got, err := report.Open(dir)
		if err != nil || got.Kind() != kind {
			t.Errorf("Open(%q) = %q, %v, want %q", dir, got.Kind(), err, kind)
		}
		if _, err := report.Load(dir); err == nil || !strings.Contains(err.Error(), "not a run") {
			t.Errorf("Load(%q) returned %v, want that it is no run", dir, err)
		}
	}
	for _, path := range []string{root, filepath.Join(root, "nothing")} {
		if _, err := report.Open(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%q) returned %v, want that there is no record", path, err)
		}
	}
}

func TestWriteRefusesADirectoryThatExists(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "steady")
	for _, c := range []struct {
		replace bool
		want    error
	}{{false, nil}, {false, fs.ErrExist}, {true, nil}} {
		if err := report.Write(dir, rendertest.Steady(t), c.replace); !errors.Is(err, c.want) {
			t.Errorf("Write with replace %v returned %v, want %v", c.replace, err, c.want)
		}
	}
}

func encoded(t *testing.T, d report.Document, format string, o report.Options) string {
	t.Helper()
	var b strings.Builder
	if err := d.Encode(&b, format, o); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}
