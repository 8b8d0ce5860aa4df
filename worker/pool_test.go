package worker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/worker"
)

// sleeps is work in virtual time.
func sleeps(d time.Duration) worker.Work {
	return func(ctx context.Context, _ worker.Job) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// push puts jobs into the queue: 0, 1, 2 and so on.
func push(t *testing.T, q jobqueue.Backend, n int) {
	t.Helper()
	p, err := q.OpenProducer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range n {
		if err := p.Push(t.Context(), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
}

// listen begins to listen; heard ends that and returns how often each status
// was published for each job.
func listen(t *testing.T, q jobqueue.Backend) (heard func() map[string]map[jobqueue.Status]int) {
	t.Helper()
	s, err := q.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func() map[string]map[jobqueue.Status]int {
		t.Helper()
		defer s.Close()
		all := map[string]map[jobqueue.Status]int{}
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			m, err := s.Receive(ctx)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				return all
			}
			if err != nil {
				t.Fatal(err)
			}
			u, err := jobqueue.ParseUpdate(m)
			if err != nil {
				t.Fatal(err)
			}
			if all[u.JobID] == nil {
				all[u.JobID] = map[jobqueue.Status]int{}
			}
			all[u.JobID][u.Status]++
		}
	}
}

func TestEveryJobIsAnnouncedAndPublishedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		heard := listen(t, q)
		push(t, q, 1000)
		pool := worker.Pool{
			Queue: q, Consumers: 8, Running: true, Idle: time.Second,
			Work: func(ctx context.Context, job worker.Job) error {
				if job.ID == "13" {
					return errors.New("bad luck")
				}
				return sleeps(10*time.Millisecond)(ctx, job)
			},
		}
		from := time.Now()
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		// 1000 jobs of 10 ms by 8 are 1.25 s, and then a second of nothing.
		if took := time.Since(from); took != 2250*time.Millisecond {
			t.Errorf("it took %v, want 2.25s", took)
		}
		if got, want := pool.Tally(), (worker.Tally{Completed: 999, Failed: 1}); got != want {
			t.Errorf("Tally = %+v, want %+v", got, want)
		}
		all := heard()
		for i := range 1000 {
			id := fmt.Sprint(i)
			want := map[jobqueue.Status]int{jobqueue.Running: 1, jobqueue.Completed: 1}
			if id == "13" {
				want = map[jobqueue.Status]int{jobqueue.Running: 1, jobqueue.Failed: 1}
			}
			if fmt.Sprint(all[id]) != fmt.Sprint(want) {
				t.Errorf("of job %s %v was published, want %v", id, all[id], want)
			}
		}
	})
}

func TestStopFinishesWhatIsInHandAndTakesNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		heard := listen(t, q)
		push(t, q, 100)
		stop := make(chan struct{})
		time.AfterFunc(1500*time.Millisecond, func() { close(stop) })
		pool := worker.Pool{Queue: q, Consumers: 4, Work: sleeps(time.Second), Stop: stop}
		from := time.Now()
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(from); took != 2*time.Second {
			t.Errorf("it took %v, want the 2s until the taken jobs are done", took)
		}
		left, err := q.Len(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := pool.Tally(); got != (worker.Tally{Completed: 8}) || left != 92 || len(heard()) != 8 {
			t.Errorf("Tally = %+v with %d jobs left, want 8 completed and 92 left", got, left)
		}
	})
}

func TestTheEndOfTheContextDropsWhatIsInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		heard := listen(t, q)
		push(t, q, 10)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		pool := worker.Pool{Queue: q, Consumers: 4, Work: sleeps(time.Second)}
		from := time.Now()
		if err := pool.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run = %v, want the context's error", err)
		}
		if took := time.Since(from); took != 1500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if got, want := pool.Tally(), (worker.Tally{Completed: 4, Dropped: 4}); got != want || len(heard()) != 4 {
			t.Errorf("Tally = %+v, want %+v", got, want)
		}
	})
}

func TestSoManyJobsAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		push(t, q, 100)
		pool := worker.Pool{Queue: q, Consumers: 8, Jobs: 21, Work: sleeps(time.Millisecond)}
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		left, err := q.Len(t.Context())
		if got := pool.Tally().Completed; err != nil || got != 21 || left != 79 {
			t.Errorf("%d jobs were done and %d are left, %v; want 21 and 79", got, left, err)
		}
	})
}

func TestIdleCountsFromTheLastJobAndNotWhileOneIsInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		push(t, q, 1)
		time.AfterFunc(12500*time.Millisecond, func() { push(t, q, 1) })
		pool := worker.Pool{Queue: q, Consumers: 3, Idle: 3 * time.Second, Work: sleeps(10 * time.Second)}
		from := time.Now()
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(from); took != 25500*time.Millisecond || pool.Tally().Completed != 2 {
			t.Errorf("it took %v for %+v, want 25.5s for 2 jobs", took, pool.Tally())
		}
	})
}

// flaky is a queue that cannot be reached for a while, and connections that
// break once in so many calls, always before they do anything. It is chance that
// breaks them: in virtual time, calls that are counted can come to break the same
// consumer's connection for ever.
type flaky struct {
	jobqueue.Backend
	away  atomic.Bool
	every int
}

var errAway = errors.New("away")

func (q *flaky) fault() error {
	if q.away.Load() || q.every > 0 && rand.IntN(q.every) == 0 {
		return errAway
	}
	return nil
}

func (q *flaky) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	if err := q.fault(); err != nil {
		return nil, err
	}
	c, err := q.Backend.OpenConsumer(ctx)
	return flakyConsumer{c, q}, err
}

type flakyConsumer struct {
	jobqueue.Consumer
	q *flaky
}

func (c flakyConsumer) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	if err := c.q.fault(); err != nil {
		return nil, err
	}
	return c.Consumer.Pop(ctx, max, wait)
}

func (c flakyConsumer) Publish(ctx context.Context, message []byte) (int, error) {
	if err := c.q.fault(); err != nil {
		return 0, err
	}
	return c.Consumer.Publish(ctx, message)
}

func TestConnectionsThatBreakCostNoJobAndNoOutcome(t *testing.T) {
	t.Parallel()
	for _, every := range []int{3, 5, 7, 50} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := &flaky{Backend: memory.New(), every: every}
				heard := listen(t, q.Backend)
				push(t, q.Backend, 500)
				pool := worker.Pool{Queue: q, Consumers: 5, Running: true, Idle: time.Minute, Work: sleeps(time.Millisecond)}
				if err := pool.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := pool.Tally(); got.Completed != 500 || got.Unpublished+got.Dropped+got.Failed != 0 || got.Reconnects == 0 {
					t.Errorf("Tally = %+v, want 500 completed", got)
				}
				all := heard()
				for i := range 500 {
					if n := all[fmt.Sprint(i)][jobqueue.Completed]; n != 1 {
						t.Errorf("of job %d COMPLETED was published %d times", i, n)
					}
				}
			})
		})
	}
}

func TestAnOutageIsToldOnceAndSoIsItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &flaky{Backend: memory.New()}
		heard := listen(t, q.Backend)
		push(t, q.Backend, 100)
		var reported []error
		pool := worker.Pool{
			Queue: q, Consumers: 10, Idle: 30 * time.Second, Work: sleeps(time.Second),
			Outage: func(err error) { reported = append(reported, err) },
		}
		time.AfterFunc(1500*time.Millisecond, func() { q.away.Store(true) })
		time.AfterFunc(21500*time.Millisecond, func() { q.away.Store(false) })
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(reported, []error{errAway, nil}) {
			t.Errorf("reported %v, want the outage and its end", reported)
		}
		if got := pool.Tally(); got.Completed != 100 || len(heard()) != 100 {
			t.Errorf("Tally = %+v, want 100 completed", got)
		}
	})
}

func TestAStopInAnOutageEndsAndSaysWhatCouldNotBePublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &flaky{Backend: memory.New()}
		push(t, q.Backend, 100)
		stop := make(chan struct{})
		pool := worker.Pool{Queue: q, Consumers: 3, Work: sleeps(time.Second), Stop: stop}
		time.AfterFunc(500*time.Millisecond, func() { q.away.Store(true) })
		time.AfterFunc(time.Hour, func() { close(stop) })
		from := time.Now()
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(from) - time.Hour; took > 20*time.Second {
			t.Errorf("it ended %v after the stop", took)
		}
		if got := pool.Tally(); got.Unpublished != 3 || got.Completed != 0 {
			t.Errorf("Tally = %+v, want 3 unpublished", got)
		}
	})
}

func TestAPoolWithoutWorkIsRefused(t *testing.T) {
	t.Parallel()
	pool := worker.Pool{Queue: memory.New()}
	if err := pool.Run(t.Context()); err == nil {
		t.Error("Run without Work succeeded")
	}
}

func TestEachTenantIsToldOnTheChannelThatIsHis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.NewMultiQueue(1, 2)
		var ears []jobqueue.Subscriber
		for i := range 2 {
			s, err := q.OpenSubscriberOn(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ears = append(ears, s)
		}
		p, err := q.OpenProducer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := p.Push(t.Context(), []byte(`{"jobId":"a","tenantId":"t1"}`), []byte(`{"jobId":"b","tenantId":"t2"}`)); err != nil {
			t.Fatal(err)
		}
		pool := &worker.Pool{Queue: q, Work: sleeps(time.Millisecond), Running: true, Jobs: 2, Channel: func(tenant string) int {
			return map[string]int{"t1": 0, "t2": 1}[tenant]
		}}
		if err := pool.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, id := range []string{"a", "b"} {
			for _, status := range []jobqueue.Status{jobqueue.Running, jobqueue.Completed} {
				m, err := ears[i].Receive(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if u, err := jobqueue.ParseUpdate(m); err != nil || u.JobID != id || u.Status != status {
					t.Errorf("channel %d: %s, %v, want %s of job %s", i, m, err, status, id)
				}
			}
		}
	})
}
