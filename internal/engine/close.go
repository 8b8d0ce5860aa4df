package engine

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/queuedyno/queuedyno/internal/announced"
	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// close closes what is open and removes the queue.
func (r *run) close() error {
	for _, p := range r.producers {
		r.closeProducer(&p.conn)
	}
	r.entry.close()
	r.closeReaders()
	if r.api != nil {
		r.api.Close()
	}
	for _, c := range r.consumers {
		c.conn.Close()
	}
	for _, s := range r.subscribers {
		s.conn.Close()
	}
	for _, w := range r.waiters {
		w.Close()
	}
	if !r.foreign.keyMade || r.faults.ended() {
		return nil // nothing was opened that makes a key, or it is gone with the server
	}
	patience := 3 * time.Second
	sweeper, sweeps := r.b.(dialect.Sweeper)
	source := r.mapping.Source()
	if r.o.Shared || sweeps || source != nil && source.Keys {
		// The jobs are searched for one by one, in pages that take a round trip each.
		patience = 30*time.Second + time.Duration(r.flight.Top.Load())*100*time.Microsecond
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), patience)
	defer cancel()
	err := r.clear(ctx)
	if err == nil && sweeps {
		err = sweeper.Sweep(ctx, r.sentIDs())
	}
	if err == nil {
		err = announced.Remove(ctx, r.b, r.mapping, r.sentIDs())
	}
	if err != nil {
		if r.fatal() != nil {
			r.warn("the queue could not be removed: %s", err)
			return nil // most likely for the same reason
		}
		if from, _, lasts := r.sampler.stalled(); lasts {
			return &stoppedError{from, err}
		}
		return fmt.Errorf("remove the queue: %w", err)
	}
	return nil
}

// sentIDs are the ids of all jobs that this run may have sent.
func (r *run) sentIDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := range r.flight.Top.Load() { // numbers are not dense: producers share them
			if !yield(string(r.format.AppendID(nil, n))) {
				return
			}
		}
	}
}

// closeProducer closes the connection that a producer has now.
func (r *run) closeProducer(conn *jobqueue.Producer) {
	r.conns.Lock()
	c := *conn
	r.conns.Unlock()
	if c != nil {
		c.Close()
	}
}

// swap replaces a subscriber's connection.
func (r *run) swap(s *subscriber, conn jobqueue.Subscriber) {
	r.conns.Lock()
	old := s.conn
	s.conn = conn
	r.conns.Unlock()
	old.Close()
}

// stopWorkers stops the workers that were started for the run, if any were.
func (r *run) stopWorkers() {
	if r.o.Workers == nil {
		return
	}
	if err := r.worked.Err; err != nil {
		r.warn("%s; the jobs that they had not finished, and those that came later, are in these figures as well", err)
	}
	if warning := r.o.Workers.Stop(); warning != "" {
		r.warn("%s", warning)
	}
}

// discarder takes single elements out of a queue.
type discarder interface {
	Discard(ctx context.Context, elements ...string) (found int64, err error)
}

// clear removes the queue, or from a queue that others use, too, what is left of
// this run's jobs in it.
func (r *run) clear(ctx context.Context) error {
	if !r.o.Shared {
		return r.b.Clear(ctx)
	}
	if err := r.giveBack(ctx); err != nil {
		return err
	}
	p, peeks := r.b.(peeker)
	q, removes := r.b.(discarder)
	if !peeks || !removes {
		r.warn("jobs of this run that are left in the queue could not be removed")
		return nil
	}
	var left []string
	if err := r.eachQueued(ctx, p, func(element string, n int64) { left = append(left, element) }); err != nil {
		return err
	}
	if len(left) == 0 {
		return nil
	}
	_, err := q.Discard(ctx, left...)
	return err
}

// eachQueued calls fn for each job of this run that is left in the queue.
func (r *run) eachQueued(ctx context.Context, p peeker, fn func(element string, n int64)) error {
	return r.eachElement(ctx, p, func(e string) {
		if _, n, o := r.format.Read([]byte(e)); o == flight.Ours {
			fn(e, n)
		}
	})
}

// eachElement calls fn for each element that is left in the queue.
func (r *run) eachElement(ctx context.Context, p peeker, fn func(element string)) error {
	page := int64(max(1, min(10_000, (8<<20)/r.format.Max)))
	for from := int64(0); ; from += page {
		elements, err := p.Peek(ctx, from, page)
		if err != nil {
			return err
		}
		for _, e := range elements {
			fn(e)
		}
		if int64(len(elements)) < page {
			return nil
		}
	}
}

// stoppedError is why the queue could not be removed: the server had stopped
// answering, that far into the run.
type stoppedError struct {
	from  time.Duration
	cause error
}

func (e *stoppedError) Error() string {
	return fmt.Sprintf("the server stopped answering %.1f s into the run, so the queue could not be removed: %s", e.from.Seconds(), e.cause)
}

func (e *stoppedError) Unwrap() error { return e.cause }

// Hint is the remedy.
func (e *stoppedError) Hint() string {
	return "find out what held the server up (its log, SLOWLOG, a paused container or host), and run again"
}
