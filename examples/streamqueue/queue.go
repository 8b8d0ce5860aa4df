// Package streamqueue is a job queue on a Redis stream with a consumer group,
// and an example of how queuedyno measures your own queue: it meets
// the five methods of [jobqueue.Backend] with go-redis alone, passes the
// conformance suite, and its benchmark compares it with the LIST queue.
//
// Against a LIST it promises more: a job that a worker took and did not finish
// is handed to another one. That is, every job is delivered at least once.
//
// Begin reading at [Queue].
package streamqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// group is the consumer group that all workers share, and field the one field
// of an entry.
const (
	group = "workers"
	field = "job"
)

// DefaultClaimAfter is how long a job may be in a worker's hands before another
// worker takes it.
const DefaultClaimAfter = time.Minute

// Config says where the queue is.
type Config struct {
	// Options are go-redis's own, as from redis.ParseURL.
	Options *redis.Options
	// Stream is the key of the stream and Channel that of the updates.
	Stream, Channel string
	// ClaimAfter is how long a job may be in a worker's hands before another
	// worker takes it. It must be longer than the longest work, or jobs are
	// done twice. Zero means [DefaultClaimAfter].
	ClaimAfter time.Duration
}

// Queue is a job queue on a Redis stream. It is safe for concurrent use.
type Queue struct {
	rdb *redis.Client
	cfg Config
}

var _ jobqueue.Backend = (*Queue)(nil)

// Open connects to the Redis and makes the stream's consumer group.
func Open(ctx context.Context, cfg Config) (*Queue, error) {
	if cfg.ClaimAfter == 0 {
		cfg.ClaimAfter = DefaultClaimAfter
	}
	options := *cfg.Options
	// A push that is repeated after a lost answer would put its job in twice.
	options.MaxRetries = -1
	// The second version of the protocol has no messages out of turn.
	options.Protocol = 2
	cfg.Options = &options
	q := &Queue{rdb: redis.NewClient(&options), cfg: cfg}
	if err := q.makeGroup(ctx); err != nil {
		return nil, errors.Join(err, q.rdb.Close())
	}
	return q, nil
}

// Close closes the queue's own connections, not those of the ends that it
// opened.
func (q *Queue) Close() error { return q.rdb.Close() }

// makeGroup makes the stream and its group if they are not there.
func (q *Queue) makeGroup(ctx context.Context) error {
	// From the beginning of the stream: a producer may have been first.
	err := q.rdb.XGroupCreateMkStream(ctx, q.cfg.Stream, group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("create group %q of %q: %w", group, q.cfg.Stream, err)
	}
	return nil
}

// noGroup reports whether the error says that there is no such stream or group:
// somebody has cleared the queue.
func noGroup(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "NOGROUP") }

// own is a client with a single connection, for an end of the queue that blocks
// on it, or whose latency must not depend on who else has a connection.
func (q *Queue) own(ctx context.Context) (*redis.Client, error) {
	options := *q.cfg.Options
	options.PoolSize = 1
	rdb := redis.NewClient(&options)
	if err := rdb.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("connect: %w", err), rdb.Close())
	}
	return rdb, nil
}

// Len is how many jobs wait: those in the stream without those in the hands of
// workers. A finished job is in neither.
func (q *Queue) Len(ctx context.Context) (int64, error) {
	var all *redis.IntCmd
	var taken *redis.XPendingCmd
	// One transaction, or a job taken between the two would be counted wrongly.
	_, err := q.rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		all = tx.XLen(ctx, q.cfg.Stream)
		taken = tx.XPending(ctx, q.cfg.Stream, group)
		return nil
	})
	switch {
	case noGroup(err):
		return all.Val(), nil
	case err != nil:
		return 0, fmt.Errorf("length of %q: %w", q.cfg.Stream, err)
	}
	return all.Val() - taken.Val().Count, nil
}

// Clear removes the stream with its group and all that is in them.
func (q *Queue) Clear(ctx context.Context) error {
	if err := q.rdb.Del(ctx, q.cfg.Stream).Err(); err != nil {
		return fmt.Errorf("clear %q: %w", q.cfg.Stream, err)
	}
	return nil
}
