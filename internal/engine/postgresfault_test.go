package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// privatePostgres is a private process as something that faults can break.
type privatePostgres struct{ *postgresserver.Server }

func (p privatePostgres) Pause(ctx context.Context, _ time.Duration) error {
	return p.Server.Pause(ctx)
}
func (p privatePostgres) Resume(context.Context) error { return p.Server.Resume() }
func (p privatePostgres) Kill(context.Context) error   { return p.Server.Kill() }

// witnessedTable keeps the test's own account: which statements Postgres answered, how
// many had no answer or an error, and which rows are there in the end.
type witnessedTable struct {
	*jobtable.Table
	url string

	mu                 sync.Mutex // guards what follows
	inserted, finished map[string]bool
	failed             map[string]int64
	rows               map[string]string
}

func (w *witnessedTable) note(what string, in map[string]bool, ids []string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var away *jobtable.AwayError
	switch {
	case err == nil:
		for _, id := range ids {
			in[id] = true
		}
	case !errors.As(err, &away):
		w.failed[what] += int64(len(ids))
	}
}

func (w *witnessedTable) Insert(ctx context.Context, ids, tenants []string) error {
	err := w.Table.Insert(ctx, ids, tenants)
	w.note("insert", w.inserted, ids, err)
	return err
}

func (w *witnessedTable) Finish(ctx context.Context, ids []string, status, reason string) (int64, error) {
	rows, err := w.Table.Finish(ctx, ids, status, reason)
	w.note("finish", w.finished, ids, err)
	return rows, err
}

// Close reads the rows over a connection of the test's own.
func (w *witnessedTable) Close(ctx context.Context) error {
	db, err := postgres.Open(ctx, w.url, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	var id, status string
	if err := postgres.Each(ctx, db, []any{&id, &status}, func() { w.rows[id] = status }, "SELECT id, status FROM "+postgres.Quote(w.Facts().Table)); err != nil {
		return err
	}
	return w.Table.Close(ctx)
}

// TestABrokenPostgresLosesWhatAnIndependentCountFinds pauses, kills and disconnects a real
// one.
func TestABrokenPostgresLosesWhatAnIndependentCountFinds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	server, redis := postgrestest.Process(t), redistest.Process(t).URL()
	s := scenario.Scenario{
		Name: "postgres", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 6 * time.Second}, Consumers: 4, DrainTimeout: time.Minute,
		Entry: scenario.Entry{Kind: scenario.EntryPostgres, Postgres: scenario.PostgresEntry{Connections: 6}},
		// The kill is the last one: how long the restart takes is up to the disk.
		Faults: []scenario.Fault{
			{At: 2 * time.Second, For: 500 * time.Millisecond, Kind: scenario.PauseFault, Target: scenario.PostgresTarget},
			{At: time.Second, Kind: scenario.DisconnectFault, Target: scenario.PostgresTarget},
			{At: 4 * time.Second, Restart: 500 * time.Millisecond, Kind: scenario.KillFault, Target: scenario.PostgresTarget},
		},
	}
	w := &witnessedTable{url: server.URL(), inserted: map[string]bool{}, finished: map[string]bool{}, failed: map[string]int64{}, rows: map[string]string{}}
	o := engine.Options{
		ID: flight.NewID(), NoProbes: true, Postgres: server.URL(), PostgresKind: "process", Database: privatePostgres{server},
		OpenStore: func(ctx context.Context, o jobtable.Options) (_ engine.Store, err error) {
			w.Table, err = jobtable.Open(ctx, o)
			return w, err
		},
	}
	cfg := s.Config()
	cfg.URL = redis
	cfg.Queue, cfg.Channel = runname.Of(o.ID)
	client, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := mustRun(t, s, client, o)
	l := r.Ledger
	if l.LostByLeg["unstored"] != w.failed["insert"] || l.LostByLeg["unsaved"] != w.failed["finish"] || l.Lost != w.failed["insert"]+w.failed["finish"] {
		t.Errorf("the test counted %v without a good answer; the ledger lost %v", w.failed, l.LostByLeg)
	}
	if l.Sent < 600 || l.Sent != l.Scheduled || l.Notified != int64(len(w.finished)) || l.Notified+l.Lost != l.Sent || l.Duplicated != 0 {
		t.Errorf("Postgres confirmed the ends of %d jobs; ledger %+v", len(w.finished), l)
	}
	// What was confirmed is there after the crash.
	completed := int64(0)
	for id := range w.inserted {
		if w.rows[id] == "" {
			t.Errorf("the row of job %s was confirmed and is gone", id)
		}
	}
	for id, status := range w.rows {
		if w.finished[id] && status != jobtable.Completed {
			t.Errorf("job %s is %s, and its end was confirmed", id, status)
		}
		if status == jobtable.Completed {
			completed++
		}
	}
	if completed < l.Notified || completed > l.Notified+l.LostByLeg["unsaved"] {
		t.Errorf("%d rows are completed; ledger %+v", completed, l)
	}
	var lost int64
	for _, f := range r.Faults {
		lost += f.Lost
		if f.BeganNS == nil || f.EndedNS == nil || f.Error != "" {
			t.Errorf("fault %+v was not carried out", f)
		}
	}
	if r.Faults[0].Lost != 0 || lost != l.Lost || r.Run.Failed || l.Reconnects["store"] < 1 {
		t.Errorf("the faults lost %d, of which the pause %d; reconnects %v, failed: %q", lost, r.Faults[0].Lost, l.Reconnects, r.Run.Error)
	}
	db, err := postgres.Open(t.Context(), server.URL(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var left int64
	if err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'queuedyno%'").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d tables are left, %v", left, err)
	}
}
