// Package memory is a job queue in this process: the same contract as the Redis
// one, without a network. Runs in virtual time use it, and it shows how fast the
// harness alone can be. Begin reading at [New].
package memory

import (
	"context"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// Queue is a job queue in memory. It is safe for concurrent use. The zero value
// is not ready; use [New].
type Queue struct {
	mu          sync.Mutex
	jobs        ring
	waiters     []chan struct{} // consumers that wait, the longest first
	subscribers map[*subscriber]struct{}
}

var _ jobqueue.Backend = (*Queue)(nil)

// New returns an empty queue that nobody listens to.
func New() *Queue { return &Queue{subscribers: map[*subscriber]struct{}{}} }

// OpenProducer returns a producer.
func (q *Queue) OpenProducer(context.Context) (jobqueue.Producer, error) { return &producer{q: q}, nil }

// OpenConsumer returns a consumer.
func (q *Queue) OpenConsumer(context.Context) (jobqueue.Consumer, error) {
	return &consumer{q: q, wake: make(chan struct{}, 1), closed: make(chan struct{})}, nil
}

// OpenSubscriber returns a subscriber. It holds every message until it is
// received, as many as they may be: nothing is dropped.
func (q *Queue) OpenSubscriber(context.Context) (jobqueue.Subscriber, error) {
	s := &subscriber{q: q, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	q.mu.Lock()
	q.subscribers[s] = struct{}{}
	q.mu.Unlock()
	return s, nil
}

// Len is how many jobs wait.
func (q *Queue) Len(context.Context) (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(q.jobs.n), nil
}

// Peek is up to n of the jobs that wait from the given one on, oldest first.
func (q *Queue) Peek(_ context.Context, from, n int64) ([]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []string
	for i := from; i < min(from+n, int64(q.jobs.n)); i++ {
		out = append(out, string(q.jobs.at(int(i))))
	}
	return out, nil
}

// Clear removes all jobs.
func (q *Queue) Clear(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = ring{}
	return nil
}

// wakeOne wakes the consumer that has waited longest. The caller holds mu.
func (q *Queue) wakeOne() {
	if len(q.waiters) > 0 {
		q.waiters[0] <- struct{}{} // has room: a waiter is woken once
		q.waiters = q.waiters[1:]
	}
}

// leave takes a consumer out of the waiters. If it was woken in the meantime,
// its turn passes to the next.
func (q *Queue) leave(wake chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiters {
		if w == wake {
			q.waiters = append(q.waiters[:i:i], q.waiters[i+1:]...)
			return
		}
	}
	<-wake
	if q.jobs.n > 0 {
		q.wakeOne()
	}
}

type producer struct {
	q      *Queue
	closed bool
}

func (p *producer) Push(ctx context.Context, jobs ...[]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.q.mu.Lock()
	defer p.q.mu.Unlock()
	if p.closed {
		return jobqueue.ErrClosed
	}
	for _, job := range jobs {
		p.q.jobs.push(job)
		p.q.wakeOne()
	}
	return nil
}

func (p *producer) Close() error {
	p.q.mu.Lock()
	defer p.q.mu.Unlock()
	p.closed = true
	return nil
}

type consumer struct {
	q      *Queue
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once
	jobs   [][]byte
	arena  []byte
	timer  *time.Timer
}

func (c *consumer) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var expired <-chan time.Time
	for {
		select {
		case <-c.closed:
			return nil, jobqueue.ErrClosed
		default:
		}
		c.q.mu.Lock()
		if c.take(max) {
			if c.q.jobs.n > 0 {
				c.q.wakeOne()
			}
			c.q.mu.Unlock()
			return c.jobs, nil
		}
		if wait <= 0 {
			c.q.mu.Unlock()
			return nil, jobqueue.ErrEmpty
		}
		c.q.waiters = append(c.q.waiters, c.wake)
		c.q.mu.Unlock()
		if expired == nil {
			if c.timer == nil {
				c.timer = time.NewTimer(wait)
			} else {
				c.timer.Reset(wait)
			}
			expired = c.timer.C
		}
		select {
		case <-c.wake:
		case <-expired:
			c.q.leave(c.wake)
			return nil, jobqueue.ErrEmpty
		case <-ctx.Done():
			c.q.leave(c.wake)
			return nil, ctx.Err()
		case <-c.closed:
			c.q.leave(c.wake)
			return nil, jobqueue.ErrClosed
		}
	}
}

// take moves up to max jobs to c.jobs. The caller holds the queue's mu.
func (c *consumer) take(max int) bool {
	c.jobs, c.arena = c.jobs[:0], c.arena[:0]
	for len(c.jobs) < max && c.q.jobs.n > 0 {
		at := len(c.arena)
		c.arena = append(c.arena, c.q.jobs.pop()...)
		c.jobs = append(c.jobs, c.arena[at:len(c.arena):len(c.arena)])
	}
	return len(c.jobs) > 0
}

func (c *consumer) Publish(ctx context.Context, message []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	for s := range c.q.subscribers {
		s.messages.push(message)
		select {
		case s.wake <- struct{}{}:
		default: // it is awake, or will be
		}
	}
	return len(c.q.subscribers), nil
}

func (c *consumer) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

type subscriber struct {
	q        *Queue
	messages ring
	wake     chan struct{}
	closed   chan struct{}
	once     sync.Once
	message  []byte
}

func (s *subscriber) Receive(ctx context.Context) ([]byte, error) {
	for {
		select {
		case <-s.closed:
			return nil, jobqueue.ErrClosed
		default:
		}
		s.q.mu.Lock()
		if s.messages.n > 0 {
			s.message = append(s.message[:0], s.messages.pop()...)
			s.q.mu.Unlock()
			return s.message, nil
		}
		s.q.mu.Unlock()
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closed:
			return nil, jobqueue.ErrClosed
		}
	}
}

func (s *subscriber) Close() error {
	s.once.Do(func() {
		s.q.mu.Lock()
		delete(s.q.subscribers, s)
		s.q.mu.Unlock()
		close(s.closed)
	})
	return nil
}
