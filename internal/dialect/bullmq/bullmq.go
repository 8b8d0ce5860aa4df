// Package bullmq is the dialect of BullMQ's workers.
//
// A job is put in by a script that writes what BullMQ's own writes for a job without options:
// its hash, its id in the list of those that wait, the marker that wakes workers, and two
// entries in the stream of events. Its beginning and its end are heard in that stream, in
// which BullMQ tells of every job.
package bullmq

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Dialect is BullMQ 5 and 6.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// waiting is what the key of the list of waiting jobs has behind the name of its queue,
// which is PREFIX:NAME.
const waiting = ":wait"

// Facts are what is known of BullMQ.
func (Dialect) Facts() dialect.Facts {
	return dialect.Facts{
		Queue: "bull:NAME", KeyAfter: waiting,
		Update:  "id=.jobId,status=.event,completed=completed,failed=failed,running=active",
		Silence: "do the workers have the queue's name and prefix (prefix: 'bull' by default), and the same Redis?",
		Heard:   "A job's start and end are heard in BullMQ's stream of events.",
		Length:  "The queue's length counts the jobs in the list wait, without those that are active, delayed or prioritized.",
	}
}

// Over is the queue as BullMQ's workers use it.
func (Dialect) Over(b jobqueue.Backend, ids string) (jobqueue.Backend, error) {
	c, ok := b.(*jobqueue.Client)
	if !ok {
		return nil, fmt.Errorf("BullMQ: %w", dialect.ErrNotRedis)
	}
	if c.Clustered() {
		return nil, fmt.Errorf("BullMQ: a job is put in by one script, whose keys a Redis Cluster wants in one slot; use a single server or sentinels")
	}
	q := &queue{Client: c, keys: strings.TrimSuffix(c.Queue(), waiting) + ":"}
	var heard [][]byte
	for _, event := range []string{"active", "completed", "failed"} {
		heard = append(heard, []byte(`{"event":"`+event+`","jobId":"`+ids))
	}
	q.events = c.Events(q.keys+"events", func(message []byte) bool {
		return slices.ContainsFunc(heard, func(begin []byte) bool { return bytes.HasPrefix(message, begin) })
	}, "event", "jobId", "failedReason")
	return q, nil
}

// queue is a queue of BullMQ's.
type queue struct {
	*jobqueue.Client
	keys   string // what all keys of the queue begin with: "bull:NAME:"
	events *jobqueue.Events
}

var _ dialect.Sweeper = (*queue)(nil)

// push puts jobs in, each as layout writes it. It does what BullMQ's own script does with a job
// that has an id and no other option.
const push = `
local wait, events, meta, counter, marker, prefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[1]
if redis.call('HEXISTS', meta, 'paused') == 1 then
  return redis.error_reply('ERR the queue is paused')
end
local most = redis.call('HGET', meta, 'opts.maxLenEvents')
if not most then
  most = 10000
  redis.call('HSET', meta, 'opts.maxLenEvents', most)
end
for i = 2, #ARGV do
  local job = ARGV[i]
  local id, line = string.sub(job, 1, 36), string.find(job, '\n', 50, true)
  local name = string.sub(job, 50, line - 1)
  redis.call('INCR', counter)
  redis.call('HSET', prefix .. id, 'name', name, 'data', string.sub(job, line + 1),
    'opts', '{"jobId":"' .. id .. '","attempts":0}', 'timestamp', string.sub(job, 37, 49), 'delay', 0, 'priority', 0)
  redis.call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
  redis.call('LPUSH', wait, id)
  redis.call('ZADD', marker, 0, '0')
  redis.call('XADD', events, 'MAXLEN', '~', most, '*', 'event', 'waiting', 'jobId', id)
end
return #ARGV - 1
`

// OpenProducer puts jobs in by the script.
func (q *queue) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	paused, err := q.Do(ctx, []string{"HEXISTS", q.keys + "meta", "paused"})
	if err != nil {
		return nil, err
	}
	if paused[0] == int64(1) {
		return nil, fmt.Errorf("the BullMQ queue %s is paused, so that its workers take nothing; resume it by queue.resume()", strings.TrimSuffix(q.keys, ":"))
	}
	script := jobqueue.Script{Text: push, Args: []string{q.keys}}
	for _, key := range []string{"wait", "events", "meta", "id", "marker"} {
		script.Keys = append(script.Keys, q.keys+key)
	}
	return q.OpenScriptProducer(ctx, script)
}

// OpenSubscriber hears what becomes of jobs.
func (q *queue) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	return q.events.Open(ctx)
}

// The parts of a queue, by the ends of their keys.
var (
	ofJobs = []string{":lock", ":logs", ":dependencies", ":processed", ":failed", ":unsuccessful"} // behind a job's id
	sorted = []string{"completed", "failed", "delayed", "prioritized", "waiting-children"}         // sets that have ids
	others = []string{"wait", "paused", "active", "stalled", "stalled-check", "events", "meta", "id", "marker", "limiter", "pc",
		"metrics:completed", "metrics:completed:data", "metrics:failed", "metrics:failed:data"}
)

// Clear removes the queue with all that BullMQ keeps for it, but for its jobs.
func (q *queue) Clear(ctx context.Context) error {
	remove := []string{"DEL"}
	for _, key := range slices.Concat(sorted, others) {
		remove = append(remove, q.keys+key)
	}
	_, err := q.Do(ctx, remove)
	return err
}

// Sweep removes jobs, wherever in the queue they are. A worker that does one of them right
// then finds at its end that the job is gone.
func (q *queue) Sweep(ctx context.Context, ids iter.Seq[string]) error {
	held := dialect.Held{Keys: q.keys, Parts: ofJobs, Lists: []string{"wait", "paused", "active"}, Sets: []string{"stalled"}, Sorted: sorted}
	if err := held.Sweep(ctx, q.Client, ids); err != nil {
		return err
	}
	_, err := q.Do(ctx, []string{"EVAL", unmark, "3", q.keys + "wait", q.keys + "prioritized", q.keys + "marker"})
	return err
}

// unmark removes the marker, which wakes workers, if no job waits: the run's may have been
// the last ones.
const unmark = `
if redis.call('LLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2]) == 0 then
  redis.call('ZREM', KEYS[3], '0')
end
return 0
`
