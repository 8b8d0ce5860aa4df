// Package asynq is the dialect of asynq's workers.
//
// A task is put in by a script that writes what asynq's own writes: its message in a hash, and
// its id in the list of those that are pending. asynq announces nothing, so that a few lines
// of middleware in the workers publish when a task begins and ends.
package asynq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Dialect is asynq 0.24 to 0.26.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// The keys of asynq. Those of a queue begin with "asynq:{NAME}:".
const (
	before  = "asynq:{"
	pending = "}:pending"
	queues  = "asynq:queues" // set: the names of all queues
)

// Facts are what is known of asynq.
func (Dialect) Facts() dialect.Facts {
	return dialect.Facts{
		Queue: "default", KeyBefore: before, KeyAfter: pending,
		Silence: "have they the middleware that publishes (docs/workers.md, Workers of asynq), and a handler for such tasks?",
		Heard:   "A task's end is heard when the workers' own middleware publishes it.",
		Length:  "The queue's length counts the pending tasks, without those that are active, scheduled or to be retried.",
	}
}

// Over is the queue as asynq's workers use it.
func (d Dialect) Over(b jobqueue.Backend, _ string) (jobqueue.Backend, error) {
	c, ok := b.(*jobqueue.Client)
	if !ok {
		return nil, fmt.Errorf("asynq: %w", dialect.ErrNotRedis)
	}
	if c.Clustered() {
		return nil, errors.New("asynq: this dialect does not know a Redis Cluster; use a single server or sentinels")
	}
	name := d.Facts().Name(c.Queue())
	return &queue{Client: c, name: name, keys: before + name + "}:"}, nil
}

// queue is a queue of asynq's.
type queue struct {
	*jobqueue.Client
	name string
	keys string // what all keys of the queue begin with: "asynq:{NAME}:"
	// named says that asynq did not know the queue before.
	named atomic.Bool
}

var _ dialect.Sweeper = (*queue)(nil)

// push puts tasks in, each as layout writes it.
const push = `
for i = 2, #ARGV do
  local task = ARGV[i]
  local id = string.sub(task, 1, 36)
  redis.call('HSET', ARGV[1] .. id, 'msg', string.sub(task, 56), 'state', 'pending', 'pending_since', string.sub(task, 37, 55))
  redis.call('LPUSH', KEYS[1], id)
end
return #ARGV - 1
`

// OpenProducer puts tasks in by the script.
func (q *queue) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	paused, err := q.Do(ctx, []string{"EXISTS", q.keys + "paused"})
	if err != nil {
		return nil, err
	}
	if paused[0] == int64(1) {
		return nil, fmt.Errorf("the asynq queue %q is paused, so that its workers take nothing; resume it by asynq queue resume", q.name)
	}
	added, err := q.Do(ctx, []string{"SADD", queues, q.name})
	if err != nil {
		return nil, err
	}
	if added[0] == int64(1) {
		q.named.Store(true)
	}
	return q.OpenScriptProducer(ctx, jobqueue.Script{Text: push, Keys: []string{q.keys + "pending"}, Args: []string{q.keys + "t:"}})
}

var (
	sorted = []string{"lease", "scheduled", "retry", "archived", "completed"} // sets that have ids
	others = []string{"pending", "active", "paused", "processed", "failed"}
)

// Clear removes the queue with all that asynq keeps for it, but for its tasks.
func (q *queue) Clear(ctx context.Context) error {
	remove := []string{"DEL"}
	for _, key := range slices.Concat(sorted, others) {
		remove = append(remove, q.keys+key)
	}
	for _, days := range []int{0, -1} { // a run can begin before midnight
		day := time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly)
		remove = append(remove, q.keys+"processed:"+day, q.keys+"failed:"+day)
	}
	_, err := q.Do(ctx, remove, []string{"SREM", queues, q.name})
	return err
}

// Sweep removes tasks, wherever in the queue they are. A worker that does one of them right
// then finds at its end that the task is gone.
func (q *queue) Sweep(ctx context.Context, ids iter.Seq[string]) error {
	held := dialect.Held{Keys: q.keys, Jobs: []string{"t:"}, Lists: []string{"pending", "active"}, Sorted: sorted}
	if err := held.Sweep(ctx, q.Client, ids); err != nil || !q.named.Load() {
		return err
	}
	_, err := q.Do(ctx, []string{"SREM", queues, q.name})
	return err
}
