// Package rq is the dialect of RQ's workers.
//
// A job is put in by a script that writes what RQ's own client writes: its hash, and its id in
// the list of its queue. RQ announces nothing, but keeps the status of a job in its hash, and
// Redis reports when a worker sets it.
package rq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Dialect is RQ 1.13.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// The keys of RQ.
const (
	keys    = "rq:"
	waiting = keys + "queue:" // list: the ids of the jobs that wait; the queue's name follows
	queues  = keys + "queues" // set: the keys of all queues
	job     = keys + "job:"   // hash: a job; its id follows
)

// Facts are what is known of RQ.
func (Dialect) Facts() dialect.Facts {
	return dialect.Facts{
		Queue: "default", KeyBefore: waiting,
		Update:  "key=" + job + "{id},status=.status,completed=finished,failed=failed|stopped|canceled,running=started",
		Silence: "do the workers keep results (result_ttl is not 0), and do they listen to this queue in this database?",
		Heard:   "A job's start and end are heard when Redis reports that a worker has set its status, which is then read: one round trip is in them.",
		Length:  "The queue's length counts the jobs in its list, without those that are started, deferred or scheduled.",
	}
}

// Over is the queue as RQ's workers use it.
func (d Dialect) Over(b jobqueue.Backend, _ string) (jobqueue.Backend, error) {
	c, ok := b.(*jobqueue.Client)
	if !ok {
		return nil, fmt.Errorf("RQ: %w", dialect.ErrNotRedis)
	}
	if c.Clustered() {
		return nil, errors.New("RQ: it does not work with a Redis Cluster; use a single server or sentinels")
	}
	return &queue{Client: c, name: d.Facts().Name(c.Queue())}, nil
}

// queue is a queue of RQ's.
type queue struct {
	*jobqueue.Client
	name string
	// named says that RQ did not know the queue before.
	named atomic.Bool
}

var _ dialect.Sweeper = (*queue)(nil)

// push puts jobs in, each as layout writes it. RQ's workers take from the other end of the list
// than most do.
const push = `
for i = 4, #ARGV do
  local job = ARGV[i]
  local id, at = string.sub(job, 1, 36), string.sub(job, 37, 63)
  redis.call('HSET', ARGV[1] .. id, 'status', 'queued', 'origin', ARGV[2], 'description', ARGV[3], 'created_at', at, 'enqueued_at', at, 'data', string.sub(job, 64),
    'timeout', 180, 'started_at', '', 'ended_at', '', 'last_heartbeat', '', 'worker_name', '', 'success_callback_name', '', 'failure_callback_name', '')
  redis.call('RPUSH', KEYS[1], id)
end
return #ARGV - 3
`

// OpenProducer puts jobs in by the script.
func (q *queue) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	added, err := q.Do(ctx, []string{"SADD", queues, q.Queue()})
	if err != nil {
		return nil, err
	}
	if added[0] == int64(1) {
		q.named.Store(true)
	}
	return q.OpenScriptProducer(ctx, jobqueue.Script{Text: push, Keys: []string{q.Queue()}, Args: []string{job, q.name, "a job of queuedyno"}})
}

// registries are what RQ calls the sorted sets of the jobs of a queue; its name follows.
var registries = []string{"wip:", "finished:", "failed:", "canceled:", "deferred:", "scheduled:"}

// sorted are the registries of the queue.
func (q *queue) sorted() (all []string) {
	for _, registry := range registries {
		all = append(all, registry+q.name)
	}
	return all
}

// Clear removes the queue with all that RQ keeps for it, but for its jobs.
func (q *queue) Clear(ctx context.Context) error {
	remove := []string{"DEL", q.Queue(), q.Queue() + ":intermediate"}
	for _, registry := range q.sorted() {
		remove = append(remove, keys+registry, keys+"clean_registries:"+q.name)
	}
	_, err := q.Do(ctx, remove, []string{"SREM", queues, q.Queue()})
	return err
}

// Sweep removes jobs, wherever in the queue they are.
func (q *queue) Sweep(ctx context.Context, ids iter.Seq[string]) error {
	held := dialect.Held{Keys: keys, Jobs: []string{"job:", "results:", "executions:"}, Parts: []string{":dependents"},
		Lists: []string{"queue:" + q.name, "queue:" + q.name + ":intermediate"}, Sorted: q.sorted()}
	if err := held.Sweep(ctx, q.Client, ids); err != nil || !q.named.Load() {
		return err
	}
	_, err := q.Do(ctx, []string{"SREM", queues, q.Queue()})
	return err
}

// Layout is how jobs look in RQ's queue.
func (d Dialect) Layout(j dialect.Jobs) (dialect.Layout, error) {
	name := d.Facts().Name(j.Queue)
	if strings.TrimSpace(name) == "" || !strings.HasPrefix(j.Queue, waiting) {
		return nil, fmt.Errorf("%q is not the name of an RQ queue, such as default", name)
	}
	return newLayout(j)
}
