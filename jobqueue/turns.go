package jobqueue

import (
	"context"
	"time"
)

// TurnerOf is the consumer as one that can take turns. One that cannot publish
// and pop in one write does it in two.
func TurnerOf(c Consumer) Turner {
	if t, ok := c.(Turner); ok {
		return t
	}
	return turns{c}
}

type turns struct{ Consumer }

func (t turns) Turn(ctx context.Context, outcomes []Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
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
