package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// inTwoWrites is a queue whose consumers publish and pop in two writes. Every tenth pop
// finds its connection closed, after the publish before it was answered.
type inTwoWrites struct {
	*memory.Queue
	pops, closed atomic.Int64
}

func (q *inTwoWrites) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := q.Queue.OpenConsumer(ctx)
	return &twoWrites{c, q}, err
}

type twoWrites struct {
	jobqueue.Consumer
	q *inTwoWrites
}

func (c *twoWrites) Pop(ctx context.Context, most int, wait time.Duration) ([][]byte, error) {
	if c.q.pops.Add(1)%10 == 0 {
		c.q.closed.Add(1)
		return nil, fmt.Errorf("pop: %w", jobqueue.ErrStale)
	}
	return c.Consumer.Pop(ctx, most, wait)
}

func TestAJobThatWasPublishedIsNotPublishedAgainOnTheNextConnection(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]scenario.Work{"work": {Time: time.Millisecond}, "no work": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &inTwoWrites{Queue: memory.New()}
			s := scenario.Scenario{Name: "two", Load: scenario.Load{Rate: pace.PerSecond(400), Jobs: 400}, Consumers: 2, Work: work}
			l := mustRun(t, s, q, engine.Options{NoProbes: true}).Ledger
			if l.Published != 400 || l.Notified != 400 || l.Duplicated != 0 || q.closed.Load() == 0 {
				t.Errorf("%d connections were closed; ledger %+v, want 400 jobs published once each", q.closed.Load(), l)
			}
		})
	}
}
