package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
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

// foreign are the elements of other clients that consumers of the run took.
type foreign struct {
	found   int64 // jobs of other clients that waited before the run began
	keyMade bool  // the run may have made the queue's key
	// shards are the runs of all shards of the load. They do not change while jobs are on their
	// way. overheard are the updates of their jobs.
	shards    map[uint64]struct{}
	overheard atomic.Int64

	mu    sync.Mutex // guards what follows
	kept  [][]byte
	bytes int
}

// returner puts elements back into a queue, the first of them to be taken next.
type returner interface {
	Return(ctx context.Context, elements ...[]byte) error
}

// expect notes the runs of all shards.
func (f *foreign) expect(ids []string) {
	f.shards = make(map[uint64]struct{}, len(ids))
	for _, id := range ids {
		if run, ok := flight.ParseRunID(id); ok {
			f.shards[run] = struct{}{}
		}
	}
}

// overhear counts the update if it is of a job of another shard, and reports that.
func (f *foreign) overhear(id []byte) bool {
	if len(f.shards) == 0 {
		return false
	}
	run, ok := flight.RunOf(id)
	if _, here := f.shards[run]; !ok || !here {
		return false
	}
	f.overheard.Add(1)
	return true
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

const (
	// maxStatuses bounds how many unknown statuses are named.
	maxStatuses = 5
	// enoughUnrecognized is after how many messages that were not understood, and no end of a
	// job, a run with external workers ends: more of them would be no other.
	enoughUnrecognized = 100
	// quietAfter is for how long no such message may come before they count as all.
	quietAfter = time.Second
)

// unrecognized are messages on the channel that end no job. They help users find out
// why their workers are not understood. They are rare, or the run is broken. Of several
// subscribers only the first counts them.
type unrecognized struct {
	r *run

	// unread messages are not updates; strange ones are about jobs of this run, or on
	// its own channel, and cannot be attributed. last is when the last of either came.
	unread, strange, last atomic.Int64
	begun                 atomic.Bool // RUNNING of a job of this run was received
	ended                 atomic.Bool // the run was ended for them

	mu       sync.Mutex
	first    *result.Unrecognized // the first of the kind that stands first here
	kind     kind
	statuses map[jobqueue.Status]int64
	updates  int64 // with such a status
}

// kind is why a message was not understood, what is worse first.
type kind int

const (
	noUpdate kind = iota + 1
	noStatus      // of this run, with an unknown status that may be an end
	noJob         // on the run's own channel, about a job that is not of this run
	noEnd         // of this run, with an unknown status that cannot be an end
	allKinds      // beyond all kinds
)

// notUpdate notes a message that ends no job.
func (u *unrecognized) notUpdate(kind kind, message []byte, why string, status jobqueue.Status) {
	r := u.r
	switch kind {
	case noUpdate:
		u.unread.Add(1)
	case noStatus, noJob:
		u.strange.Add(1)
	}
	u.last.Store(r.now())
	u.mu.Lock()
	if kind < cmp.Or(u.kind, allKinds) {
		u.kind, u.first = kind, observe.OddOf(&r.mapping, message, why, func(id []byte) bool {
			_, origin := r.format.Identify(id)
			return origin == flight.Ours
		})
	}
	if kind == noStatus || kind == noEnd {
		u.updates++
		if u.statuses == nil {
			u.statuses = map[jobqueue.Status]int64{}
		}
		if _, known := u.statuses[status]; known || len(u.statuses) < maxStatuses {
			u.statuses[status]++
		}
	}
	u.mu.Unlock()
	u.giveUp()
}

// unknownStatus notes an update of a job of this run with an unknown status.
func (u *unrecognized) unknownStatus(message []byte, status jobqueue.Status) {
	kind := noStatus
	if observe.EndsNothing(status) {
		kind = noEnd
	}
	u.notUpdate(kind, message, observe.UnknownStatus(status), status)
}

// giveUp ends the load of a run with external workers when none of the first messages
// is understood: the others would not be either.
func (u *unrecognized) giveUp() {
	r := u.r
	all := u.instead()
	if all < enoughUnrecognized || !r.s.External || u.ended.Load() || r.anyEnded() {
		return
	}
	u.endUnrecognized(all, u.quoted())
}

// quoted is the message that is quoted of those that were not understood, nil without any.
func (u *unrecognized) quoted() *result.Unrecognized {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.first
}

// atWork reports whether workers said that they work on jobs of this run: with RUNNING, or
// with a status that cannot be an end.
func (u *unrecognized) atWork() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.begun.Load() || u.updates > 0 && u.strange.Load() == 0
}

// endUnrecognized ends the load since no message on the channel is understood.
func (u *unrecognized) endUnrecognized(messages int64, first *result.Unrecognized) {
	r := u.r
	if u.ended.Swap(true) {
		return
	}
	at := time.Duration(r.now())
	r.limited(fmt.Sprintf("the run was ended at %.1f s: of %d messages on the channel that may be the ends of jobs none could be understood; the first: %s",
		at.Seconds(), messages, first))
	r.shorten(stopreason.NoneUnderstood, at)
}

// anyEnded reports whether the end of a job was understood.
func (a *account) anyEnded() bool { return a.total(ledger.Notified) > 0 }

// instead is how many messages may have been meant as the ends of jobs. Where RUNNING was
// understood, unreadable messages are probably something else.
func (u *unrecognized) instead() int64 {
	if u.begun.Load() {
		return u.strange.Load()
	}
	return u.strange.Load() + u.unread.Load()
}

// hopeless reports whether waiting is pointless: the run was ended because the workers
// are not understood, or every job on its way may have been reported in a message that
// was not understood, and no more of these arrive.
func (u *unrecognized) hopeless() bool {
	r := u.r
	if !r.s.External {
		return false
	}
	if u.ended.Load() {
		return true
	}
	heard := u.instead()
	return heard > 0 && !r.anyEnded() && heard >= r.outstanding() && r.now()-u.last.Load() > int64(quietAfter)
}

// notUnderstood is how many jobs may have ended in messages that were not understood.
func (u *unrecognized) notUnderstood() int64 { return u.unread.Load() + u.strange.Load() }

// warnOfUnrecognized warns of messages that were heard and not understood. It reports whether
// there were any.
func (u *unrecognized) warnOfUnrecognized() bool {
	r := u.r
	u.mu.Lock()
	first, kind, updates := u.first, u.kind, u.updates
	var names []string
	for s := range u.statuses {
		names = append(names, observe.Excerpt(string(s)))
	}
	u.mu.Unlock()
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
