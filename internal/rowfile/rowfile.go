// Package rowfile keeps the interval log of a run in a temporary file while the run goes
// on: outside of memory, and with as many rows as the timeline has, however long the run
// takes. Begin reading at [New].
package rowfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/rowlength"
)

// File holds the rows. It is not safe for concurrent use.
type File struct {
	f    *os.File
	w    *bufio.Writer
	log  *render.IntervalLog
	rows latency.Joiner
	err  error
}

// New makes the file, in the directory for temporary files.
func New(rows rowlength.Rows) (*File, error) {
	f, err := os.CreateTemp("", "queuedyno-*.hlog")
	if err != nil {
		return nil, fmt.Errorf("make a file for the interval log: %w", err)
	}
	r := &File{f: f, w: bufio.NewWriterSize(f, 1<<16)}
	r.rows = latency.Joiner{
		Same: func(a, b time.Duration) bool { return rows.Slot(a).Joins(rows.Slot(b)) },
		Next: r.write,
	}
	return r, nil
}

// Add adds an interval. The first error is kept; it must not end the run.
func (r *File) Add(iv latency.Interval) { r.rows.Add(iv) }

// write writes one row.
func (r *File) write(iv latency.Interval) {
	if r.err != nil {
		return
	}
	if r.log == nil {
		// The run's epoch, which is known with its first interval.
		r.log, r.err = render.NewIntervalLog(r.w, iv.From.Add(-iv.Start))
		if r.err != nil {
			return
		}
	}
	r.err = r.log.Add(iv)
}

// Finish returns the file of the whole log. Without an interval there is no file. If
// some could not be written the error says why, and the log is made from the result.
func (r *File) Finish() ([]render.File, error) {
	r.rows.Flush()
	if r.log == nil && r.err == nil {
		return nil, nil
	}
	if r.err == nil {
		r.err = r.w.Flush()
	}
	if r.err == nil {
		_, r.err = r.f.Seek(0, io.SeekStart)
	}
	if r.err != nil {
		return nil, r.err
	}
	return []render.File{render.Intervals(r.f)}, nil
}

// Remove removes the file. It is safe on nil.
func (r *File) Remove() error {
	if r == nil {
		return nil
	}
	return errors.Join(r.f.Close(), os.Remove(r.f.Name()))
}
