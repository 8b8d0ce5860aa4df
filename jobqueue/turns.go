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

// PopWait is how long each of so many consumers waits for a job in one Pop. A
// connection on which the answer takes longer than the idle limit of a proxy is
// closed or dropped in between, and a job that is given to it is lost. So a Pop is
// short, unless there are so many consumers that the server would feel their asking.
func PopWait(consumers int) time.Duration {
	return min(max(time.Second, time.Duration(consumers)*time.Millisecond), 5*time.Second)
}
