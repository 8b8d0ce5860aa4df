package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/scenario/draw"
)

// Wait is work that takes a time and nothing else, as a call to another service
// does; drawn anew for each job where the distribution says so. It is precise to
// some 50 µs on Linux. The samples of a distribution must be loaded.
func Wait(d draw.Duration) Work {
	var (
		waiters sync.Pool // one serves one goroutine at a time
		mu      sync.Mutex
		next    = d.Sampler(rand.Uint64(), 0)
	)
	return func(ctx context.Context, _ Job) error {
		w, _ := waiters.Get().(waiter.Waiter)
		if w == nil {
			var err error
			if w, err = waiter.Precise(); err != nil {
				return fmt.Errorf("wait: %w", err)
			}
		}
		mu.Lock()
		drawn := next()
		mu.Unlock()
		keep := context.AfterFunc(ctx, w.Stop)
		w.Wait(drawn)
		if keep() {
			waiters.Put(w)
			return nil
		}
		return errors.Join(ctx.Err(), w.Close())
	}
}

// Burn is work that uses so much CPU time. On systems other than Linux, which do not
// report a thread's CPU time, it keeps a CPU busy for so long by the clock.
func Burn(d time.Duration) Work {
	return func(ctx context.Context, _ Job) error { return burn(ctx, d) }
}

// spin keeps a CPU busy for a few microseconds.
func spin(x uint64) uint64 {
	for range 4000 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// Then is work in parts. The first one that fails is the last.
func Then(parts ...Work) Work {
	return func(ctx context.Context, job Job) error {
		for _, part := range parts {
			if err := part(ctx, job); err != nil {
				return err
			}
		}
		return nil
	}
}

// errOnPurpose is what jobs fail with that Fail picked.
var errOnPurpose = errors.New("failed on purpose")

// Fail is work that takes no time and fails for a share of the jobs, 0 to 1,
// picked at random.
func Fail(share float64) Work {
	return func(context.Context, Job) error {
		if rand.Float64() < share {
			return errOnPurpose
		}
		return nil
	}
}
