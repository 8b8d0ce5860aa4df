// Package render turns what queuedyno has found into bytes: for a terminal, for
// a page of Markdown with its pictures, for scripts and for other tools.
//
// It computes no figure. It formats what a record holds and reads curves out of
// the histograms stored in it; what is null there is n/a here, with the reason.
// So every report can be made again from the record alone; only the heat map of a run
// needs its interval log too, see [Document.WithIntervals]. It knows no clock and
// no file system. The validity of a run and its warnings are part of every format.
//
// Begin reading at [Document]; the formats of each kind are listed in formats.go.
package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
)

// Record is what a document can be made of.
type Record interface {
	*result.Result | *study.Record | *compare.Record | *compare.Calibration | *study.Staffing
}

// Document is one record of any kind, ready to be written in any of its formats.
// Make one with [Of]. It refers to the record and never changes it.
type Document struct {
	kind    Kind
	record  any
	formats []format
	files   func() []File
	// page is the part of a page that so many documents share.
	page func(documents int) (webpage.Document, error)
}

// Of is the document of a record.
func Of[R Record](record R) Document {
	switch r := any(record).(type) {
	case *study.Record:
		return ofSearch(r)
	case *compare.Record:
		return ofComparison(r)
	case *compare.Calibration:
		return ofCalibration(r)
	case *study.Staffing:
		return ofStaffing(r)
	default:
		return ofRun(any(record).(*result.Result), nil)
	}
}

// WithIntervals is the document with the interval log of its run, which open opens
// whenever a format needs it. An error of open that matches [io/fs.ErrNotExist] means
// that there is no log. Documents of other kinds have no use for it.
func (d Document) WithIntervals(open func() (io.ReadCloser, error)) Document {
	if r, ok := As[*result.Result](d); ok {
		return ofRun(r, open)
	}
	return d
}

// As is the record of a document, where it is of that kind.
func As[R Record](d Document) (record R, ok bool) {
	record, ok = d.record.(R)
	return record, ok
}

// Kind is what the document is about.
func (d Document) Kind() Kind { return d.kind }

// Formats are the names of the document's formats, text first.
func (d Document) Formats() []string {
	names := make([]string, len(d.formats))
	for i, f := range d.formats {
		names[i] = f.name
	}
	return names
}

// Options are how a document is to look. The zero value is good.
type Options struct {
	// Color allows ANSI colours in the format text. They repeat what the words say.
	Color bool
	// Width is the number of columns of the format text. Zero means 80, and less
	// than 60 is taken as 60.
	Width int
	// Stage is the stage of the format hgrm. Empty means the headline.
	Stage metric.Stage
}

// Encode writes the document in one of its formats: the whole of it or, when the
// error is not the writer's, nothing.
func (d Document) Encode(w io.Writer, format string, o Options) error {
	for _, f := range d.formats {
		if f.name == format {
			text, err := f.encode(o)
			return write(w, "report", text, err)
		}
	}
	return fmt.Errorf("report format %q: the formats of %s are %s", format, d.kind.Words(), strings.Join(d.Formats(), ", "))
}

// write writes a report that could be made, and says what could not be written.
func write(w io.Writer, what, text string, err error) error {
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// File is one file of a directory: its name in it, with slashes, and what writes
// it.
type File struct {
	Name   string
	Encode func(io.Writer) error
}

// Files are the files of the directory that the document is stored in. The first
// is the record itself, of which all others can be made again.
func (d Document) Files() []File { return d.files() }

// Kind names what a document is about. It is the kind that stored records name,
// but for runs, which name none.
type Kind string

// The kinds of documents.
const (
	Run         Kind = "run"
	Search      Kind = "capacity"
	Comparison  Kind = "compare"
	Calibration Kind = "calibration"
	Staffing    Kind = "plan"
)

// Kinds lists them. Of a directory with the records of several, the first one in
// this order is meant.
func Kinds() []Kind { return []Kind{Run, Search, Comparison, Calibration, Staffing} }

// KindOf is the kind of a document that is made of such a record.
func KindOf[R Record]() Kind {
	var none R
	return Of(none).kind
}

// about is what all documents of a kind have in common: the kind in words with its
// article, the name of the record in a directory, the names of the key figures, and a
// document that has no record.
type about struct {
	words, file string
	figures     []string
	none        Document
}

func (k Kind) about() about {
	return map[Kind]about{
		Run:         {"a run", "result.json", []string{"achieved", "p50", "p99", "max", "lost", "started"}, ofRun(nil, nil)},
		Search:      {"a search for the capacity", "capacity.json", []string{"jobs/s", "trials", "SLO"}, ofSearch(nil)},
		Comparison:  {"a comparison", "compare.json", []string{"pairs", "p50", "p99", "achieved rate"}, ofComparison(nil)},
		Calibration: {"a calibration", "calibration.json", []string{"pairs", "fail without a change", "widest gate"}, ofCalibration(nil)},
		Staffing:    {"a staffing plan", "plan.json", []string{"workers", "jobs/s", "service time"}, ofStaffing(nil)},
	}[k]
}

// Words are the kind with its article, empty for a kind that there is not.
func (k Kind) Words() string { return k.about().words }

// File is the name of the record in a directory.
func (k Kind) File() string { return k.about().file }

// Figures are the names of the key figures that documents of the kind have.
func (k Kind) Figures() []string { return k.about().figures }

// Formats are the names of the formats that documents of the kind have.
func (k Kind) Formats() []string { return k.about().none.Formats() }
