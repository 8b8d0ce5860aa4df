package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// subscriber receives notifications.
type subscriber struct {
	listener
	conn   jobqueue.Subscriber
	streak reconnect.Streak
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
		s.streak.Answered()
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
		n, o, early := s.identify(update.JobID, update.Status, at)
		if early {
			continue
		}
		switch o {
		case flight.Foreign:
			if s.r.foreign.overhear(update.JobID) {
				continue
			}
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
			if update.Status == jobqueue.Failed && s.r.s.External {
				s.r.outcome.noteFailure(message)
			}
			s.ended(n, at, update.Status, update.Work)
		default:
			if s.index == 0 {
				s.r.unrecognized.unknownStatus(message, update.Status)
			}
		}
		s.r.done(n, update.JobID)
	}
}

// again subscribes anew after the connection broke, so that a subscriber that the
// server disconnected does not end the run. What was published in between is lost, and
// the ledger shows that, unless the new subscription goes on where the old one was.
func (s *subscriber) again(ctx context.Context, broken error) error {
	if errors.Is(broken, jobqueue.ErrMissed) {
		return broken // which jobs ended is not known any more
	}
	if errors.Is(broken, jobqueue.ErrLost) {
		s.r.problem("receive", broken)
		conn, err := reopened(s.r, "receive", &s.streak, broken, subscribersPolicy, ctx.Err, s.r.b.OpenSubscriber)
		if err != nil {
			return err
		}
		s.r.swap(s, conn)
		if !jobqueue.Resumes(conn) {
			s.r.resubscribed.Add(1)
		}
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

// listener receives the ends of jobs: a subscriber on the channel, or a WebSocket client
// that reads what the user's API passes on.
type listener struct {
	r      *run
	index  int  // among all listeners; subscribers come first
	reader bool // a WebSocket client
	alone  bool // no other listener on its side receives the same job
	begins bool // it is the one whose word counts that a job has begun
	tally  *ledger.Tally
	shard  *record.Shard
	last   atomic.Int64 // the highest job number seen
}

// running notes that the work on job n has begun. One listener is enough for
// that.
func (l *listener) running(n, at int64) {
	if !l.begins {
		return
	}
	if !l.r.unrecognized.begun.Load() {
		l.r.unrecognized.begun.Store(true)
	}
	_, j := l.r.flight.Find(n)
	if j == nil || j.Word.Load()>>flight.MarkBits != uint64(n)+1 {
		return
	}
	// A job that is given out a second time begins twice; the first one counts.
	if atomic.CompareAndSwapInt64(&j.Stamp[flight.RunningAt], flight.Absent, at) {
		j.Mark(n, flight.Running)
	} else if _, first, here := j.Mark(n, flight.Again); here && first {
		l.tally.Add(ledger.Redelivered, 1)
	}
}

// ended notes that this listener received the end of job n. A worker may have said how
// long the work took.
func (l *listener) ended(n, at int64, status jobqueue.Status, work time.Duration) {
	if last := l.last.Load(); n < last {
		l.tally.Add(ledger.OutOfOrder, 1)
	} else {
		l.last.Store(n)
	}
	b, j := l.r.flight.Find(n)
	if j == nil || !l.first(b, j, n) {
		l.r.stray(n, l.tally)
		return
	}
	if l.r.s.External && l.index == 0 && work > 0 {
		j.Stamp[flight.WorkReported] = int64(work)
	}
	which, left, mark := flight.NotifiedAt, &j.Left, flight.Notified
	if l.reader && l.r.s.Subscribers > 0 {
		which, left, mark = flight.BroadcastAt, &j.Unread, flight.Broadcast
	}
	if l.alone {
		j.Stamp[which] = at
	} else {
		if which == flight.NotifiedAt {
			atomic.CompareAndSwapInt64(&j.Stamp[flight.FirstAt], flight.Absent, at)
		}
		if !latest(j, which, left, at) {
			return // other listeners have not received it yet
		}
	}
	marks, first, here := j.Mark(n, mark)
	if !here || !first {
		l.r.stray(n, l.tally)
		return
	}
	if ends := l.r.complete & (flight.Notified | flight.Broadcast); marks&ends != ends {
		return // those on the other side have not received it yet
	}
	l.tally.Add(ledger.Notified, 1)
	if status == jobqueue.Failed {
		l.tally.Add(ledger.Failed, 1)
	}
	l.r.free(n)
	l.r.finish(b, j, n, marks, l.shard)
}

// latest keeps the latest of several listeners' stamps and reports whether this one was
// the last to come.
func latest(j *flight.Job, which int, left *atomic.Int32, at int64) bool {
	for {
		was := atomic.LoadInt64(&j.Stamp[which])
		if was >= at || atomic.CompareAndSwapInt64(&j.Stamp[which], was, at) {
			break
		}
	}
	return left.Add(-1) == 0
}

// first reports whether this listener receives the end of job n for the first time.
func (l *listener) first(b *flight.Block, j *flight.Job, n int64) bool {
	w := j.Word.Load()
	if w>>flight.MarkBits != uint64(n)+1 {
		return false
	}
	if l.r.flight.Words == 0 {
		return w&flight.Notified == 0
	}
	word := &b.Seen[int(n&(flight.BlockJobs-1))*l.r.flight.Words+l.index/64]
	bit := uint64(1) << (l.index % 64)
	if word.Or(bit)&bit != 0 {
		return false
	}
	// Only a second message about a job that is over can meet a block that is
	// being used again at this very moment.
	if w := j.Word.Load(); w>>flight.MarkBits != uint64(n)+1 {
		word.And(^bit)
		return false
	}
	return true
}
