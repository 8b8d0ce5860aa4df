package streamqueue

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// producer pushes by XADD.
type producer struct {
	q   *Queue
	rdb *redis.Client
}

// OpenProducer returns a producer on its own connection.
func (q *Queue) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	rdb, err := q.own(ctx)
	if err != nil {
		return nil, err
	}
	return &producer{q, rdb}, nil
}

// Push adds the jobs in one transaction, so that all are in the stream or none.
func (p *producer) Push(ctx context.Context, jobs ...[]byte) error {
	add := func(c redis.Cmdable, job []byte) *redis.StringCmd {
		return c.XAdd(ctx, &redis.XAddArgs{Stream: p.q.cfg.Stream, Values: []any{field, job}})
	}
	var err error
	if len(jobs) == 1 {
		err = add(p.rdb, jobs[0]).Err()
	} else if len(jobs) > 1 {
		_, err = p.rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			for _, job := range jobs {
				add(tx, job)
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("push to %q: %w", p.q.cfg.Stream, err)
	}
	return nil
}

func (p *producer) Close() error { return p.rdb.Close() }
