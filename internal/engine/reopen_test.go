package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// losing is a queue whose connections are lost now and then.
type losing struct {
	*memory.Queue
	push, pop, receive func() bool // whether that call finds its connection gone
}

func (q *losing) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	p, err := q.Queue.OpenProducer(ctx)
	return losingProducer{p, q}, err
}

func (q *losing) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := q.Queue.OpenConsumer(ctx)
	return losingConsumer{c, q}, err
}

func (q *losing) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	s, err := q.Queue.OpenSubscriber(ctx)
	return losingSubscriber{s, q}, err
}

type losingProducer struct {
	jobqueue.Producer
	q *losing
}

func (p losingProducer) Push(ctx context.Context, jobs ...[]byte) error {
	if p.q.push() {
		return jobqueue.ErrLost
	}
	return p.Producer.Push(ctx, jobs...)
}

type losingConsumer struct {
	jobqueue.Consumer
	q *losing
}

func (c losingConsumer) Pop(ctx context.Context, n int, wait time.Duration) ([][]byte, error) {
	if c.q.pop() {
		return nil, jobqueue.ErrLost
	}
	return c.Consumer.Pop(ctx, n, wait)
}

type losingSubscriber struct {
	jobqueue.Subscriber
	q *losing
}

func (s losingSubscriber) Receive(ctx context.Context) ([]byte, error) {
	if s.q.receive() {
		return nil, jobqueue.ErrLost
	}
	return s.Subscriber.Receive(ctx)
}

func TestARunGoesOnWhenConnectionsAreLostAndFoundAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &losing{Queue: memory.New(), push: nth(200), pop: nth(150), receive: nth(300)}
		r := mustRun(t, scenario.Scenario{
			Name: "lost", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 1000}, Producers: 2, Consumers: 3,
			Work: scenario.Work{Time: time.Millisecond}, DrainTimeout: time.Second,
		}, q, virtual())
		l := r.Ledger
		if l.LostByLeg[ledger.LegUnacknowledged] != 5 || l.Lost < 5 || l.Lost > 8 || l.Sent != 1000 {
			t.Errorf("ledger %+v, want the five pushes unacknowledged and hardly anything else lost", l)
		}
		if l.Errors["push"] != 5 || l.Reconnects["consume"] < 3 || l.Errors["receive"] < 3 {
			t.Errorf("errors %v and reconnects %v, want each loss counted", l.Errors, l.Reconnects)
		}
		if r.Run.Failed {
			t.Errorf("the run ended: %s", r.Run.Error)
		}
	})
}

func TestARunThatFindsNoConnectionAgainEndsAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		never := func() bool { return false }
		gone := nth(100)
		q := &losing{Queue: memory.New(), push: never, pop: func() bool { return gone() }, receive: never}
		b := &shut{losing: q}
		r, err := engine.Run(t.Context(), scenario.Scenario{
			Name: "gone", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Hour}, Consumers: 1,
		}, b, virtual())
		if err == nil || !errors.Is(err, jobqueue.ErrLost) || r == nil || !r.Run.Failed {
			t.Errorf("Run = %v, want the lost connection", err)
		}
	})
}

// shut refuses every second connection.
type shut struct {
	*losing
	opened atomic.Bool
}

func (q *shut) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	if q.opened.Swap(true) {
		return nil, jobqueue.ErrLost
	}
	return q.losing.OpenConsumer(ctx)
}

func TestARunThatIsStoppedWhileItsServerIsAwayDoesNotWaitForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		b := &leaving{losing: &losing{Queue: memory.New(), push: away.Load, pop: away.Load, receive: away.Load}, away: &away}
		stop := make(chan struct{})
		go func() {
			time.Sleep(3 * time.Second)
			away.Store(true)
			time.Sleep(time.Second)
			close(stop)
		}()
		began := time.Now()
		o := virtual()
		o.Stop = stop
		r := mustRun(t, scenario.Scenario{
			Name: "away", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Hour},
			Producers: 2, Consumers: 3, Work: scenario.Work{Time: time.Millisecond}, DrainTimeout: 5 * time.Second,
		}, b, o)
		if took := time.Since(began); r.Run.Failed || !r.Run.Interrupted || took > 15*time.Second {
			t.Errorf("the run took %s, failed: %t (%s)", took, r.Run.Failed, r.Run.Error)
		}
		if l := r.Ledger; l.Abandoned < 50 || l.Notified < 250 || l.Notified+l.Lost+l.Abandoned != l.Scheduled {
			t.Errorf("ledger %+v, want what was due in the last second abandoned, and all accounted for", l)
		}
	})
}

// leaving refuses every connection while it is away.
type leaving struct {
	*losing
	away *atomic.Bool
}

func (q *leaving) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	if q.away.Load() {
		return nil, jobqueue.ErrLost
	}
	return q.losing.OpenProducer(ctx)
}

func (q *leaving) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	if q.away.Load() {
		return nil, jobqueue.ErrLost
	}
	return q.losing.OpenConsumer(ctx)
}

func (q *leaving) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	if q.away.Load() {
		return nil, jobqueue.ErrLost
	}
	return q.losing.OpenSubscriber(ctx)
}
