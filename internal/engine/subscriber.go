package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// subscriber receives notifications.
type subscriber struct {
	r     *run
	index int
	conn  jobqueue.Subscriber
	tally *ledger.Tally
	shard *record.Shard
	last  int64 // the highest job number seen

	streak streak
}

// loop receives until the subscription is closed.
func (s *subscriber) loop(ctx context.Context) error {
	for {
		message, err := s.conn.Receive(ctx)
		if err != nil {
			if errors.Is(err, jobqueue.ErrClosed) || ctx.Err() != nil {
				return nil
			}
			if err = s.again(ctx, err); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			continue
		}
		s.streak.answered()
		if s.r.observer != nil {
			s.overhear(message)
			continue
		}
		update, err := s.r.mapping.View(message)
		at := s.r.now()
		if err != nil {
			if s.index == 0 { // the others receive the same
				s.tally.Add(ledger.Unreadable, 1)
				s.r.unrecognized.notUpdate(noUpdate, message, err.Error(), "")
			}
			continue
		}
		n, o := s.r.format.Identify(update.JobID)
		switch o {
		case flight.Foreign:
			s.tally.Add(ledger.Foreign, 1)
			if s.index == 0 && s.r.s.External && s.r.ownChannel {
				s.r.unrecognized.notUpdate(noJob, message, "its job is not one of this run", "")
			}
			continue
		case flight.Corrupt:
			s.tally.Add(ledger.Corrupt, 1)
			continue
		}
		switch update.Status {
		case jobqueue.Running:
			s.running(n, at)
		case jobqueue.Completed, jobqueue.Failed:
			s.notified(n, at, update)
		default:
			if s.index == 0 {
				s.r.unrecognized.unknownStatus(message, update.Status)
			}
		}
	}
}

// again subscribes anew after the connection broke, so that a subscriber that the
// server disconnected does not end the run. What was published in between is lost, and
// the ledger shows that.
func (s *subscriber) again(ctx context.Context, broken error) error {
	if errors.Is(broken, jobqueue.ErrLost) {
		s.r.problem("receive", broken)
		conn, err := reopened(s.r, "receive", &s.streak, broken, subscribersPolicy, ctx.Err, s.r.b.OpenSubscriber)
		if err != nil {
			return err
		}
		s.r.swap(s, conn)
		s.r.resubscribed.Add(1)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := s.r.b.OpenSubscriber(ctx)
	if err != nil {
		return broken
	}
	s.r.swap(s, conn)
	s.r.problem("receive", broken)
	s.r.resubscribed.Add(1)
	return nil
}

// running notes that the work on job n has begun. One subscriber is enough for
// that.
func (s *subscriber) running(n, at int64) {
	if s.index != 0 {
		return
	}
	if !s.r.unrecognized.begun.Load() {
		s.r.unrecognized.begun.Store(true)
	}
	_, j := s.r.flight.Find(n)
	if j == nil || j.Word.Load()>>flight.MarkBits != uint64(n)+1 {
		return
	}
	// A job that is given out a second time begins twice; the first one counts.
	if atomic.CompareAndSwapInt64(&j.Stamp[flight.RunningAt], flight.Absent, at) {
		j.Mark(n, flight.Running)
	} else if _, first, here := j.Mark(n, flight.Again); here && first {
		s.tally.Add(ledger.Redelivered, 1)
	}
}

// notified notes that this subscriber received the end of job n.
func (s *subscriber) notified(n, at int64, update updates.View) {
	if n < s.last {
		s.tally.Add(ledger.OutOfOrder, 1)
	} else {
		s.last = n
	}
	b, j := s.r.flight.Find(n)
	if j == nil || !s.first(b, j, n) {
		s.r.stray(n, s.tally)
		return
	}
	if s.r.s.External && s.index == 0 && update.Work > 0 {
		j.Stamp[flight.WorkReported] = int64(update.Work)
	}
	if s.r.s.Subscribers == 1 {
		j.Stamp[flight.NotifiedAt] = at
	} else {
		atomic.CompareAndSwapInt64(&j.Stamp[flight.FirstAt], flight.Absent, at)
		if !latest(j, at) {
			return // other subscribers have not received it yet
		}
	}
	marks, first, here := j.Mark(n, flight.Notified)
	if !here || !first {
		s.r.stray(n, s.tally)
		return
	}
	s.tally.Add(ledger.Notified, 1)
	if update.Status == jobqueue.Failed {
		s.tally.Add(ledger.Failed, 1)
	}
	s.r.free(n)
	s.r.finish(b, j, n, marks, s.shard)
}

// latest keeps the latest of several subscribers' stamps and reports whether
// this one was the last to come.
func latest(j *flight.Job, at int64) bool {
	for {
		was := atomic.LoadInt64(&j.Stamp[flight.NotifiedAt])
		if was >= at || atomic.CompareAndSwapInt64(&j.Stamp[flight.NotifiedAt], was, at) {
			break
		}
	}
	return j.Left.Add(-1) == 0
}

// first reports whether this subscriber hears of job n for the first time.
func (s *subscriber) first(b *flight.Block, j *flight.Job, n int64) bool {
	w := j.Word.Load()
	if w>>flight.MarkBits != uint64(n)+1 {
		return false
	}
	if s.r.flight.Words == 0 {
		return w&flight.Notified == 0
	}
	word := &b.Seen[int(n&(flight.BlockJobs-1))*s.r.flight.Words+s.index/64]
	bit := uint64(1) << (s.index % 64)
	if word.Load()&bit != 0 {
		return false
	}
	word.Or(bit)
	// Only a second message about a job that is over can meet a block that is
	// being used again at this very moment.
	if w := j.Word.Load(); w>>flight.MarkBits != uint64(n)+1 {
		word.And(^bit)
		return false
	}
	return true
}
