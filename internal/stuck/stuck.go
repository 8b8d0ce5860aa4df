// Package stuck finds out, while jobs are sent to external workers, that no end of any of
// them is heard. Begin reading at [Watch.Look].
package stuck

import "time"

const (
	// enough is how many jobs have to be in the queue before the time counts: fewer may
	// have been lost one by one.
	enough = 10
	// untaken is how long no job may leave the queue until that is worth a warning. It is
	// also the least time until a missing end is.
	untaken = 5 * time.Second
	// least is how long a load goes on without an end, at least.
	least = 30 * time.Second
)

// Kind is what is missing.
type Kind int

const (
	Nothing   Kind = iota
	NoneTaken      // no job left the queue
	NoneEnded      // no end was heard, and jobs left the queue or that is not known
)

// Seen is what is known of the jobs at a moment. It is for a run that has not heard of an
// end yet.
type Seen struct {
	At    time.Duration
	Acked int64 // pushes that were acknowledged
	// Waiting is how many jobs wait in the queue, counted since the look before; nil where
	// that is not known.
	Waiting *int64
	// Begun is true when workers said that jobs have begun: then the work is long.
	Begun bool
	// Excused is true when something else may be why nothing is heard.
	Excused bool
}

// Watch looks at a load until the first end is heard. The zero Watch is ready to use, and
// Drain is the time that a job may take.
type Watch struct {
	Drain time.Duration

	counts bool          // there are enough jobs
	since  time.Duration // when there were, or later when the first left the queue
	acked  [2]int64      // as of the last two looks, the older one first
	known  bool          // the length of the queue is
	taken  bool          // jobs left the queue
	warned [NoneEnded + 1]bool
}

// Look takes in what is seen now. It returns what to warn of, once each, and whether to
// end the load, since no result worth having can come any more.
func (w *Watch) Look(s Seen) (warn Kind, end bool) {
	if !w.counts && s.Acked >= enough {
		w.counts, w.since = true, s.At
	}
	if s.Waiting != nil {
		w.known = true
		// The answer may be older than the last look, and is newer than the one before.
		if !w.taken && *s.Waiting < w.acked[0] {
			w.taken, w.since = true, s.At // the first of them ends so much later
		}
	}
	w.acked = [2]int64{w.acked[1], s.Acked}
	if s.Excused {
		w.since = s.At // the workers have the whole time again when the excuse is over
	}
	if !w.counts || s.Excused {
		return Nothing, false
	}
	kind, patience := w.Kind(), untaken
	if kind == NoneEnded || s.Begun {
		kind, patience = NoneEnded, max(untaken, w.Drain)
	}
	if w.For(s.At) >= patience && !w.warned[kind] {
		w.warned[kind], warn = true, kind
	}
	return warn, !s.Begun && w.For(s.At) >= w.Until()
}

// Kind is what is missing as far as the queue shows it.
func (w *Watch) Kind() Kind {
	if w.known && !w.taken {
		return NoneTaken
	}
	return NoneEnded
}

// Taken reports whether jobs are known to have left the queue.
func (w *Watch) Taken() bool { return w.taken }

// For is how long it has been missing.
func (w *Watch) For(at time.Duration) time.Duration { return at - w.since }

// Until is how long the load goes on without an end: so long that jobs in twice the time
// that they may take would have been heard of.
func (w *Watch) Until() time.Duration { return max(least, 2*w.Drain) }
