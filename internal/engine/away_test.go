package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// mortalRows are rows whose server can be killed: statements under way have no answer
// then, and others are not sent until it is there again.
type mortalRows struct {
	*rows
	life     sync.Mutex // guards what follows
	down     bool
	kills    int
	noAnswer map[string]int64 // statements without an answer, by what they do
}

var errDown = errors.New("connection refused")

func (m *mortalRows) execute(what string, statement func() error) error {
	m.life.Lock()
	down, kills := m.down, m.kills
	m.life.Unlock()
	if down {
		return &jobtable.AwayError{Err: errDown}
	}
	err := statement()
	m.life.Lock()
	defer m.life.Unlock()
	if kills != m.kills && err == nil {
		m.noAnswer[what]++
		return errors.New("the server closed the connection")
	}
	return err
}

func (m *mortalRows) Insert(ctx context.Context, ids, tenants []string) error {
	return m.execute("insert", func() error { return m.rows.Insert(ctx, ids, tenants) })
}

func (m *mortalRows) Finish(ctx context.Context, ids []string, status, reason string) (found int64, err error) {
	err = m.execute("finish", func() (err error) {
		found, err = m.rows.Finish(ctx, ids, status, reason)
		return err
	})
	return found, err
}

func (m *mortalRows) Pause(context.Context, time.Duration) error { return nil }
func (m *mortalRows) Resume(context.Context) error               { return nil }

func (m *mortalRows) Kill(context.Context) error {
	m.life.Lock()
	defer m.life.Unlock()
	m.down = true
	m.kills++
	return nil
}

func (m *mortalRows) Restart(context.Context) error {
	m.life.Lock()
	defer m.life.Unlock()
	m.down = false
	return nil
}

// onRows are the options of a run in virtual time whose jobs are stored in the rows.
func onRows(m *mortalRows) engine.Options {
	o := virtual()
	o.Database = m
	o.OpenStore = func(_ context.Context, o jobtable.Options) (engine.Store, error) {
		m.pool, m.status, m.noAnswer = make(chan struct{}, o.Connections), map[string]string{}, map[string]int64{}
		return m, nil
	}
	return o
}

// storing is a load of 200/s whose jobs are stored.
func storing(length time.Duration, faults ...scenario.Fault) scenario.Scenario {
	return scenario.Scenario{
		Name: "storing", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: length}, Consumers: 4, DrainTimeout: 5 * time.Second,
		Work: scenario.Work{Time: 2 * time.Millisecond}, Faults: faults,
		Entry: scenario.Entry{Kind: scenario.EntryPostgres, Postgres: scenario.PostgresEntry{Connections: 4}},
	}
}

// TestAPostgresThatIsKilledAndStartedAgainLosesWhatWasUnderWay and nothing else: what was
// not sent waits for it.
func TestAPostgresThatIsKilledAndStartedAgainLosesWhatWasUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kill := faultOf(scenario.KillFault, scenario.PostgresTarget, 8*time.Second+time.Millisecond)
		kill.Restart = time.Second
		m := &mortalRows{rows: &rows{insert: 6 * time.Millisecond, update: 6 * time.Millisecond}}
		r := mustRun(t, storing(18*time.Second, kill), memory.New(), onRows(m))
		l, f := r.Ledger, r.Faults[0]
		inserts, updates := m.noAnswer["insert"], m.noAnswer["finish"]
		if l.LostByLeg["unstored"] != inserts || l.LostByLeg["unsaved"] != updates || l.Lost != inserts+updates || l.Lost == 0 {
			t.Errorf("%d INSERTs and %d UPDATEs had no answer; the ledger lost %v", inserts, updates, l.LostByLeg)
		}
		if l.Scheduled != l.Sent || l.Notified+l.Lost != l.Scheduled || f.Lost != l.Lost || f.Error != "" || f.EndedNS == nil {
			t.Errorf("ledger %+v and fault %+v do not balance", l, f)
		}
		// The row of a job whose UPDATE had no answer was updated here.
		if done := m.count()[jobtable.Completed]; done != l.Notified+updates {
			t.Errorf("%d rows are completed, %d jobs were notified and %d had no answer", done, l.Notified, updates)
		}
		if l.Reconnects["store"] < 1 || l.Errors["store"] < 1 || f.NoticedNS == nil || *f.NoticedNS > int64(100*time.Millisecond) {
			t.Errorf("reconnects %v, errors %v, noticed %v: want the outage counted and noticed", l.Reconnects, l.Errors, f.NoticedNS)
		}
		if f.RecoveredNS == nil || f.Affected == nil || *f.Affected < 150 {
			t.Errorf("fault %+v, want the jobs of a second affected, and a recovery", f)
		}
		if r.Validity.Verdict != result.Valid {
			t.Errorf("%s: %q, want a valid run", r.Validity.Verdict, r.Validity.Reasons)
		}
	})
}

func TestAPostgresThatDoesNotComeBackEndsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mortalRows{rows: &rows{insert: time.Millisecond, update: time.Millisecond}}
		time.AfterFunc(2*time.Second, func() { _ = m.Kill(context.Background()) })
		r, err := engine.Run(t.Context(), storing(5*time.Minute), memory.New(), onRows(m))
		if err == nil || !errors.Is(err, errDown) || !strings.Contains(err.Error(), "for 30s") {
			t.Fatalf("Run = %v, want it to end after 30 s", err)
		}
		checkLaws(t, r)
		if l := r.Ledger; !r.Run.Failed || l.Notified < 300 || l.Notified > 400 {
			t.Errorf("failed: %q, ledger %+v", r.Run.Error, l)
		}
	})
}

// TestAWorkerThatIsKilledWhilePostgresIsAwayComesBack although it waits for it.
func TestAWorkerThatIsKilledWhilePostgresIsAwayComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kill := faultOf(scenario.KillFault, scenario.PostgresTarget, 2*time.Second+time.Millisecond)
		kill.Restart = time.Second
		workers := faultOf(scenario.KillFault, scenario.WorkersTarget, 2500*time.Millisecond)
		workers.Restart = 100 * time.Millisecond
		m := &mortalRows{rows: &rows{insert: 3 * time.Millisecond, update: 12 * time.Millisecond}}
		r := mustRun(t, storing(8*time.Second, kill, workers), memory.New(), onRows(m))
		l := r.Ledger
		if held := l.LostByLeg["unsaved"] - m.noAnswer["finish"]; held < 0 || held > 4 || l.LostByLeg["unstored"] != m.noAnswer["insert"] || l.Notified+l.Lost != l.Scheduled || r.Run.Failed {
			t.Errorf("ledger %+v, without an answer %v; failed: %q", l, m.noAnswer, r.Run.Error)
		}
	})
}

func TestPausedWorkersLoseNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pause := faultOf(scenario.PauseFault, scenario.WorkersTarget, 3*time.Second+time.Millisecond)
		pause.For, pause.Count = time.Second, 6
		b := newBreakable()
		r := mustRun(t, at1000(12*time.Second, pause), b, on(b))
		l, f := r.Ledger, r.Faults[0]
		if l.Lost != 0 || len(l.Errors) != 0 || l.Duplicated != 0 || f.Error != "" || r.Validity.Verdict != result.Valid {
			t.Errorf("ledger %+v, fault %+v, %s: %q", l, f, r.Validity.Verdict, r.Validity.Reasons)
		}
		// Two workers carry 500/s, so that half of the jobs of the pause wait for its end.
		if f.DrainedNS == nil || *f.DrainedNS < int64(200*time.Millisecond) || f.Affected == nil || *f.Affected < 900 {
			t.Errorf("fault %+v, want a backlog of 500 jobs after it", f)
		}
	})
}

// unpaused are workers that can be killed and not paused.
type unpaused struct {
	*crew
	killed, restarted int
}

func (r *unpaused) Kill(_ context.Context, count int) (restart func(context.Context) error, err error) {
	r.killed += count
	return func(context.Context) error { r.restarted += count; return nil }, nil
}

var errUnpaused = errors.New("no signal for it")

func (r *unpaused) Pause(int) (resume func() error, err error) { return nil, errUnpaused }

func TestWorkersThatWereStartedAreBrokenByThoseWhoStartedThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kill, pause := faultOf(scenario.KillFault, scenario.WorkersTarget, time.Second), faultOf(scenario.PauseFault, scenario.WorkersTarget, 3*time.Second)
		kill.Count, kill.Restart, pause.For = 2, time.Second, time.Second
		slow := faultOf(scenario.SlowFault, scenario.WorkersTarget, time.Second)
		slow.For, slow.Factor = time.Second, 2
		w := &unpaused{crew: &crew{q: memory.New()}}
		w.stop = outside(t, w.q, 4, 5*time.Millisecond, func() bool { return false })
		s := scenario.Scenario{
			Name: "crew", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 500}, External: true, DrainTimeout: time.Second, Faults: []scenario.Fault{kill, pause},
		}
		o := virtual()
		o.Workers = w
		r := mustRun(t, s, w.q, o)
		if w.killed != 2 || w.restarted != 2 || r.Faults[0].EndedNS == nil || r.Faults[0].Error != "" {
			t.Errorf("%d killed, %d started again; fault %+v", w.killed, w.restarted, r.Faults[0])
		}
		if f := r.Faults[1]; f.BeganNS != nil || f.Error != errUnpaused.Error() {
			t.Errorf("fault %+v, want it refused", f)
		}
		// What nothing can carry out is refused before the load.
		for _, refused := range []struct {
			fault   scenario.Fault
			workers engine.Workers
		}{{kill, w.crew}, {kill, nil}, {slow, w}} {
			o := virtual()
			o.Workers, s.Faults = refused.workers, []scenario.Fault{refused.fault}
			if r, err := engine.Run(t.Context(), s, memory.New(), o); r != nil || err == nil {
				t.Errorf("%s with %T: Run = %v, %v, want an error and no result", refused.fault, refused.workers, r, err)
			}
		}
	})
}
