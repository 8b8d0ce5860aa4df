package token_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/token"
	"github.com/queuedyno/queuedyno/internal/waiter"
)

func TestNoMoreTokensAreTakenThanThereAre(t *testing.T) {
	t.Parallel()
	const tokens, batch, takers, turns = 12, 3, 8, 2000
	pool := token.NewPool(tokens, batch)
	var out, turn atomic.Int64
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			for turn.Add(1) <= turns {
				n := pool.Take(2*batch + 1)
				if n < batch || n > 2*batch || n%batch != 0 {
					t.Errorf("took %d, want one or two batches of %d", n, batch)
				}
				if held := out.Add(int64(n)); held > tokens {
					t.Errorf("%d tokens of %d are taken", held, tokens)
				}
				out.Add(int64(-n))
				for range n { // one by one, as jobs end
					pool.Give(1)
				}
			}
		})
	}
	all.Wait()
	if n := pool.Take(100); n != tokens {
		t.Errorf("%d tokens are left of %d", n, tokens)
	}
}

func TestTheEndWakesAllThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := token.NewPool(0, 1)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if n := pool.Take(1); n != 0 {
					t.Errorf("took %d after the end", n)
				}
			})
		}
		synctest.Wait()
		pool.End()
		all.Wait()
	})
}

// sleeping waits with the standard library's timer, which virtual time knows.
type sleeping struct{ stopped chan struct{} }

func (s sleeping) Wait(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-s.stopped:
		return false
	}
}
func (s sleeping) Stop()        { close(s.stopped) }
func (s sleeping) Close() error { return nil }

var _ waiter.Waiter = sleeping{}

func TestATokenIsFreeAgainAfterTheThinkTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		epoch := time.Now()
		later := sleeping{make(chan struct{})}
		pool := token.NewPool(2, 1)
		think := token.NewThink(pool, 5*time.Second, func() int64 { return int64(time.Since(epoch)) }, sleeping{make(chan struct{})})
		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() { think.Loop(ctx) })
		for i, want := range []time.Duration{0, 0, 5 * time.Second, 6 * time.Second, 10 * time.Second} {
			pool.Take(1)
			if at := time.Since(epoch); at != want {
				t.Errorf("the token of turn %d was free after %s, want %s", i, at, want)
			}
			if i == 1 {
				later.Wait(time.Second) // of virtual time: the second job ends after the first
			}
			think.Take()
		}
		cancel()
		loop.Wait()
	})
}
