package streamqueue_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/examples/streamqueue"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }

// open is a queue under its own names on the server that the tests share.
func open(tb testing.TB, claimAfter time.Duration) *streamqueue.Queue {
	tb.Helper()
	options, err := redis.ParseURL(redistest.Server(tb).URL())
	if err != nil {
		tb.Fatal(err)
	}
	// A busy host may hold the server up for longer than go-redis waits otherwise.
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = time.Minute, time.Minute, time.Minute
	name := "streamqueue:" + rand.Text()
	q, err := streamqueue.Open(tb.Context(), streamqueue.Config{
		Options: options, Stream: name, Channel: name + ":updates", ClaimAfter: claimAfter,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// The context of the test is over; go-redis has its own time limits.
		if err := errors.Join(q.Clear(context.Background()), q.Close()); err != nil {
			tb.Error(err)
		}
	})
	return q
}

func TestConformance(t *testing.T) {
	t.Parallel()
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return open(tb, 0) })
}

// take opens a worker that takes one job.
func take(t *testing.T, q *streamqueue.Queue) (jobqueue.Consumer, string) {
	t.Helper()
	c, err := q.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	jobs, err := c.Pop(t.Context(), 1, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return c, string(jobs[0])
}

func push(t *testing.T, q *streamqueue.Queue, jobs ...string) {
	t.Helper()
	p, err := q.OpenProducer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, job := range jobs {
		if err := p.Push(t.Context(), []byte(job)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheJobOfADeadWorkerGoesToAnother(t *testing.T) {
	t.Parallel()
	q := open(t, time.Millisecond)
	push(t, q, "4711")
	dead, job := take(t, q)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if _, again := take(t, q); again != job {
		t.Errorf("the second worker was given %q, want %q", again, job)
	}
}

func TestAllJobsOfADeadWorkerAreClaimed(t *testing.T) {
	t.Parallel()
	const jobs = 250 // more than one step of a claim looks at
	q := open(t, time.Millisecond)
	dead, err := q.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range jobs {
		push(t, q, fmt.Sprint(i))
	}
	if got, err := dead.Pop(t.Context(), jobs, 10*time.Second); len(got) != jobs || err != nil {
		t.Fatalf("Pop = %d jobs, %v, want %d", len(got), err, jobs)
	}
	dead.Close()
	heir, err := q.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer heir.Close()
	seen := map[string]bool{}
	for len(seen) < jobs {
		got, err := heir.Pop(t.Context(), 7, 10*time.Second)
		if err != nil {
			t.Fatalf("Pop after %d of %d jobs: %v", len(seen), jobs, err)
		}
		for _, job := range got {
			seen[string(job)] = true
		}
	}
}

func TestAJobThatWasFinishedIsNotGivenAgain(t *testing.T) {
	t.Parallel()
	q := open(t, time.Millisecond)
	push(t, q, "first")
	c, _ := take(t, q)
	// Asking for more says that the first is done.
	if _, err := c.Pop(t.Context(), 1, 0); !errors.Is(err, jobqueue.ErrEmpty) {
		t.Fatalf("Pop = %v, want ErrEmpty", err)
	}
	push(t, q, "second")
	if _, job := take(t, q); job != "second" {
		t.Errorf("another worker was given %q, want the second job", job)
	}
}

func TestAJobInAWorkersHandsDoesNotWait(t *testing.T) {
	t.Parallel()
	q := open(t, 0)
	push(t, q, "a", "b", "c")
	take(t, q)
	if n, err := q.Len(t.Context()); n != 2 || err != nil {
		t.Errorf("Len = %d, %v, want 2", n, err)
	}
}

// What does it cost to lose no job when a worker dies?
func BenchmarkQueue(b *testing.B) {
	queues := []struct {
		name   string
		target jobqueue.Backend
	}{{"list", redistest.Queue(b)}, {"stream", open(b, 0)}}
	for _, q := range queues {
		for _, consumers := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("queue=%s/consumers=%d", q.name, consumers), func(b *testing.B) {
				queuetest.Benchmark(b, q.target, scenario.Scenario{
					Consumers: consumers,
					Work:      scenario.Work{Time: time.Millisecond},
				})
			})
		}
	}
}
