package jobqueue

import (
	"context"
	"errors"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// Backend is a system that queues jobs and passes on notifications about them:
// what a load runs against. [Client] is the Redis one, package memory holds one
// in this process, and your own needs these methods and no more. Faults of a run
// call a method Disconnect(context.Context) error of what was opened, and Abort() error of
// a consumer, where there is one. A producer with a method Prove() error is asked after a
// pause whether its connection is alive; [ErrStale] says that it is not.
//
// A backend is safe for concurrent use; what its Open methods return is each
// used by one goroutine at a time, except that Close may be called from another,
// and more than once.
type Backend interface {
	// OpenProducer returns a producer that is connected and ready.
	OpenProducer(ctx context.Context) (Producer, error)
	// OpenConsumer returns a consumer that is connected and ready.
	OpenConsumer(ctx context.Context) (Consumer, error)
	// OpenSubscriber returns a subscriber to which every message published
	// after the return of this call is delivered.
	OpenSubscriber(ctx context.Context) (Subscriber, error)
	// Len is how many jobs wait in the queue.
	Len(ctx context.Context) (int64, error)
	// Clear removes the queue with all that is in it.
	Clear(ctx context.Context) error
}

// Producer pushes jobs.
type Producer interface {
	// Push appends the jobs to the queue, in order and all or none, and
	// returns when that was acknowledged. It keeps no reference to them. It
	// never tries twice: a repeated push could put jobs in the queue twice.
	Push(ctx context.Context, jobs ...[]byte) error
	Close() error
}

// Consumer takes jobs and publishes what became of them.
type Consumer interface {
	// Pop takes the oldest jobs, at most max of them, and waits up to wait for
	// the first. It returns [ErrEmpty] when none came in time and ctx.Err()
	// soon after ctx ends; in neither case was a job taken. The slices are
	// valid until the next call on this consumer.
	Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error)
	// Publish sends one message to every subscriber and returns how many
	// there were; -1 where the servers cannot tell.
	Publish(ctx context.Context, message []byte) (receivers int, err error)
	Close() error
}

// Subscriber receives messages.
type Subscriber interface {
	// Receive waits for the next message. The slice is valid until the next
	// call. It returns [ErrClosed] after Close, and ctx.Err() soon after ctx
	// ends. It never drops a message on our side.
	Receive(ctx context.Context) ([]byte, error)
	// Close ends the subscription for good. A Receive that waits returns at
	// once.
	Close() error
}

// Pipeliner is implemented by producers that can send without waiting for the
// answer to what they sent before. Send and Flush belong to one goroutine,
// Await to one other; both may run at the same time.
type Pipeliner interface {
	Producer
	// Send takes one push of the given jobs into the output buffer.
	Send(jobs ...[]byte) error
	// Flush writes what Send took. Only then are the jobs on their way.
	Flush() error
	// Await waits for the answer to the oldest push that has none yet. It
	// returns [ErrClosed] after Close.
	Await() error
}

// Outcome is what became of a popped job.
type Outcome struct {
	// Message is published; nil publishes nothing.
	Message []byte
	// Channel is the number of the channel that it is published on, 0 where
	// there is one.
	Channel int
	// Last says that the job is over. Outcomes with Last are in the order in which
	// the jobs were popped: a queue that keeps a job until it is over then forgets
	// the oldest one.
	Last bool
}

// PublishPopper is implemented by consumers that can publish and ask for the next jobs
// in one write, which saves a round trip per job.
type PublishPopper interface {
	Consumer
	// Turn publishes what the outcomes say and then pops as Pop does. acked is
	// called for each outcome, in order, as soon as its answer has been read
	// and before the jobs are waited for; receivers is -1 for one without a
	// message, too. With max 0 it publishes and pops nothing.
	PublishAndPop(ctx context.Context, outcomes []Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error)
}

// Reopener is implemented by consumers that can go on over another connection.
type Reopener interface {
	Consumer
	// Reopen returns a consumer that takes the place of this one after an error
	// that matches [ErrStale], with the jobs that this one has popped and not
	// ended, on a new connection. This one is closed then. When Reopen fails
	// everything is as it was, and it can be called again.
	Reopen(ctx context.Context) (Consumer, error)
}

// MultiQueue is implemented by backends with several queues or several channels,
// which are numbered from 0. What Backend's own methods open pushes to queue 0,
// takes from all queues, the lower number first, and hears all channels; Len is
// the sum over all queues and Clear removes all.
//
// A backend whose queues can lie on several servers has a method Apart as
// [Client] has. When it says true, OpenConsumer and OpenConsumerOn of several
// queues are errors: there is a consumer for one queue only.
type MultiQueue interface {
	Backend
	// OpenConsumerOn returns a consumer that takes from the given queues only:
	// from the first of them that holds a job.
	OpenConsumerOn(ctx context.Context, queues ...int) (Consumer, error)
	// OpenSubscriberOn returns a subscriber that hears the given channels only.
	OpenSubscriberOn(ctx context.Context, channels ...int) (Subscriber, error)
	// LenOf is how many jobs wait in one queue.
	LenOf(ctx context.Context, queue int) (int64, error)
}

// QueueSelector is implemented by the producers of a backend with several queues.
type QueueSelector interface {
	Producer
	// Aim makes the pushes from now on go to the given queue.
	SelectQueue(queue int)
}

var (
	// ErrEmpty is returned by Pop when no job came within the wait. Call again.
	ErrEmpty = errors.New("queue is empty")
	// ErrClosed is returned by every call on what has been closed.
	ErrClosed = redisconn.ErrClosed
	// ErrLost is matched, with [errors.Is], by the error of a call that found the
	// connection closed or dead. It is also matched when the server no longer serves
	// the queue, if another server may: with sentinels, with a cluster, and with
	// Config.Reconnect. Close what returned it, call nothing else on it, and open
	// another. If the Open fails with ErrLost, too, a failover is in progress: pause
	// and call it again, for as long as you are willing to wait.
	//
	// The fate of unanswered calls is unknown. A push without an answer may or may
	// not have been carried out; it is never sent again. A job that the server
	// sent and the consumer did not receive is lost with the connection, and so is
	// what was published between two subscriptions.
	ErrLost = redisconn.ErrLost
	// ErrStale is matched, besides [ErrLost], by the error of a call that found
	// the connection closed before anything of the call was sent: a server, a proxy
	// or a load balancer closes connections that are idle for too long. Nothing was
	// carried out, so the call can safely be repeated on another connection. A
	// consumer that is a [Reopener] keeps its jobs.
	ErrStale = redisconn.ErrStale
)
