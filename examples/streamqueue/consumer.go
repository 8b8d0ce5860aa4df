package streamqueue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// block is how long one XREADGROUP waits: the delay with which a Pop that is
// cancelled returns. The command is never broken off, because Redis could
// hand out a job that is then lost. A job that comes ends the wait at once.
const block = 50 * time.Millisecond

// consumer is a worker of the group.
type consumer struct {
	q      *Queue
	rdb    *redis.Client
	name   string
	ending atomic.Bool
	busy   sync.Mutex // held by Pop and Publish, and waited for by Close
	taken  []string   // ids of the entries of the last Pop
	claims time.Time  // when to look next for jobs of dead workers
	cursor string     // from where on
}

// OpenConsumer returns a worker on its own connection. Its name in the
// group is random: a name that comes back would be given its old jobs again.
func (q *Queue) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	rdb, err := q.own(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.makeGroup(ctx); err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	return &consumer{q: q, rdb: rdb, name: rand.Text(), claims: time.Now().Add(q.cfg.ClaimAfter), cursor: "0-0"}, nil
}

// Pop takes the oldest jobs. That a worker asks for more says that it has
// finished those before, so they are acknowledged first, even if ctx is over.
func (c *consumer) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	// What was asked of Redis is heard to its end, whatever becomes of ctx.
	whole := context.WithoutCancel(ctx)
	deadline := time.Now().Add(wait)
	if c.ending.Load() {
		return nil, jobqueue.ErrClosed
	}
	if err := c.acknowledge(whole); err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		if c.ending.Load() {
			return nil, jobqueue.ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		left := time.Until(deadline)
		if !first && left <= 0 {
			return nil, jobqueue.ErrEmpty
		}
		entries, err := c.next(whole, max, left)
		if err != nil {
			return nil, fmt.Errorf("pop from %q: %w", c.q.cfg.Stream, err)
		}
		if len(entries) > 0 {
			return c.take(entries), nil
		}
	}
}

// next asks once for jobs: those of dead workers, or else new ones.
func (c *consumer) next(ctx context.Context, max int, left time.Duration) ([]redis.XMessage, error) {
	if time.Now().After(c.claims) {
		entries, err := c.claim(ctx, max)
		if len(entries) > 0 || err != nil && !noGroup(err) {
			return entries, err
		}
	}
	// For Redis a block of 0 is for ever; for go-redis a negative one means no block.
	wait := min(block, left).Truncate(time.Millisecond)
	if wait <= 0 {
		wait = -1
	}
	streams, err := c.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: c.name, Streams: []string{c.q.cfg.Stream, ">"},
		Count: int64(max), Block: wait,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case noGroup(err):
		return nil, c.q.makeGroup(ctx)
	case err != nil:
		return nil, err
	}
	return streams[0].Messages, nil
}

// claim takes over jobs that have been pending for too long, in one step of a walk
// through all pending jobs. The next walk begins some time
// after the end of this one.
func (c *consumer) claim(ctx context.Context, max int) ([]redis.XMessage, error) {
	entries, cursor, err := c.rdb.XAutoClaim(ctx, &redis.XAutoClaimArgs{
		Stream: c.q.cfg.Stream, Group: group, Consumer: c.name,
		MinIdle: c.q.cfg.ClaimAfter, Start: c.cursor, Count: int64(max),
	}).Result()
	if err != nil {
		return nil, err
	}
	if c.cursor = cursor; cursor == "0-0" {
		c.claims = time.Now().Add(c.q.cfg.ClaimAfter / 2)
	}
	return entries, nil
}

// take remembers what is to be acknowledged and returns the jobs.
func (c *consumer) take(entries []redis.XMessage) [][]byte {
	jobs := make([][]byte, len(entries))
	for i, e := range entries {
		c.taken = append(c.taken, e.ID)
		job, _ := e.Values[field].(string)
		jobs[i] = []byte(job)
	}
	return jobs
}

// acknowledge ends the jobs of the last Pop: they leave the group's
// pending list, and the stream.
func (c *consumer) acknowledge(ctx context.Context) error {
	if len(c.taken) == 0 {
		return nil
	}
	_, err := c.rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		tx.XAck(ctx, c.q.cfg.Stream, group, c.taken...)
		tx.XDel(ctx, c.q.cfg.Stream, c.taken...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("acknowledge on %q: %w", c.q.cfg.Stream, err)
	}
	c.taken = c.taken[:0]
	return nil
}

// Publish sends one message to every subscriber.
func (c *consumer) Publish(ctx context.Context, message []byte) (int, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	if c.ending.Load() {
		return 0, jobqueue.ErrClosed
	}
	n, err := c.rdb.Publish(ctx, c.q.cfg.Channel, message).Result()
	if err != nil {
		return 0, fmt.Errorf("publish on %q: %w", c.q.cfg.Channel, err)
	}
	return int(n), nil
}

// Close ends the worker after the call that it is in. Jobs that it did not ask
// more jobs after are not acknowledged: another worker gets them.
func (c *consumer) Close() error {
	if c.ending.Swap(true) {
		return nil
	}
	c.busy.Lock()
	defer c.busy.Unlock()
	return c.rdb.Close()
}
