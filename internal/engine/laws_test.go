package engine_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// overload is 500 jobs/s for two workers that carry 400.
func overload() scenario.Scenario {
	return scenario.Scenario{
		Name: "overload", Load: scenario.Load{Rate: pace.PerSecond(500), Duration: 20 * time.Second},
		Consumers: 2, Work: scenario.Work{Time: 5 * time.Millisecond}, Warmup: 2 * time.Second, DrainTimeout: time.Minute, Seed: 3,
	}
}

// relay takes jobs out of the queue long before anybody asks for them, as a client
// with a prefetch does: what the stamps call waiting in the queue is not.
type relay struct {
	*memory.Queue
	mu    sync.Mutex
	ahead [][]byte
}

func (q *relay) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := q.Queue.OpenConsumer(ctx)
	return relayConsumer{c, q}, err
}

type relayConsumer struct {
	jobqueue.Consumer
	q *relay
}

func (c relayConsumer) Pop(ctx context.Context, most int, wait time.Duration) ([][]byte, error) {
	for {
		jobs, err := c.Consumer.Pop(ctx, 1000, time.Millisecond)
		c.q.mu.Lock()
		for _, j := range jobs {
			c.q.ahead = append(c.q.ahead, append([]byte(nil), j...))
		}
		n := min(most, len(c.q.ahead))
		out := c.q.ahead[:n:n]
		c.q.ahead = c.q.ahead[n:]
		c.q.mu.Unlock()
		if n > 0 {
			return out, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
}

func TestATimeThatIsWrongIsFoundAndNoJobIsAccused(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, overload(), &relay{Queue: memory.New()}, virtual())
		c := r.Validity.Checks["little"]
		if r.Ledger.Lost != 0 || c.Passed || c.Effect != result.Suspect {
			t.Errorf("%d lost, little %+v", r.Ledger.Lost, c)
		}
		why := strings.Join(r.Validity.Reasons, "; ")
		if !strings.Contains(why, "every job is accounted for") || strings.Contains(why, "lost") || strings.Contains(why, "doubled") {
			t.Errorf("reasons %q", why)
		}
	})
}

func TestJobsThatAreLostSilentlyBreakLittlesLaw(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		n := 0
		b := &faulty{Queue: memory.New()}
		b.push = func(jobs [][]byte) ([][]byte, error) {
			if n++; n%3 == 0 {
				return nil, nil // answered, and not in the queue
			}
			return jobs, nil
		}
		r, err := engine.Run(t.Context(), overload(), b, virtual())
		if err != nil {
			t.Fatal(err)
		}
		c := r.Validity.Checks["little"]
		if c.Passed || c.Effect != result.Suspect || !strings.Contains(strings.Join(r.Validity.Reasons, "; "), "jobs are lost") {
			t.Errorf("little %+v, reasons %q", c, r.Validity.Reasons)
		}
	})
}

// frozen is a server that stands still for a while.
type frozen struct {
	*memory.Queue
	from, to time.Time
}

func (q *frozen) wait() {
	if now := time.Now(); now.After(q.from) && now.Before(q.to) {
		time.Sleep(q.to.Sub(now))
	}
}

func (q *frozen) Len(ctx context.Context) (int64, error) { q.wait(); return q.Queue.Len(ctx) }

func (q *frozen) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	p, err := q.Queue.OpenProducer(ctx)
	return frozenProducer{p, q}, err
}

type frozenProducer struct {
	jobqueue.Producer
	q *frozen
}

func (p frozenProducer) Push(ctx context.Context, jobs ...[]byte) error {
	p.q.wait()
	return p.Producer.Push(ctx, jobs...)
}

// tardy is a waiter on a host that wakes threads late.
type tardy struct{ waiter.Waiter }

func (w tardy) Wait(d time.Duration) bool {
	return w.Waiter.Wait(d + rand.N(20*time.Millisecond))
}

func TestAStallOrABusyHostIsNotAccused(t *testing.T) {
	t.Parallel()
	light := scenario.Scenario{
		Name: "light", Load: scenario.Load{Rate: pace.PerSecond(700), Duration: 20 * time.Second, Arrivals: pace.Poisson},
		Consumers: 4, Work: scenario.Work{Time: 5 * time.Millisecond}, Warmup: 2 * time.Second, DrainTimeout: time.Minute, Seed: 5,
	}
	for _, c := range []struct {
		name  string
		s     scenario.Scenario
		from  time.Duration
		to    time.Duration
		tardy bool
	}{
		{name: "a server that stood still", s: light, from: 5 * time.Second, to: 8 * time.Second},
		{name: "a server that stood still in an overload", s: overload(), from: 5 * time.Second, to: 8 * time.Second},
		{name: "a busy host", s: light, tardy: true},
		{name: "a busy host in an overload", s: overload(), tardy: true},
	} {
		simulate(t, func(t *testing.T) {
			o := virtual()
			if c.tardy {
				o.Waiter = func() (waiter.Waiter, error) {
					w, err := waiter.Coarse()
					return tardy{w}, err
				}
			}
			now := time.Now()
			r := mustRun(t, c.s, &frozen{memory.New(), now.Add(c.from), now.Add(c.to)}, o)
			for _, name := range []string{"little", "utilisation"} {
				if k := r.Validity.Checks[name]; k.Value == nil || !k.Passed && k.Effect != validity.Undecided {
					t.Errorf("%s: %s: %+v", c.name, name, k)
				}
			}
		})
	}
}
