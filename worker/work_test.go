package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/worker"
)

func TestWaitTakesItsTimeAndEndsWithTheContext(t *testing.T) {
	t.Parallel()
	work := worker.Wait(draw.Duration{A: 20 * time.Millisecond})
	for range 3 { // the second time with what the first one made
		from := time.Now()
		if err := work(t.Context(), worker.Job{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(from); took < 20*time.Millisecond {
			t.Errorf("it took %v, want 20ms at least", took)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	from := time.Now()
	if err := worker.Wait(draw.Duration{A: time.Hour})(ctx, worker.Job{}); !errors.Is(err, context.Canceled) || time.Since(from) > time.Minute {
		t.Errorf("Wait = %v after %v, want the context's error", err, time.Since(from))
	}
}

func TestBurnTakesItsTimeAndEndsWithTheContext(t *testing.T) {
	t.Parallel()
	from := time.Now()
	if err := worker.Burn(20*time.Millisecond)(t.Context(), worker.Job{}); err != nil {
		t.Fatal(err)
	}
	// A thread cannot have used more CPU time than has passed.
	if took := time.Since(from); took < 20*time.Millisecond {
		t.Errorf("it took %v, want 20ms at least", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := worker.Burn(time.Hour)(ctx, worker.Job{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Burn = %v, want the context's error", err)
	}
}

func TestFailFailsForItsShare(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64][2]int{0: {0, 0}, 1: {10_000, 10_000}, 0.2: {1_700, 2_300}} { // 7 standard deviations
		failed := 0
		for range 10_000 {
			if worker.Fail(share)(t.Context(), worker.Job{}) != nil {
				failed++
			}
		}
		if failed < want[0] || failed > want[1] {
			t.Errorf("%d of 10000 failed for a share of %v", failed, share)
		}
	}
}

func TestTheFirstPartThatFailsIsTheLast(t *testing.T) {
	t.Parallel()
	ok := func(context.Context, worker.Job) error { return nil }
	bad := errors.New("bad")
	work := worker.Then(ok,
		func(context.Context, worker.Job) error { return bad },
		func(context.Context, worker.Job) error { t.Error("the part after it was done"); return nil })
	if err := work(t.Context(), worker.Job{}); err != bad {
		t.Errorf("Then = %v, want %v", err, bad)
	}
}
