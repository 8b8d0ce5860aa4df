package jobqueue

import (
	"context"
	"sync/atomic"
	"time"
)

// waitContext is a context that Pops wait under. Its address tells whose wait goes
// on: what ends one context must not end a Pop that waits under the next.
type waitContext struct{ ctx context.Context }

// watch arranges that the end of ctx unblocks a Pop that waits. It registers
// only when ctx is another one than the last time.
func (c *consumer) watch(ctx context.Context) {
	if c.watched != nil && c.watched.ctx == ctx {
		return
	}
	p := &waitContext{ctx}
	c.watched = p
	c.release.at(ctx, func() { c.unblock(p) })
}

// registration is what happens at the end of a context. A context that lasts keeps what
// is registered with it: who is closed ends the registration.
type registration struct{ stop atomic.Pointer[func() bool] }

// at registers f for the end of ctx, in the place of what was registered before.
func (r *registration) at(ctx context.Context, f func()) {
	r.end()
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, f)
		r.stop.Store(&stop)
	}
}

// end ends the registration. It may be called by any goroutine, and more than once.
func (r *registration) end() {
	if stop := r.stop.Swap(nil); stop != nil {
		(*stop)()
	}
}

// unblock makes a Pop that waits return without losing a job. go-redis and the
// socket know no way: a closed socket can take a job down with it, and a
// context is not looked at during a read. CLIENT UNBLOCK makes the server
// answer as if the time were up. It is repeated, because it can arrive before
// the BRPOP does, and given up when the server does not answer at all. If this process
// stood still, all the time has passed at once, and the server gets some more.
func (c *consumer) unblock(p *waitContext) {
	const most, more = 2 * time.Second, time.Second
	if c.unblocked(p, most) || c.unblocked(p, more) {
		return
	}
	// Only now: that Pop may be over, and another one under the same context, which
	// has ended, may just be finding that out.
	if c.waiting.Load() == p {
		c.w.Abort()
	}
}

// unblocked is whether the Pop under the context returned within that time.
func (c *consumer) unblocked(p *waitContext, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for c.waiting.Load() == p {
		if ctx.Err() != nil {
			return false
		}
		if c.w.ID != 0 {
			c.w.Unblock(ctx)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return true
}
