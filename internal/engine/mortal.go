package engine

import (
	"context"
	"sync/atomic"

	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// mortal is what a consumer needs to be killed and started again, and to be paused. All
// but next and halted is guarded by run.conns.
type mortal struct {
	deaths, survived int
	down             int           // deaths after which it was not started again yet
	back             chan struct{} // closed when it is started again after the last of them
	next             waiter.Waiter // of its work, after that

	halted atomic.Pointer[chan struct{}] // closed when a pause is over; nil without one
}

// stand waits for the end of a pause, or of ctx.
func (m *mortal) stand(ctx context.Context) {
	over := m.halted.Load()
	if over == nil {
		return
	}
	select {
	case <-*over:
	case <-ctx.Done():
	}
}

// kill ends the worker as the death of its process would: its connection is closed
// without a word, and the jobs that it has are dropped.
func (c *consumer) kill() {
	c.r.conns.Lock()
	c.deaths++
	if c.down++; c.down == 1 {
		c.back = make(chan struct{})
	}
	conn, wait := c.conn, c.wait
	c.r.conns.Unlock()
	if wait != nil {
		wait.Stop()
	}
	abort(conn)
}

// abort closes a connection without a word, if it can.
func abort(conn jobqueue.Consumer) {
	if a, ok := publishpop.Under(conn).(interface{ Abort() error }); ok {
		_ = a.Abort() // it is gone one way or the other
		return
	}
	conn.Close()
}

// revive lets the worker start again, unless another kill came before: then it stays dead
// until it is revived from that one, too.
func (c *consumer) revive() error {
	var wait waiter.Waiter
	if c.service != nil {
		var err error
		if wait, err = c.r.o.Waiter(); err != nil {
			return err
		}
	}
	c.r.conns.Lock()
	defer c.r.conns.Unlock()
	if wait != nil {
		c.r.waiters = append(c.r.waiters, wait)
	}
	c.next = wait
	if c.down--; c.down == 0 {
		close(c.back)
	}
	return nil
}

// killed reports whether the worker was killed and has not started again since.
func (c *consumer) killed() bool {
	c.r.conns.Lock()
	defer c.r.conns.Unlock()
	return c.deaths != c.survived
}

// revived waits until the worker is started again and has a connection. It is false when
// the run is over before that.
func (c *consumer) revived(ctx context.Context) bool {
	c.drop()
	for {
		c.r.conns.Lock()
		deaths, back := c.deaths, c.back
		c.r.conns.Unlock()
		select {
		case <-back:
		case <-ctx.Done():
			return false
		}
		c.r.conns.Lock()
		again := deaths == c.deaths
		if again {
			c.survived = deaths
			if c.next != nil {
				c.wait, c.next = c.next, nil
			}
		}
		c.r.conns.Unlock()
		if again {
			break
		}
	}
	conn, err := c.open(c.r.ctx)
	if err != nil {
		conn, err = reopened(c.r, "consume", &c.streak, idleError{err}, workersPolicy, ctx.Err, c.open)
	}
	if err != nil {
		return false // the server is away until the end of the run, which others report
	}
	c.use(conn)
	return true
}

// stopWork ends the wait of the work that goes on.
func (c *consumer) stopWork() {
	c.r.conns.Lock()
	wait := c.wait
	c.r.conns.Unlock()
	if wait != nil {
		wait.Stop()
	}
}
