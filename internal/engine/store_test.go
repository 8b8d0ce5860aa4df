package engine_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// rows is a table in memory whose statements take a time, on so many connections.
type rows struct {
	pool           chan struct{}
	insert, update time.Duration
	refuse         func(id string) bool // its INSERT is refused
	vanish         func(id string) bool // its row is removed again
	hang           func() bool          // no statement is answered from now on

	mu     sync.Mutex
	status map[string]string
	closed bool
}

var errRefused = errors.New("the table is full")

func (r *rows) use(ctx context.Context, d time.Duration) error {
	select {
	case r.pool <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.pool }()
	if r.hang != nil && r.hang() {
		<-ctx.Done()
	}
	time.Sleep(d)
	return ctx.Err()
}

func (r *rows) Insert(ctx context.Context, ids, _ []string) error {
	if err := r.use(ctx, r.insert); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if r.refuse != nil && r.refuse(id) {
			return errRefused
		}
	}
	for _, id := range ids {
		if r.vanish == nil || !r.vanish(id) {
			r.status[id] = jobtable.Pending
		}
	}
	return nil
}

func (r *rows) Finish(ctx context.Context, ids []string, status, _ string) (found int64, err error) {
	if err := r.use(ctx, r.update); err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if r.status[id] != "" {
			r.status[id] = status
			found++
		}
	}
	return found, nil
}

func (r *rows) Close(context.Context) error { r.closed = true; return nil }

func (r *rows) count() map[string]int64 {
	n := map[string]int64{}
	for _, status := range r.status {
		n[status]++
	}
	return n
}

// stored runs a scenario whose jobs are stored, in virtual time.
func stored(t *testing.T, s scenario.Scenario, table *rows) *result.Result {
	t.Helper()
	s.Name, s.Entry.Kind = "stored", scenario.EntryPostgres
	o := virtual()
	o.OpenStore = func(_ context.Context, o jobtable.Options) (engine.Store, error) {
		table.pool, table.status = make(chan struct{}, o.Connections), map[string]string{}
		return table, nil
	}
	r, err := engine.Run(t.Context(), s, memory.New(), o)
	if err != nil {
		t.Fatal(err)
	}
	checkLaws(t, r)
	if !table.closed {
		t.Error("the table was not closed")
	}
	return r
}

func TestAStoredJobIsTheSumOfItsStages(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		table := &rows{insert: 3 * time.Millisecond, update: 2 * time.Millisecond}
		r := stored(t, scenario.Scenario{
			Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 10 * time.Second}, Consumers: 4,
			Work: scenario.Work{Time: 5 * time.Millisecond}, Entry: scenario.Entry{Postgres: scenario.PostgresEntry{Connections: 4}},
		}, table)
		if n := table.count(); len(n) != 1 || n[jobtable.Completed] != r.Ledger.Notified || r.Ledger.Notified < 1000 || r.Ledger.Lost != 0 {
			t.Errorf("rows %v, ledger %+v", n, r.Ledger)
		}
		var sum float64
		for _, stage := range []metric.Stage{metric.Lateness, metric.Store, metric.Queue, metric.WorkTime, metric.Save, metric.Notify} {
			sum += float64(*r.Stages[stage].MeanNS) * float64(r.Stages[stage].Count)
		}
		whole := float64(*r.Stages[metric.EndToEnd].MeanNS) * float64(r.Stages[metric.EndToEnd].Count)
		within(t, "sum of the stages", sum, whole, 1e3)
		if p50 := *r.Stages[metric.Store].P50NS; p50 != int64(3*time.Millisecond) {
			t.Errorf("store.p50 = %s, want 3ms", time.Duration(p50))
		}
		if p50 := *r.Stages[metric.Save].P50NS; p50 != int64(2*time.Millisecond) {
			t.Errorf("save.p50 = %s, want 2ms", time.Duration(p50))
		}
	})
}

// A pool that cannot keep up delays no due time: the wait is in the stage store.
func TestWaitingForAConnectionIsPartOfStore(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		table := &rows{insert: 20 * time.Millisecond}
		r := stored(t, scenario.Scenario{
			Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 2 * time.Second}, Consumers: 8,
			Entry: scenario.Entry{Postgres: scenario.PostgresEntry{Connections: 1}},
		}, table)
		if late := *r.Stages[metric.Lateness].MaxNS; late > int64(time.Millisecond) {
			t.Errorf("lateness.max = %s", time.Duration(late))
		}
		if store := *r.Stages[metric.Store].MaxNS; store < int64(time.Second) {
			t.Errorf("store.max = %s, want the wait for the only connection in it", time.Duration(store))
		}
	})
}

func TestJobsThatAreLostBetweenTheTableAndTheQueueAreOnTheirLegs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table *rows
		leg   result.Leg
		rows  int64
	}{
		"rows that are refused":          {&rows{refuse: every(5)}, ledger.LegUnstored, 160},
		"rows that another client takes": {&rows{vanish: every(5)}, ledger.LegUnsaved, 160},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				table := c.table
				r := stored(t, scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 2 * time.Second}, Consumers: 2}, table)
				l := r.Ledger
				if l.LostByLeg[c.leg] != 40 || l.Lost != 40 || l.Notified != 160 || table.count()[jobtable.Completed] != c.rows {
					t.Errorf("ledger %+v, rows %v; want 40 on the leg %s", l, table.count(), c.leg)
				}
				if l.Scheduled != l.Notified+l.Lost {
					t.Errorf("%d scheduled, %d notified, %d lost", l.Scheduled, l.Notified, l.Lost)
				}
			})
		})
	}
}

// every reports every n-th id that it is asked about.
func every(n int64) func(string) bool {
	var asked atomic.Int64
	return func(string) bool { return asked.Add(1)%n == 0 }
}
