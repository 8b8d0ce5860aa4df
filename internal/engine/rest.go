package engine

import (
	"context"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/ring"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// rest keeps the tokens of a closed loop for a while before they are free
// again: the time that a user thinks. All rest equally long, so the first to
// come is the first to go.
type rest struct {
	tokens *tokens
	think  time.Duration
	now    func() int64
	wait   pace.Waiter

	mu   sync.Mutex
	ends ring.Ring[int64] // when each is over
	more chan struct{}    // holds one when some came to an empty rest
}

func newRest(t *tokens, think time.Duration, now func() int64, wait pace.Waiter) *rest {
	return &rest{tokens: t, think: think, now: now, wait: wait, more: make(chan struct{}, 1)}
}

// take lets a token rest from now on.
func (r *rest) take() {
	r.mu.Lock()
	// The clock is read under the lock: so the ends are in order.
	r.ends.Push(r.now() + int64(r.think))
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// loop frees tokens when their time is over, until ctx ends.
func (r *rest) loop(ctx context.Context) {
	stop := context.AfterFunc(ctx, r.wait.Stop)
	defer stop()
	for {
		over, next := r.over()
		if over > 0 {
			r.tokens.give(over)
			continue
		}
		if next == never {
			select {
			case <-r.more:
				continue
			case <-ctx.Done():
				return
			}
		}
		if !r.wait.Wait(time.Duration(next - r.now())) {
			return
		}
	}
}

// over takes out those whose time is over, and says when that of the next is.
func (r *rest) over() (n int, next int64) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.ends.Len() > 0 && *r.ends.At(0) <= now {
		r.ends.Pop()
		n++
	}
	if r.ends.Len() == 0 {
		return n, never
	}
	return n, *r.ends.At(0)
}

// free gives the token of a job that is over back to the closed loop, after a
// rest where there is one. Jobs that were there before the load have none.
func (r *run) free(n int64) {
	switch {
	case r.tokens == nil || n < r.base:
	case r.rest != nil:
		r.rest.take()
	default:
		r.tokens.give(1)
	}
}
