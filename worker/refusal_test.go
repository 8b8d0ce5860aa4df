package worker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/worker"
)

// answers is a queue whose server answers with an error where one is set.
type answers struct {
	jobqueue.Backend
	open, pop, publish func() error
}

func (q *answers) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	if err := say(q.open); err != nil {
		return nil, err
	}
	c, err := q.Backend.OpenConsumer(ctx)
	return answering{c, q}, err
}

func say(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

type answering struct {
	jobqueue.Consumer
	q *answers
}

func (c answering) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	if err := say(c.q.pop); err != nil {
		return nil, err
	}
	return c.Consumer.Pop(ctx, max, wait)
}

func (c answering) Publish(ctx context.Context, message []byte) (int, error) {
	if err := say(c.q.publish); err != nil {
		return 0, err
	}
	return c.Consumer.Publish(ctx, message)
}

// replies is the server's answer with the given text.
func replies(text string) func() error {
	return func() error { return &redisconn.Error{Op: "talk", Err: &resp.ReplyError{Text: text}} }
}

func TestARefusalIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for text, within := range map[string]time.Duration{
		"NOPERM this user has no permissions to run the 'brpop' command": 0,
		"WRONGPASS invalid username-password pair":                       0,
		"NOAUTH Authentication required.":                                0,
		"WRONGTYPE Operation against a key":                              0,
		"READONLY You can't write against a read only replica.":          time.Minute,
	} {
		for where, q := range map[string]*answers{"open": {open: replies(text)}, "pop": {pop: replies(text)}} {
			synctest.Test(t, func(t *testing.T) {
				q.Backend = memory.New()
				push(t, q.Backend, 10)
				pool := worker.Pool{Queue: q, Consumers: 3, Work: sleeps(time.Second)}
				from := time.Now()
				err := pool.Run(t.Context())
				if err == nil || !strings.Contains(err.Error(), text) || time.Since(from) > within {
					t.Errorf("%s: Run = %v after %v, want the refusal", where, err, time.Since(from))
				}
				if n, _ := q.Len(t.Context()); n != 10 {
					t.Errorf("%s: %s: %d jobs are left, want all", where, text, n)
				}
			})
		}
	}
}

func TestAnOutcomeThatIsRefusedIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &answers{Backend: memory.New(), publish: replies("NOPERM No permissions to access a channel")}
		push(t, q.Backend, 10)
		pool := worker.Pool{Queue: q, Consumers: 2, Running: true, Idle: time.Second, Work: sleeps(time.Second)}
		err := pool.Run(t.Context())
		if !redisconn.Refused(err) {
			t.Errorf("Run = %v, want the refusal", err)
		}
		jobs, because := pool.Unpublished()
		slices.Sort(jobs)
		if !slices.Equal(jobs, []string{"0", "1"}) || !redisconn.Refused(because) || pool.Tally().Unpublished != 2 {
			t.Errorf("Unpublished = %q because of %v, Tally = %+v; want the two jobs that were taken", jobs, because, pool.Tally())
		}
	})
}

func TestAServerThatTakesNoWritesForAWhileIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"READONLY You can't write", "LOADING Redis is loading", "MASTERDOWN Link with MASTER is down"} {
		synctest.Test(t, func(t *testing.T) {
			until := time.Now().Add(20 * time.Second)
			away := func() error {
				if time.Now().Before(until) {
					return replies(text)()
				}
				return nil
			}
			q := &answers{Backend: memory.New(), open: away, pop: away, publish: away}
			push(t, q.Backend, 10)
			pool := worker.Pool{Queue: q, Consumers: 2, Jobs: 10, Work: sleeps(time.Millisecond)}
			if err := pool.Run(t.Context()); err != nil || pool.Tally().Completed != 10 {
				t.Errorf("%s: Run = %v, Tally = %+v", text, err, pool.Tally())
			}
		})
	}
}

func TestTheLastFailureIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		push(t, q, 3)
		pool := worker.Pool{Queue: q, Jobs: 3, Work: func(_ context.Context, job worker.Job) error {
			if job.ID == "2" {
				return nil
			}
			return errors.New("no room for " + job.ID)
		}}
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := pool.LastFailure(), (worker.Failure{Job: "1", Reason: "no room for 1"}); got != want {
			t.Errorf("LastFailure = %+v, want %+v", got, want)
		}
	})
}
