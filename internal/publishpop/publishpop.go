// Package publishpop lets any consumer publish and pop in one call.
package publishpop

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// Of is the consumer as one that publishes and pops. One that cannot do so in one write
// does it in two.
func Of(c jobqueue.Consumer) jobqueue.PublishPopper {
	if t, ok := c.(jobqueue.PublishPopper); ok {
		return t
	}
	return turns{c}
}

// Under is the consumer that [Of] was given, for what else it can do.
func Under(c jobqueue.Consumer) jobqueue.Consumer {
	if t, ok := c.(turns); ok {
		return t.Consumer
	}
	return c
}

type turns struct{ jobqueue.Consumer }

func (t turns) PublishAndPop(ctx context.Context, outcomes []jobqueue.Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
	for i, o := range outcomes {
		if o.Message == nil {
			acked(i, -1)
			continue
		}
		n, err := t.Publish(ctx, o.Message)
		if err != nil {
			return nil, err
		}
		acked(i, n)
	}
	if max == 0 {
		return nil, nil
	}
	return t.Pop(ctx, max, wait)
}
