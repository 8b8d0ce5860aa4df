package merge

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/rowscan"
	"github.com/queuedyno/queuedyno/result"
)

// rowError is the error of a histogram in a row.
type rowError struct {
	elapsedS float64
	stage    string
	err      error
}

func (e *rowError) Error() string {
	return fmt.Sprintf("timeline at %.1f s: %s: %s", e.elapsedS, e.stage, e.err)
}

func (e *rowError) Unwrap() error { return e.err }

// document is the JSON of one result. Nearly all of it is its timeline, whose place is
// known, so that it can be read apart from the rest. Where there is no such place, to is 0.
type document struct {
	data     []byte
	from, to int
}

// loaded is a result apart from its timeline, which is in t.
type loaded struct {
	r *result.Result
	t *timeline
	c latency.BandCounter
}

// documents and results that are used again: a shard of an hour has several megabytes.
var (
	unusedDocuments = sync.Pool{New: func() any { return new(document) }}
	unusedTimelines = sync.Pool{New: func() any { return &loaded{t: &timeline{}} }}
)

// load reads the document. What the scanner of rows does not know, and every error, is left
// to parse, which reads all of it.
func (d *document) load(name string, parse Parse) (*loaded, error) {
	l := unusedTimelines.Get().(*loaded)
	if d.to > 0 {
		rest := append(append(append(make([]byte, 0, len(d.data)-(d.to-d.from)+2), d.data[:d.from]...), '[', ']'), d.data[d.to:]...)
		if r, err := parse(name, rest); err == nil && len(r.Timeline) == 0 {
			l.t.reset()
			err := rowscan.Scan(d.data[d.from:d.to], func(row *rowscan.Row) error { return l.t.read(row, &l.c) })
			if of := new(rowError); errors.As(err, &of) {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if err == nil {
				l.r = r
				return l, nil
			}
		}
	}
	r, err := parse(name, d.data)
	if err != nil {
		return nil, err
	}
	if err := l.of(r); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// of takes a result over that was read as a whole.
func (l *loaded) of(r *result.Result) error {
	l.r = r
	l.t.reset()
	var row rowscan.Row
	for i := range r.Timeline {
		row.Of(&r.Timeline[i])
		if err := l.t.read(&row, &l.c); err != nil {
			return err
		}
	}
	return nil
}

// release gives the memory back.
func (l *loaded) release() {
	l.r = nil
	unusedTimelines.Put(l)
}

func (d *document) release() { unusedDocuments.Put(d) }

// documents calls fn for each record in the source until fn is false. Lines outside of
// records that do not begin with a brace are skipped: logs have such lines. fn releases the
// document.
func (s Source) documents(fn func(d *document) bool) error {
	f, err := s.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	for {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c == '{':
			d := unusedDocuments.Get().(*document)
			*d = document{data: append(d.data[:0], c)}
			if err := d.read(in); err != nil {
				return err
			}
			if !fn(d) {
				return nil
			}
		case c == ' ', c == '\t', c == '\n', c == '\r':
		default:
			for errors.Is(err, bufio.ErrBufferFull) || err == nil {
				if _, err = in.ReadSlice('\n'); err == nil {
					break
				}
			}
		}
	}
}

var timelineKey = []byte(`"timeline"`)

// read reads the rest of a JSON object whose brace was read.
func (d *document) read(in *bufio.Reader) error {
	scan := jsonscan.Begun()
	for scan.Inside() {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return errors.New("it ends in the middle of a result")
		} else if err != nil {
			return err
		}
		chunk, _ := in.Peek(in.Buffered())
		base := len(d.data)
		n := scan.Take(chunk, func(depth, at int) {
			at += base
			switch {
			case depth == 2 && d.isTimeline(chunk[:at-base]):
				if d.from > 0 {
					d.to = -1 // there are two
				}
				d.from = at
			case depth == 1 && d.from > 0 && d.to == 0:
				d.to = at + 1
			}
		})
		d.data = append(d.data, chunk[:n]...)
		_, _ = in.Discard(n) // it is buffered
	}
	return nil
}

// isTimeline reports whether what comes before a bracket is the key of the timeline.
func (d *document) isTimeline(chunk []byte) bool {
	const enough = 64 // the key, its colon, and spaces
	before := chunk
	if len(before) < enough {
		tail := d.data[max(0, len(d.data)-enough):]
		before = append(append(make([]byte, 0, 2*enough), tail...), chunk...)
	}
	before = bytes.TrimRight(before, " \t\r\n")
	key, ok := bytes.CutSuffix(before, []byte(":"))
	return ok && bytes.HasSuffix(bytes.TrimRight(key, " \t\r\n"), timelineKey)
}
