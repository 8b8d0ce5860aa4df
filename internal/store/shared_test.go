package store_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// errDisk is what a full disk says.
var errDisk = errors.New("disk full")

// write stores a run, with an interval log where there is one.
func write(dir string, r *result.Result, log io.Reader, force bool) error {
	if log == nil {
		return store.Write(dir, render.Of(r), force)
	}
	return store.Write(dir, render.Of(r), force, render.Intervals(log))
}

func load(path string) (*result.Result, error) { return store.LoadAs[*result.Result](path) }

// check asks for a directory of a run.
func check(dir string, force bool) error { return store.Check(dir, store.Reserving{Force: force}) }

// encoded is a record in a format.
func encoded[R render.Record](t testing.TB, format string, record R) string {
	t.Helper()
	var b strings.Builder
	if err := render.Of(record).Encode(&b, format, render.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// renderAll writes a document in all its formats, and all its files.
func renderAll(t testing.TB, d render.Document) {
	t.Helper()
	for _, format := range d.Formats() {
		_ = d.Encode(io.Discard, format, render.Options{})
	}
	for _, f := range d.Files() {
		_ = f.Encode(io.Discard)
	}
}
