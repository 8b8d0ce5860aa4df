// Package token holds the tokens of a closed loop: a job is sent when one is free, and
// gives it back when it has ended. Begin reading at [Pool].
package token

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/ring"
	"github.com/queuedyno/queuedyno/internal/waiter"
)

// Pool are the jobs that a closed loop may have on their way. Returning some wakes
// one producer, which takes all that are free. Under load several jobs thus share one
// write, and no producer waits for that.
type Pool struct {
	mu     sync.Mutex
	more   sync.Cond
	batch  int // what one take needs
	free   int
	wait   int
	closed bool
}

// NewPool makes a pool of n tokens, of which each job of a batch needs one.
func NewPool(n, batch int) *Pool {
	t := &Pool{free: n, batch: batch}
	t.more.L = &t.mu
	return t
}

// Take waits for a batch of tokens and takes as many whole batches as are free, at
// most limit tokens. It returns 0 after [Pool.End].
func (t *Pool) Take(limit int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.free < t.batch && !t.closed {
		t.wait++
		t.more.Wait()
		t.wait--
	}
	if t.closed {
		return 0
	}
	n := min(t.free, limit)
	n -= n % t.batch
	t.free -= n
	if t.free >= t.batch && t.wait > 0 {
		t.more.Signal()
	}
	return n
}

// Give puts n tokens back.
func (t *Pool) Give(n int) {
	t.mu.Lock()
	t.free += n
	if t.free >= t.batch && t.wait > 0 {
		t.more.Signal()
	}
	t.mu.Unlock()
}

// End makes every take return 0 from now on.
func (t *Pool) End() {
	t.mu.Lock()
	t.closed = true
	t.more.Broadcast()
	t.mu.Unlock()
}

// Think keeps the tokens of a closed loop for a while before they are free
// again, as a user thinks before the next request. The time is the same for all
// Pool, so they are freed in the order in which they came.
type Think struct {
	tokens *Pool
	think  time.Duration
	now    func() int64
	wait   waiter.Waiter

	mu   sync.Mutex
	ends ring.Ring[int64] // when each is over
	more chan struct{}    // holds one when a token may have come to an empty ring
}

// NewThink makes the think time of the tokens of a pool, on the clock now.
func NewThink(tokens *Pool, think time.Duration, now func() int64, wait waiter.Waiter) *Think {
	return &Think{tokens: tokens, think: think, now: now, wait: wait, more: make(chan struct{}, 1)}
}

// Take keeps a token from now on.
func (t *Think) Take() {
	t.mu.Lock()
	// The clock is read under the lock: so the ends are in order.
	t.ends.Push(t.now() + int64(t.think))
	t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
}

// Loop frees tokens when their time is over, until ctx ends.
func (t *Think) Loop(ctx context.Context) {
	stop := context.AfterFunc(ctx, t.wait.Stop)
	defer stop()
	for {
		over, next := t.over()
		if over > 0 {
			t.tokens.Give(over)
			continue
		}
		if next == math.MaxInt64 {
			select {
			case <-t.more:
				continue
			case <-ctx.Done():
				return
			}
		}
		if !t.wait.Wait(time.Duration(next - t.now())) {
			return
		}
	}
}

// over takes out those whose time is over, and says when that of the next is.
func (t *Think) over() (n int, next int64) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.ends.Len() > 0 && *t.ends.At(0) <= now {
		t.ends.Pop()
		n++
	}
	if t.ends.Len() == 0 {
		return n, math.MaxInt64
	}
	return n, *t.ends.At(0)
}
