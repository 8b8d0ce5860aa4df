package engine

import (
	"context"
	"errors"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// subscriber receives notifications.
type subscriber struct {
	listener
	conn   jobqueue.Subscriber
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
		n, o, early := s.identify(update.JobID, update.Status, at)
		if early {
			continue
		}
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
