package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// counted counts the rows of a table right before it is closed.
type counted struct {
	*jobtable.Table
	rows map[string]int64
	name string
}

func (c *counted) Close(ctx context.Context) (err error) {
	c.name = c.Facts().Table
	if c.rows, err = c.Count(ctx); err != nil {
		return err
	}
	return c.Table.Close(ctx)
}

// TestTheTableAgreesWithTheLedgerRowForRow runs on a real Postgres and a real Redis, in a
// table that the run creates and in one that holds a row of another program.
func TestTheTableAgreesWithTheLedgerRowForRow(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	url, redis := postgrestest.Process(t).URL(), redistest.Process(t).URL()
	db, err := postgres.Open(t.Context(), url, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, sql := range []string{
		"CREATE TABLE orders (id text PRIMARY KEY, tenant_id text, status text, error text)",
		"INSERT INTO orders VALUES ('theirs', 't9', 'PENDING', NULL)",
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, design := range []jobqueue.Design{jobqueue.List, jobqueue.ReliableList, jobqueue.Stream} {
		for _, name := range []string{"", "orders"} {
			t.Run(string(design)+" "+name, func(t *testing.T) {
				s := scenario.Scenario{
					Name: "rows", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Second}, Consumers: 4, Batch: 2, Prefill: 20, Design: design,
					DrainTimeout: time.Minute, // the disk may be slow
					Work:         scenario.Work{FailRate: 0.2}, Entry: scenario.Entry{Kind: scenario.EntryPostgres, Postgres: scenario.PostgresEntry{Table: name, Connections: 5}},
				}
				table := &counted{}
				o := engine.Options{
					ID: flight.NewID(), NoProbes: true, Postgres: url, PostgresKind: "process",
					OpenStore: func(ctx context.Context, o jobtable.Options) (_ engine.Store, err error) {
						table.Table, err = jobtable.Open(ctx, o)
						return table, err
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
				r, err := engine.Run(t.Context(), s, client, o)
				if err != nil {
					t.Fatal(err)
				}
				checkLaws(t, r)
				l := r.Ledger
				if l.Lost != 0 || l.Notified < 120 || l.Failed == 0 {
					t.Errorf("ledger %+v", l)
				}
				if n := table.rows; n[jobtable.Completed] != l.Notified-l.Failed || n[jobtable.Failed] != l.Failed || len(n) != 2 {
					t.Errorf("rows %v, ledger %+v", n, l)
				}
				var left int64
				query := "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'queuedyno%'"
				if name != "" {
					query = "SELECT count(*) - 1 FROM orders"
				}
				if err := db.QueryRow(t.Context(), query).Scan(&left); err != nil || left != 0 {
					t.Errorf("%s: %d, %v; want 0", query, left, err)
				}
			})
		}
	}
}
