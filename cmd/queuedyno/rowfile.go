package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/render"
)

// rowFile holds the rows of the interval log while a run goes on, outside of
// the memory: their number grows with the length of the run.
type rowFile struct {
	f   *os.File
	w   *bufio.Writer
	log *render.IntervalLog
	err error
}

func newRowFile() (*rowFile, error) {
	f, err := os.CreateTemp("", "queuedyno-*.hlog")
	if err != nil {
		return nil, fmt.Errorf("make a file for the interval log: %w", err)
	}
	return &rowFile{f: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

// add writes one row. The first error is kept; it must not end the run.
func (r *rowFile) add(iv latency.Interval) {
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

// finish is the file of the whole log. There is none when there was no interval or
// when some could not be written; then the error says why, and the log is made of
// the result.
func (r *rowFile) finish() ([]render.File, error) {
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

// remove removes the file. It is safe on nil.
func (r *rowFile) remove() error {
	if r == nil {
		return nil
	}
	return errors.Join(r.f.Close(), os.Remove(r.f.Name()))
}
