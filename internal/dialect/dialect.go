// Package dialect is what a run has to know of a library that keeps its jobs in Redis: how
// a job is put in, where its beginning and its end are heard, what the length of the queue
// means, and which keys are left that must be removed.
//
// A dialect holds no state and measures nothing. It has a separate package below this
// one, and package library finds it by its name. Begin reading at [Dialect].
package dialect

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// Dialect is one library. It is safe for concurrent use.
type Dialect interface {
	// Facts are what is the same for all runs.
	Facts() Facts
	// Layout is how jobs look in the queue. It refuses a queue that the library cannot
	// have.
	Layout(Jobs) (Layout, error)
	// Over is the queue as the library's workers use it. ids is what the ids of the run's
	// jobs begin with, and no other ids do; it is empty to hear the jobs of all clients. The
	// queue that is returned can be a [Sweeper]. The caller closes the backend.
	Over(b jobqueue.Backend, ids string) (jobqueue.Backend, error)
}

// Facts are what is known of a library.
type Facts struct {
	// NamePrefix is what the names of queues begin with.
	NamePrefix string
	// KeyBefore and KeyAfter are what the key of the list of waiting jobs has before and
	// behind the queue's name.
	KeyBefore, KeyAfter string
	// Queue is the library's default queue, as --queue takes it.
	Queue string
	// Update says how the library announces a job, as [updates.ParseMapping] reads it.
	// Empty means that workers publish the documented form on the run's channel.
	Update string
	// Silence says what to look at when workers take jobs and nothing of their ends is
	// heard.
	Silence string
	// Heard says how the end of a job is heard, and Length what the length of the queue
	// counts, each in a sentence for people.
	Heard, Length string
}

// Key is the key of the list of a queue's waiting jobs, by the name of the queue.
func (f Facts) Key(name string) string {
	if name == "" {
		return ""
	}
	return f.KeyBefore + name + f.KeyAfter
}

// Name is the name of the queue whose waiting jobs the key has.
func (f Facts) Name(key string) string {
	return strings.TrimSuffix(strings.TrimPrefix(key, f.KeyBefore), f.KeyAfter)
}

// Announces reports whether the library itself announces the ends of jobs.
func (f Facts) Announces() bool { return f.Update != "" }

// Jobs are the jobs of one run.
type Jobs struct {
	Queue   string // the key of their queue
	Name    string // what the library calls them: a class, a task
	Args    string // their arguments, a JSON array, or their data, a JSON object; empty means none
	Payload bool   // whether each has a payload, which is its last argument
}

// Job is one job.
type Job struct {
	ID      [IDLen]byte
	Run     uint64
	Number  int64
	Payload string // letters, digits, - and _ alone
}

// IDLen is the length of a job's id, a UUID.
const IDLen = 36

// Layout is how jobs look in the queue. It is safe for concurrent use.
type Layout interface {
	// Append appends a job. It does not allocate if dst has room for Max.
	Append(dst []byte, j Job) []byte
	// Find finds the id of a job in an element of the queue. It is nil for what is not a
	// job as Append writes it.
	Find(element []byte) (id []byte)
	// Whole reports whether an element in which Find found the id of j is j as it was sent,
	// or as the library puts it back into the queue.
	Whole(element []byte, j Job) bool
	// Max is the size in bytes of a job with a payload of that size.
	Max(payload int) int
}

// Sweeper is implemented by queues whose workers leave more of a job than the queue holds.
type Sweeper interface {
	// Sweep removes what is left of the jobs with the ids, and nothing else. It is called
	// after the load, and may be called while workers run. What a worker writes later stays.
	Sweep(ctx context.Context, ids iter.Seq[string]) error
}

// ErrNotRedis is returned by Over for a queue that is not in Redis.
var ErrNotRedis = errors.New("the workers of a library take their jobs from Redis, and this queue is not in one")
