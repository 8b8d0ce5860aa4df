// Package celery is the dialect of Celery's workers, with Redis as their broker and as
// their result backend, both in the same database.
//
// A task is put into the list of its queue as Celery's client does it, by a message of
// protocol 2. Its beginning and its end are heard where the result backend announces them:
// with every state of a task that it stores it publishes the state on a channel that has
// the name of the key. The beginning is stored only with task_track_started.
package celery

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Dialect is Celery 4 and 5, whose messages have protocol 2.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// The keys of Celery and of kombu, its transport, with their default names.
const (
	resultKey    = "celery-task-meta-" // of a task's state; its id follows
	heldKey      = "unacked"           // hash: messages that a worker holds, by delivery tag
	heldIndexKey = "unacked_index"     // sorted set: the same tags by time
	bindingKey   = "_kombu.binding."   // set: where an exchange sends to; its name follows
)

// Facts are what is known of Celery.
func (Dialect) Facts() dialect.Facts {
	return dialect.Facts{
		Queue:   "celery",
		Update:  "channel=" + resultKey + "{id},status=.status,completed=SUCCESS,failed=FAILURE|REVOKED,running=STARTED",
		Silence: "do the tasks store their results in this Redis (result_backend, and neither ignore_result nor task_ignore_result)?",
		Heard:   "A task's end is heard when the result backend stores it, and its start if task_track_started is on.",
		Length:  "The queue's length counts the messages in its list, without those that workers have prefetched.",
	}
}

// Over is the queue as Celery's workers use it.
func (Dialect) Over(b jobqueue.Backend, _ string) (jobqueue.Backend, error) {
	c, ok := b.(*jobqueue.Client)
	if !ok {
		return nil, fmt.Errorf("Celery: %w", dialect.ErrNotRedis)
	}
	if c.Clustered() {
		return nil, fmt.Errorf("Celery: its transport does not work with a Redis Cluster; use a single server or sentinels")
	}
	return &queue{c}, nil
}

// queue is a queue of Celery's.
type queue struct{ *jobqueue.Client }

var _ dialect.Sweeper = (*queue)(nil)

// Clear removes the queue and its binding, which workers leave when they end.
func (q *queue) Clear(ctx context.Context) error {
	if err := q.Client.Clear(ctx); err != nil || !runname.IsQueue(q.Queue()) {
		return err
	}
	_, err := q.Do(ctx, []string{"DEL", bindingKey + q.Queue()})
	return err
}

// Sweep removes the stored states of tasks, and the messages that a worker took and did
// not acknowledge. Another worker would do these tasks again after the visibility timeout.
func (q *queue) Sweep(ctx context.Context, ids iter.Seq[string]) error {
	for page := range dialect.Pages(ids) {
		results, held, index := []string{"DEL"}, append([]string{"HDEL", heldKey}, page...), append([]string{"ZREM", heldIndexKey}, page...)
		for _, id := range page {
			results = append(results, resultKey+id)
		}
		if _, err := q.Do(ctx, results, held, index); err != nil {
			return fmt.Errorf("remove the results of tasks: %w", err)
		}
	}
	return nil
}

// Layout is how tasks look in Celery's queue.
func (Dialect) Layout(j dialect.Jobs) (dialect.Layout, error) {
	if strings.Contains(j.Queue, separator) {
		return nil, fmt.Errorf("%q is the list of one priority of a Celery queue; name the queue itself", j.Queue)
	}
	return newLayout(j)
}

// separator is what kombu puts between the name of a queue and a priority above 0.
const separator = "\x06\x16"
