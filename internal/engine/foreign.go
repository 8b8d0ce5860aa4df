package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
)

// foreign are the elements of other clients that consumers of the run took.
type foreign struct {
	found   int64 // jobs of other clients that waited before the run began
	keyMade bool  // the run may have made the queue's key

	mu    sync.Mutex // guards what follows
	kept  [][]byte
	bytes int
}

// returner puts elements back into a queue, the first of them to be taken next.
type returner interface {
	Return(ctx context.Context, elements ...[]byte) error
}

// keep remembers an element of another client that a consumer of the run took from
// a queue that is not the run's own.
func (r *run) keep(element []byte) {
	if !r.o.Shared {
		return
	}
	f := &r.foreign
	f.mu.Lock()
	f.kept = append(f.kept, bytes.Clone(element))
	f.bytes += len(element)
	n, size := len(f.kept), f.bytes
	f.mu.Unlock()
	if n > maxKept || size > maxKeptBytes {
		r.fail("consume", fmt.Errorf("%d jobs of other clients were taken from the queue, more than can be kept until the end; use external consumers, or a queue that only this run uses", n))
	}
}

// How much of other clients' is kept.
const (
	maxKept      = 10_000
	maxKeptBytes = 64 << 20
)

// shareable refuses consumers of the run on a queue that other clients use, where
// their elements could not be put back as they were.
func (r *run) shareable() error {
	if !r.o.Shared || pool(r.s) == 0 {
		return nil
	}
	switch {
	case r.redelivers:
		return fmt.Errorf("this run's consumers would take other clients' jobs from the named queue, and the design %s cannot put them back as they were; use external consumers, or leave out the queue's name", r.s.Design)
	case len(r.s.Queues) > 1:
		return errors.New("this run's consumers would take other clients' jobs from the named queues, and could not put them back where they were; use external consumers, or leave out the queues' name")
	}
	return nil
}

// giveBack returns to the queue the elements of other clients.
func (r *run) giveBack(ctx context.Context) error {
	if len(r.foreign.kept) == 0 {
		return nil
	}
	b, ok := r.b.(returner)
	if !ok {
		r.outcome.unreturned = r.foreign.kept
		return fmt.Errorf("%d jobs of other clients were taken from the queue and cannot be put back; they are in the result, as unreturned", len(r.foreign.kept))
	}
	if err := b.Return(ctx, r.foreign.kept...); err != nil {
		r.outcome.unreturned = r.foreign.kept
		return fmt.Errorf("put %d jobs of other clients back; they are in the result, as unreturned: %w", len(r.foreign.kept), err)
	}
	r.warn("%d jobs of other clients were taken from the queue and put back at the end: use a queue that only this run uses, or external consumers", len(r.foreign.kept))
	return nil
}
