package verify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// pool is all consumers of a stall experiment. It can stop them, and it
// measures how long a job keeps one of them while there is a backlog.
type pool struct {
	// left is how many more pops are sure to come from a backlog. They are
	// timed; all others are not, since an idle consumer waits for its job.
	left atomic.Int64

	mu      sync.Mutex
	stopped chan struct{} // closed at the end of a stop; nil when none is under way
	cycles  int64
	spent   time.Duration
}

// hold stops the consumers for d or until ctx ends: none of them takes a job out
// of its connection, begins work or publishes.
func (p *pool) hold(ctx context.Context, d time.Duration) error {
	stopped := make(chan struct{})
	p.mu.Lock()
	p.stopped = stopped
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.stopped = nil
		p.mu.Unlock()
		close(stopped)
	}()
	return sleep(ctx, d)
}

// pass returns when the consumers are not stopped.
func (p *pool) pass() {
	p.mu.Lock()
	stopped := p.stopped
	p.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
}

// cycle is the mean time from one pop to the next of the same consumer while
// there was a backlog: work, publish, and asking for the next job. It is 0 when
// nothing was timed.
func (p *pool) cycle() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cycles == 0 {
		return 0
	}
	return p.spent / time.Duration(p.cycles)
}

// wrap makes a consumer one of the pool. A turn stays a turn: nothing else about
// the consumer is to change.
func (p *pool) wrap(c jobqueue.Consumer) jobqueue.Consumer {
	m := member{Consumer: c, pool: p, watch: &watch{}}
	if t, ok := c.(jobqueue.PublishPopper); ok {
		return turning{m, t}
	}
	return m
}

// member is a consumer of the pool.
type member struct {
	jobqueue.Consumer
	pool  *pool
	watch *watch
}

// watch is when a consumer's last pop from a backlog was, zero when the last one
// was none.
type watch struct{ last time.Time }

func (m member) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	m.pool.pass()
	jobs, err := m.Consumer.Pop(ctx, max, wait)
	m.popped(len(jobs))
	return jobs, err
}

func (m member) Publish(ctx context.Context, message []byte) (int, error) {
	m.pool.pass()
	return m.Consumer.Publish(ctx, message)
}

// popped waits for the end of a stop and takes the time of a pop.
func (m member) popped(jobs int) {
	m.pool.pass()
	if jobs == 0 || m.pool.left.Load() <= 0 || m.pool.left.Add(int64(-jobs)) < 0 {
		m.watch.last = time.Time{}
		return
	}
	now := time.Now()
	if !m.watch.last.IsZero() {
		m.pool.mu.Lock()
		m.pool.cycles += int64(jobs)
		m.pool.spent += now.Sub(m.watch.last)
		m.pool.mu.Unlock()
	}
	m.watch.last = now
}

// turning is a member that takes turns.
type turning struct {
	member
	turner jobqueue.PublishPopper
}

var _ jobqueue.PublishPopper = turning{}

func (t turning) PublishAndPop(ctx context.Context, outcomes []jobqueue.Outcome, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
	t.pool.pass()
	jobs, err := t.turner.PublishAndPop(ctx, outcomes, acked, max, wait)
	t.popped(len(jobs))
	return jobs, err
}
