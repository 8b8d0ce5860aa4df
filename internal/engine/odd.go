package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

const (
	// mostStatuses bounds how many unknown statuses are named.
	mostStatuses = 5
	// enoughOdd is after how many messages that were not understood, and no end of a
	// job, a run with external workers ends: more of them would be no other.
	enoughOdd = 100
	// oddQuiet is for how long no such message may come before they count as all.
	oddQuiet = time.Second
)

// odd are messages on the channel that end no job, for whoever has to find out why
// the workers are not understood. They are rare, or the run is broken. Of several
// subscribers the first alone counts them.
type odd struct {
	// unread messages are no updates, strange ones are about jobs of ours or on our own
	// channel and cannot be placed. last is when the last of either came.
	unread, strange, last atomic.Int64
	begun                 atomic.Bool // RUNNING of a job of ours was heard
	hopeless              atomic.Bool // the run was ended for them

	mu       sync.Mutex
	first    *result.Unrecognized // the first of the kind that stands first here
	kind     oddKind
	statuses map[jobqueue.Status]int64
	updates  int64 // with such a status
}

// oddKind is why a message was not understood, what is worse first.
type oddKind int

const (
	noUpdate  oddKind = iota + 1
	noStatus          // of ours, with a status that is none and may be an end
	noJob             // on our own channel, about a job that is none of ours
	noEnd             // of ours, with a status that plainly is no end
	oddNoMore         // beyond all kinds
)

// heardOdd notes a message that ends no job.
func (r *run) heardOdd(kind oddKind, message []byte, why string, status jobqueue.Status) {
	o := &r.odd
	switch kind {
	case noUpdate:
		o.unread.Add(1)
	case noStatus, noJob:
		o.strange.Add(1)
	}
	o.last.Store(r.now())
	o.mu.Lock()
	if kind < cmp.Or(o.kind, oddNoMore) {
		o.kind, o.first = kind, observe.OddOf(message, why, func(id []byte) bool {
			_, origin := r.format.Identify(id)
			return origin == flight.Ours
		})
	}
	if kind == noStatus || kind == noEnd {
		o.updates++
		if o.statuses == nil {
			o.statuses = map[jobqueue.Status]int64{}
		}
		if _, known := o.statuses[status]; known || len(o.statuses) < mostStatuses {
			o.statuses[status]++
		}
	}
	o.mu.Unlock()
	r.giveUp()
}

// unknownStatus notes an update of a job of ours with a status that is none.
func (r *run) unknownStatus(message []byte, status jobqueue.Status) {
	kind := noStatus
	if observe.EndsNothing(status) {
		kind = noEnd
	}
	r.heardOdd(kind, message, observe.UnknownStatus(status), status)
}

// giveUp ends the load of a run with external workers when its first messages are all
// not understood: the rest would be no other.
func (r *run) giveUp() {
	o := &r.odd
	all := o.instead()
	if all < enoughOdd || !r.s.External || o.hopeless.Load() || r.anyEnded() {
		return
	}
	o.mu.Lock()
	first := o.first
	o.mu.Unlock()
	r.endOdd(all, first)
}

// endOdd ends the load since no message on the channel is understood.
func (r *run) endOdd(messages int64, first *result.Unrecognized) {
	if r.odd.hopeless.Swap(true) {
		return
	}
	at := time.Duration(r.now())
	r.brakeOnce(fmt.Sprintf("the run was ended at %.1f s: of %d messages on the channel that may be the ends of jobs none could be understood; the first: %s",
		at.Seconds(), messages, first))
	r.shorten(stopreason.NoneUnderstood, at)
}

// anyEnded reports whether the end of a job was understood.
func (r *run) anyEnded() bool { return r.total(ledger.Notified) > 0 }

// instead is how many messages may have been meant as the ends of jobs. Where RUNNING
// was understood, what cannot be read is probably something else.
func (o *odd) instead() int64 {
	if o.begun.Load() {
		return o.strange.Load()
	}
	return o.strange.Load() + o.unread.Load()
}

// inVain reports whether there is nothing to wait for any more: the run was ended
// because the workers are not understood, or all jobs that are on their way may have
// been reported in messages that were not, and no more of these come.
func (r *run) inVain() bool {
	o := &r.odd
	if !r.s.External {
		return false
	}
	if o.hopeless.Load() {
		return true
	}
	heard := o.instead()
	return heard > 0 && !r.anyEnded() && heard >= r.outstanding() && r.now()-o.last.Load() > int64(oddQuiet)
}

// notUnderstood is how many jobs may have ended in messages that were not understood.
func (o *odd) notUnderstood() int64 { return o.unread.Load() + o.strange.Load() }

// tellOdd warns of messages that were heard and not understood. It reports whether
// there were any.
func (r *run) tellOdd() bool {
	o := &r.odd
	o.mu.Lock()
	first, kind, updates := o.first, o.kind, o.updates
	var names []string
	for s := range o.statuses {
		names = append(names, observe.Excerpt(string(s)))
	}
	o.mu.Unlock()
	slices.Sort(names)
	if updates > 0 {
		r.warn("%d updates about jobs of this run had another status than RUNNING, COMPLETED and FAILED (%s): they were ignored, and end no job", updates, strings.Join(names, ", "))
	}
	switch kind {
	case noUpdate: // it is quoted with the verdict
		r.warn("messages on the channel could not be read; %s", observe.Hint(first))
	case noStatus, noJob:
		r.warn("the first message that was not understood: %s; %s", first, observe.Hint(first))
	}
	return first != nil
}
