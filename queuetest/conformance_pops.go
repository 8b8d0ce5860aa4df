package queuetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

func cancelPop(t *testing.T, b jobqueue.Backend) {
	p, c := producerOf(t, b), consumerOf(t, b)
	ctx, cancel := context.WithCancel(ctxFor(t))
	endsAt(t, "Pop whose context ends", cancel, context.Canceled, func() error {
		_, err := c.Pop(ctx, 8, long)
		return err
	})
	if _, err := c.Pop(ctx, 1, long); !errors.Is(err, context.Canceled) {
		t.Fatalf("Pop with an ended context = %v", err)
	}
	push(t, p, "kept")
	if got := pop(t, c, 8, time.Second); fmt.Sprint(got) != "[kept]" {
		t.Fatalf("popped %q after a cancelled Pop, want the one job", got)
	}
}

func cancelStorm(t *testing.T, b jobqueue.Backend) {
	const jobs = 300
	p := producerOf(t, b)
	var mu sync.Mutex
	seen := map[string]int{}
	total := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(seen)
	}
	var wg sync.WaitGroup
	deadline := time.Now().Add(long)
	for range 4 {
		c := consumerOf(t, b)
		wg.Go(func() {
			for i := 0; total() < jobs && time.Now().Before(deadline); i++ {
				ctx, cancel := context.WithTimeout(ctxFor(t), time.Duration(i%5)*time.Millisecond)
				got, err := c.Pop(ctx, 1+i%3, long)
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Pop = %v", err)
					return
				}
				mu.Lock()
				for _, j := range got {
					seen[string(j)]++
				}
				mu.Unlock()
			}
		})
	}
	for i := range jobs {
		push(t, p, fmt.Sprint(i))
	}
	wg.Wait()
	for i := range jobs {
		if n := seen[fmt.Sprint(i)]; n != 1 {
			t.Fatalf("job %d was popped %d times (%d of %d jobs arrived)", i, n, len(seen), jobs)
		}
	}
}

func closePop(t *testing.T, b jobqueue.Backend) {
	c := consumerOf(t, b)
	endsAt(t, "Pop of what is closed", func() { c.Close() }, jobqueue.ErrClosed, func() error {
		_, err := c.Pop(ctxFor(t), 1, long)
		return err
	})
}

func conservation(t *testing.T, b jobqueue.Backend) {
	const producers, consumers, each = 4, 4, 100
	var wg sync.WaitGroup
	for i := range producers {
		p := producerOf(t, b)
		wg.Go(func() {
			for j := range each {
				if err := p.Push(ctxFor(t), fmt.Appendf(nil, "%d-%d", i, j)); err != nil {
					t.Errorf("Push = %v", err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	ctx, cancel := context.WithCancel(ctxFor(t))
	defer cancel()
	for range consumers {
		c := consumerOf(t, b)
		wg.Go(func() {
			for {
				got, err := c.Pop(ctx, 3, long)
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("Pop = %v", err)
						cancel()
					}
					return
				}
				mu.Lock()
				for _, j := range got {
					seen[string(j)]++
				}
				if len(seen) == producers*each {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for j, n := range seen {
		if n != 1 {
			t.Errorf("job %s was popped %d times", j, n)
		}
	}
	if len(seen) != producers*each {
		t.Errorf("%d jobs popped, want %d", len(seen), producers*each)
	}
}
