// Package checkpoint writes the results of a run that goes on, one after another, without
// holding it up. Begin reading at [New].
package checkpoint

import (
	"time"

	"github.com/queuedyno/queuedyno/result"
)

// Every is how often a run writes its result so far, unless it is asked for another time.
const Every = time.Minute

// Writer writes results in a goroutine.
type Writer struct {
	next chan *result.Result
	done chan struct{}
}

// New starts a writer. write is called by one goroutine at a time, and failed after it with
// its error, the first time that there is one in a row.
func New(write func(*result.Result) error, failed func(error)) *Writer {
	w := &Writer{next: make(chan *result.Result, 1), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		failing := false
		for r := range w.next {
			err := write(r)
			if err != nil && !failing {
				failed(err)
			}
			failing = err != nil
		}
	}()
	return w
}

// Take takes a result to be written, which belongs to the writer from then on. It does not
// wait: while another result waits to be written, because the disk is slow, this one is
// dropped. It must not be called after or while Close is.
func (w *Writer) Take(r *result.Result) {
	select {
	case w.next <- r:
	default:
	}
}

// Close waits until everything that was taken is written, and ends the goroutine. It is safe
// on nil.
func (w *Writer) Close() {
	if w == nil {
		return
	}
	close(w.next)
	<-w.done
}
