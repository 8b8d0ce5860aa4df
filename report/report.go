// Package report turns stored results into documents: the table on the terminal,
// a page of Markdown, CSV, JSON, and the formats of other tools.
//
// A [Document] is made of a result ([Of]) or read from a path ([Open]), and writes
// itself in each of its formats. A run's result itself is read with [Load] and
// stored with [Write].
//
//	d, err := report.Open("results/steady-20260102-150405Z")
//	…
//	err = d.Encode(os.Stdout, "md", report.Options{})
//
// Reports are made from result.json alone, at any time; only the heat map of a page needs
// histograms.hlog next to it. Every format includes the
// validity of the run and its warnings.
package report

import (
	"io"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// Document is something to report, of any kind. The zero value is no document;
// make one with [Of] or [Open]. It may be used by several goroutines at once.
type Document struct{ d render.Document }

// Of is the document of a run's result, to which it refers.
func Of(r *result.Result) Document { return Document{render.Of(r)} }

// Open reads a document: from a directory that queuedyno wrote, or from the record
// in it, such as result.json or compare.json. The error names the file, the
// position where there is one, and the remedy. It matches [io/fs.ErrNotExist] where
// there is no record.
func Open(path string) (Document, error) {
	d, err := store.Load(path)
	return Document{d}, err
}

// Kind is what the document is about: "run", "capacity" for a search for the capacity,
// "compare" for a comparison of two sides, "calibration" for one of such comparisons, or
// "plan" for how many workers are enough.
func (d Document) Kind() string { return string(d.d.Kind()) }

// Formats are the names of the formats that a document of this kind has. Every
// document has text and json.
func (d Document) Formats() []string { return d.d.Formats() }

// Options are how a document is to look. The zero value is good.
type Options struct {
	// Color allows ANSI colors in the format text.
	Color bool
	// Width is the number of columns of the format text. Zero means 80, and less
	// than 60 is taken as 60.
	Width int
	// Stage is the stage of the format hgrm, which holds one distribution. Empty
	// means the end-to-end latency, or what stands for it.
	Stage result.Stage
}

// Encode writes the document in one of its formats: all of it or, where the error
// is not the writer's, nothing.
func (d Document) Encode(w io.Writer, format string, o Options) error {
	return d.d.Encode(w, format, render.Options(o))
}

// Load reads the result of a run from its directory or its result.json. Its errors
// are those of [Open], and it refuses documents of other kinds.
func Load(path string) (*result.Result, error) { return store.LoadAs[*result.Result](path) }

// Write makes a directory with the result and every report of it. One that exists
// is refused, with an error that matches [io/fs.ErrExist]; with replace, an older
// result is replaced once the new one is complete. When the directory cannot be
// written, the result goes to a directory next to it, and the error says where.
func Write(dir string, r *result.Result, replace bool) error {
	return store.Write(dir, render.Of(r), replace)
}
