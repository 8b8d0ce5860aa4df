package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/queuedyno/queuedyno/result"
)

// Second is what there is to show of one second of a run that goes on. A [Writer] and a
// [Reader] carry it from the process that makes the run to the one that shows it.
type Second struct {
	// ID is that of the run, and State how far it is, in a sentence.
	ID    string `json:"id"`
	State string `json:"state"`
	// Rows are the rows of the timeline since the second before.
	Rows []result.Second `json:"rows"`
	// Facts are what is known of the run, without its timeline; nil where that comes
	// another way.
	Facts *result.Result `json:"facts,omitempty"`
}

// Writer writes seconds, each as a line of JSON. It is not safe for concurrent use.
type Writer struct{ to io.Writer }

// NewWriter is a writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w} }

// Write writes a second in one piece. Its errors are those of the writer below.
func (w *Writer) Write(s Second) error {
	line, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode a second: %w", err)
	}
	_, err = w.to.Write(append(line, '\n'))
	return err
}

// longestSecond bounds the memory for a line, which takes some tens of kilobytes.
const longestSecond = 8 << 20

// Reader finds the seconds in what a [Writer] wrote, and shows each. What is written to
// it may be cut anywhere. Lines that hold no second of a run are ignored, and so are
// longer ones than any second is. It is not safe for concurrent use.
type Reader struct {
	// Show is called with each second that holds facts.
	Show func(Second)

	line    []byte
	skipped bool // the line was too long, and its rest follows
}

var _ io.Writer = (*Reader)(nil)

// Write takes in the next bytes. It takes all of them, and returns no error.
func (r *Reader) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, after, ends := bytes.Cut(rest, []byte{'\n'})
		rest = after
		if len(r.line)+len(part) > longestSecond {
			r.line, r.skipped = r.line[:0], true
		} else if !r.skipped {
			r.line = append(r.line, part...)
		}
		if !ends {
			break
		}
		if !r.skipped {
			var s Second
			if json.Unmarshal(r.line, &s) == nil && s.ID != "" && s.Facts != nil {
				r.Show(s)
			}
		}
		r.line, r.skipped = r.line[:0], false
	}
	return len(p), nil
}
