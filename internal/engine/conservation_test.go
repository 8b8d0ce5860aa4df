package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// endings are the ways for a run with stored jobs to end.
var endings = map[string]func(*trouble){
	"by itself":                    func(*trouble) {},
	"stopped":                      (*trouble).stopLater,
	"stopped at once":              (*trouble).killLater,
	"no statement is answered":     func(c *trouble) { c.table.hang = after(500 * time.Millisecond) },
	"stopped while Postgres hangs": func(c *trouble) { c.stopLater(); c.table.hang = after(500 * time.Millisecond) },
	"killed while Postgres hangs":  func(c *trouble) { c.killLater(); c.table.hang = after(500 * time.Millisecond) },
	"every row is refused from some time": func(c *trouble) {
		late := after(500 * time.Millisecond)
		c.table.refuse = func(string) bool { return late() }
	},
	"rows are refused": func(c *trouble) { c.table.refuse = every(7) },
	"rows are removed": func(c *trouble) { c.table.vanish = every(5) },
	"no push is answered": func(c *trouble) {
		late, closed := after(500*time.Millisecond), make(chan struct{})
		c.queue.push = func(jobs [][]byte) ([][]byte, error) {
			if late() {
				<-closed
				return nil, jobqueue.ErrClosed
			}
			return jobs, nil
		}
		c.queue.close = func() {
			select {
			case <-closed:
			default:
				close(closed)
			}
		}
	},
	"connections are lost": func(c *trouble) {
		lost := every(11)
		c.queue.push = func(jobs [][]byte) ([][]byte, error) {
			if lost("") {
				return nil, fmt.Errorf("reset: %w", jobqueue.ErrLost)
			}
			return jobs, nil
		}
	},
	"no connection comes back": func(c *trouble) {
		late := after(500 * time.Millisecond)
		c.queue.push = func(jobs [][]byte) ([][]byte, error) {
			if late() {
				return nil, fmt.Errorf("reset: %w", jobqueue.ErrStale)
			}
			return jobs, nil
		}
		c.queue.open = func() error {
			if late() {
				return errors.New("connection refused")
			}
			return nil
		}
	},
}

// trouble is a run with what goes wrong in it.
type trouble struct {
	table *rows
	queue *faulty
	stop  chan struct{}
	kill  context.CancelFunc
}

func (c *trouble) stopLater() { time.AfterFunc(700*time.Millisecond, func() { close(c.stop) }) }

func (c *trouble) killLater() { time.AfterFunc(700*time.Millisecond, c.kill) }

// after reports whether that much time has passed.
func after(d time.Duration) func() bool {
	from := time.Now()
	return func() bool { return time.Since(from) >= d }
}

// TestNoStoredJobLeavesTheAccount tries every way for a run to end with scenarios of
// every shape.
func TestNoStoredJobLeavesTheAccount(t *testing.T) {
	t.Parallel()
	for name, prepare := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seeds := uint64(8)
			if testing.Short() {
				seeds = 1
			}
			for seed := range seeds {
				synctest.Test(t, func(t *testing.T) { conserved(t, seed, prepare) })
			}
		})
	}
}

func conserved(t *testing.T, seed uint64, prepare func(*trouble)) {
	dice := rand.New(rand.NewPCG(seed, 7))
	pick := func(of ...int) int { return of[dice.IntN(len(of))] }
	queues := pick(1, 1, 3)
	s := scenario.Scenario{
		Name: "conserved", Load: scenario.Load{Rate: pace.PerSecond(int64(pick(50, 300))), Duration: time.Second},
		Producers: pick(1, 2), Consumers: pick(1, 4), Subscribers: pick(1, 2), Batch: pick(1, 1, 5), Prefill: int64(pick(0, 0, 30)),
		Work:         scenario.Work{Time: time.Duration(pick(0, 3)) * time.Millisecond, Running: pick(0, 1) == 1, FailRate: 0.1},
		Entry:        scenario.Entry{Kind: scenario.EntryPostgres, Postgres: scenario.PostgresEntry{Connections: pick(1, 6)}},
		DrainTimeout: 2 * time.Second, Seed: seed + 1,
	}
	if pick(0, 0, 1) == 1 {
		s.Load = scenario.Load{InFlight: 10, Duration: time.Second}
	}
	if pick(0, 0, 1) == 1 {
		s.Notify, s.Work.Running, s.Subscribers = jobqueue.NoNotify, false, 0
	}
	if queues > 1 {
		s.Queues = []int{1, 2, 3}
	}
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	c := &trouble{
		table: &rows{insert: time.Duration(pick(1, 8)) * time.Millisecond, update: time.Millisecond},
		queue: &faulty{Queue: memory.NewMultiQueue(queues, 1)}, stop: make(chan struct{}), kill: kill,
	}
	prepare(c)
	o := virtual()
	o.Stop = c.stop
	o.OpenStore = func(_ context.Context, o jobtable.Options) (engine.Store, error) {
		c.table.pool, c.table.status = make(chan struct{}, o.Connections), map[string]string{}
		return c.table, nil
	}
	began := time.Now()
	r, err := engine.Run(ctx, s, c.queue, o)
	if r == nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	l := r.Ledger
	if l.Scheduled != l.Notified+l.Lost+l.Abandoned {
		t.Errorf("seed %d: %d scheduled, but %d notified, %d lost and %d abandoned: %+v", seed, l.Scheduled, l.Notified, l.Lost, l.Abandoned, l)
	}
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("seed %d: the run took %s", seed, took)
	}
	if !c.table.closed {
		t.Errorf("seed %d: the table was not closed", seed)
	}
	if err != nil {
		return
	}
	n := c.table.count()
	if ended := n[jobtable.Completed] + n[jobtable.Failed]; ended < l.Notified || l.Lost+l.Abandoned == 0 && ended != l.Notified {
		t.Errorf("seed %d: rows %v, ledger %+v", seed, n, l)
	}
	for _, leg := range []result.Leg{ledger.LegUnstored, ledger.LegUnpushed, ledger.LegUnsaved} {
		if l.LostByLeg[leg] < 0 {
			t.Errorf("seed %d: %d on the leg %s", seed, l.LostByLeg[leg], leg)
		}
	}
}
