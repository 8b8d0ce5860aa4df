package verify

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// pooled is a queue in memory whose consumers belong to a pool. White-box: a
// stall of the workers can be made in virtual time, where the answer is exact.
type pooled struct {
	*memory.Queue
	pool *pool
}

func (p pooled) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := p.Queue.OpenConsumer(ctx)
	return p.pool.wrap(c), err
}

// virtualStall stops the workers for d in virtual time and compares with theory
// for the length that was ordered.
func virtualStall(t *testing.T, d time.Duration) Experiment {
	t.Helper()
	var x Experiment
	synctest.Test(t, func(t *testing.T) {
		s := stall{arrivals: pace.Constant, loaded: true, workers: true}
		b := pooled{memory.New(), &pool{}}
		go func() {
			time.Sleep(stallAfter)
			if err := b.pool.hold(t.Context(), d); err != nil {
				t.Error(err)
			}
			b.pool.left.Store(int64(float64(s.backlog()) * d.Seconds() / stallLength.Seconds()))
		}()
		r, err := engine.Run(t.Context(), s.scenario(), b, engine.Options{
			NoProbes: true, Waiter: waiter.Coarse,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := b.pool.cycle(), s.scenario().Work.Time; got != want {
			t.Errorf("a job keeps a worker for %v, want the work's %v", got, want)
		}
		if _, err := s.hold(&x, r, stallLength, b.pool.cycle()); err != nil {
			t.Fatal(err)
		}
	})
	x.judge()
	return x
}

func TestAStallInVirtualTimeAgreesWithTheClosedForm(t *testing.T) {
	t.Parallel()
	if x := virtualStall(t, stallLength); !x.Pass || len(x.Rows) < 8 {
		t.Errorf("pass = %t with rows %+v, want six quantiles and more, all passed", x.Pass, show(x))
	}
}

func TestAStallOfAnotherLengthDoesNotAgree(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{stallLength / 2, stallLength - 10*time.Millisecond, stallLength + 10*time.Millisecond} {
		if x := virtualStall(t, d); x.Pass {
			t.Errorf("a stall of %v passes for one of %v: %s", d, stallLength, show(x))
		}
	}
}

func show(x Experiment) string {
	out := ""
	for _, row := range x.Rows {
		out += "\n" + row.What + ": " + amount(row.Expected, row.Unit) + " expected, " + amount(row.Measured, row.Unit) + " measured"
	}
	return out
}
