// Package memory is a job queue in this process: the same contract as the Redis
// one, without a network. Runs in virtual time use it, and it shows how fast the
// harness alone can be. Begin reading at [New], and at [NewMultiQueue] for several
// queues and channels.
package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/lane"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Queue is a job queue in memory. It is safe for concurrent use. The zero value
// is not ready; use [New].
type Queue struct {
	mu       sync.Mutex
	lanes    []texts     // the queues
	waiters  []*consumer // those that wait, the longest first
	channels []map[*subscriber]struct{}
}

var _ jobqueue.MultiQueue = (*Queue)(nil)

// New returns an empty queue.
func New() *Queue { return NewMultiQueue(1, 1) }

// NewMultiQueue returns a backend with so many empty queues and channels.
func NewMultiQueue(queues, channels int) *Queue {
	q := &Queue{lanes: make([]texts, queues)}
	for range channels {
		q.channels = append(q.channels, map[*subscriber]struct{}{})
	}
	return q
}

// OpenProducer returns a producer; it implements [jobqueue.QueueSelector].
func (q *Queue) OpenProducer(context.Context) (jobqueue.Producer, error) { return &producer{q: q}, nil }

// OpenConsumer returns a consumer of all queues; it implements
// [jobqueue.PublishPopper].
func (q *Queue) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	return q.OpenConsumerOn(ctx, lane.All(len(q.lanes))...)
}

// OpenConsumerOn returns a consumer of the given queues, the first of them
// first.
func (q *Queue) OpenConsumerOn(_ context.Context, queues ...int) (jobqueue.Consumer, error) {
	if err := lane.Check("queue", queues, len(q.lanes)); err != nil {
		return nil, err
	}
	return &consumer{q: q, queues: queues, wake: make(chan struct{}, 1), closed: make(chan struct{})}, nil
}

// OpenSubscriber returns a subscriber of all channels. It holds every message
// until it is received, as many as they may be: nothing is dropped.
func (q *Queue) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	return q.OpenSubscriberOn(ctx, lane.All(len(q.channels))...)
}

// OpenSubscriberOn returns a subscriber of the given channels.
func (q *Queue) OpenSubscriberOn(_ context.Context, channels ...int) (jobqueue.Subscriber, error) {
	if err := lane.Check("channel", channels, len(q.channels)); err != nil {
		return nil, err
	}
	s := &subscriber{q: q, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, i := range channels {
		q.channels[i][s] = struct{}{}
	}
	return s, nil
}

// Len is how many jobs wait in all queues.
func (q *Queue) Len(context.Context) (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	sum := 0
	for i := range q.lanes {
		sum += q.lanes[i].Len()
	}
	return int64(sum), nil
}

// LenOf is how many jobs wait in one queue.
func (q *Queue) LenOf(_ context.Context, queue int) (int64, error) {
	if err := lane.Check("queue", []int{queue}, len(q.lanes)); err != nil {
		return 0, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(q.lanes[queue].Len()), nil
}

// Peek is up to n of the jobs that wait from the given one on, in the order in
// which they would be taken.
func (q *Queue) Peek(_ context.Context, from, n int64) ([]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []string
	for i := range q.lanes {
		lane := &q.lanes[i]
		for ; from < int64(lane.Len()) && int64(len(out)) < n; from++ {
			out = append(out, string(*lane.At(int(from))))
		}
		from -= int64(lane.Len())
		from = max(from, 0)
	}
	return out, nil
}

// Clear removes all jobs.
func (q *Queue) Clear(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.lanes)
	return nil
}

// wakeOne wakes the consumer of that queue that has waited longest. The caller
// holds mu.
func (q *Queue) wakeOne(queue int) {
	for i, c := range q.waiters {
		if slices.Contains(c.queues, queue) {
			c.wake <- struct{}{} // has room: a waiter is woken once
			q.waiters = slices.Delete(q.waiters, i, i+1)
			return
		}
	}
}

// wakeFor wakes one consumer for each of the queues that hold jobs. The caller
// holds mu.
func (q *Queue) wakeFor(queues []int) {
	for _, i := range queues {
		if q.lanes[i].Len() > 0 {
			q.wakeOne(i)
		}
	}
}

// leave takes a consumer out of the waiters. If it was woken in the meantime,
// its turn passes to the next.
func (q *Queue) leave(c *consumer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiters, c); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
		return
	}
	<-c.wake
	q.wakeFor(c.queues)
}

type producer struct {
	q      *Queue
	lane   int
	closed bool
}

var _ jobqueue.QueueSelector = (*producer)(nil)

// Aim makes the pushes from now on go to the given queue.
func (p *producer) SelectQueue(queue int) { p.lane = queue }

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
		p.q.lanes[p.lane].push(job)
		p.q.wakeOne(p.lane)
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
	queues []int
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
			c.q.wakeFor(c.queues)
			c.q.mu.Unlock()
			return c.jobs, nil
		}
		if wait <= 0 {
			c.q.mu.Unlock()
			return nil, jobqueue.ErrEmpty
		}
		c.q.waiters = append(c.q.waiters, c)
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
			c.q.leave(c)
			return nil, jobqueue.ErrEmpty
		case <-ctx.Done():
			c.q.leave(c)
			return nil, ctx.Err()
		case <-c.closed:
			c.q.leave(c)
			return nil, jobqueue.ErrClosed
		}
	}
}

// take moves up to max jobs to c.jobs, all of the first queue that has one. The
// caller holds the queue's mu.
func (c *consumer) take(max int) bool {
	c.jobs, c.arena = c.jobs[:0], c.arena[:0]
	for _, i := range c.queues {
		lane := &c.q.lanes[i]
		for len(c.jobs) < max && lane.Len() > 0 {
			at := len(c.arena)
			c.arena = append(c.arena, lane.pop()...)
			c.jobs = append(c.jobs, c.arena[at:len(c.arena):len(c.arena)])
		}
		if len(c.jobs) > 0 {
			return true
		}
	}
	return false
}

var _ jobqueue.PublishPopper = (*consumer)(nil)

// Turn publishes what the outcomes say and then pops. A job is forgotten when it
// is popped, so that Last says nothing here.
func (c *consumer) PublishAndPop(ctx context.Context, outcomes []jobqueue.Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
	if max > 0 || len(outcomes) == 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	select {
	case <-c.closed:
		return nil, jobqueue.ErrClosed
	default:
	}
	for i, o := range outcomes {
		receivers := -1
		if o.Message != nil {
			receivers = c.publish(o.Message, o.Channel)
		}
		acked(i, receivers)
	}
	if max == 0 {
		return nil, nil
	}
	return c.Pop(ctx, max, wait)
}

func (c *consumer) Publish(ctx context.Context, message []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return c.publish(message, 0), nil
}

func (c *consumer) publish(message []byte, channel int) (receivers int) {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	for s := range c.q.channels[channel] {
		s.messages.push(message)
		select {
		case s.wake <- struct{}{}:
		default: // it is awake, or will be
		}
	}
	return len(c.q.channels[channel])
}

func (c *consumer) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

type subscriber struct {
	q        *Queue
	messages texts
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
		if s.messages.Len() > 0 {
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
		for _, heard := range s.q.channels {
			delete(heard, s)
		}
		s.q.mu.Unlock()
		close(s.closed)
	})
	return nil
}
