// Package jobtable keeps the jobs of a run in a table of Postgres, as a back end does:
// a row is inserted before its job is pushed, and updated when the job has ended.
//
// Begin reading at [Open].
package jobtable

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/postgres"
)

// Options say where the table is and which run it is for.
type Options struct {
	// URL is that of the database: postgres://user:password@host:5432/database.
	URL string
	// Table is the user's table, with or without a schema. It must exist and have
	// the columns of [DDL]. Empty means a table that Open creates and Close drops.
	Table string
	// Connections is the size of the pool. All connections are open before the
	// load begins.
	Connections int
	// Run is the id of the run: lower-case letters and digits. The name of a created
	// table ends with it.
	Run string
	// Prefix is what the ids of the run's jobs begin with, and no other ids: the
	// first part of a UUID. By it the run finds its rows in the user's table.
	Prefix string
	// Tenant is one that the jobs have, to check the table with.
	Tenant string
	// Route finds the address that the connections of the pool dial in place of another.
	// It may be nil.
	Route func(network, addr string) (at string, err error)
}

// The statuses of a row: of a job that has not ended, and of one that ended well or
// badly.
const (
	Pending   = "PENDING"
	Completed = "COMPLETED"
	Failed    = "FAILED"
)

// DDL creates a table for jobs; %s is its name. A table may have further columns if
// those have defaults, and other types, such as uuid, if those hold the same text.
const DDL = "CREATE TABLE %s (id text PRIMARY KEY, tenant_id text NOT NULL, status text NOT NULL, error text)"

// Table is an open table. Several goroutines may call its methods at once.
type Table struct {
	pool *postgres.Pool
	// observer is one more connection: statements about the server do not wait for
	// those of the load.
	observer *postgres.Pool
	target   target
	sql      statements
	facts    Facts
	usage
}

// usage is how the pool is used.
type usage struct {
	busy, maxBusy, statements atomic.Int64
	// What the pool had counted before the load began.
	waits, opened int64
	waited        time.Duration
}

// Facts are what a report says of the database and of the table.
type Facts struct {
	Version string `json:"version"` // such as "16.2"
	Address string `json:"address"` // without user and password
	Table   string `json:"table"`
	Created bool   `json:"created"` // by this run, which drops it
	// Settings are those of the server on which the cost of a row depends most.
	Settings map[string]string `json:"settings"`
	// Cautions are properties of the table that slow every statement down.
	Cautions []string `json:"cautions,omitempty"`
}

// Facts are what was known when the table was open.
func (t *Table) Facts() Facts { return t.facts }

// runID is what the name of a table can end with.
var runID = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)

// Open connects, and finds out before the load whether the jobs can be stored: whether
// the database can be reached, the table has the columns, and a row can be inserted,
// updated and deleted. The check leaves nothing behind. Errors know a remedy; see
// [postgres.Error].
func Open(ctx context.Context, o Options) (*Table, error) {
	if !runID.MatchString(o.Run) || o.Prefix == "" {
		return nil, fmt.Errorf("open a table of jobs: run %q with ids that begin with %q", o.Run, o.Prefix)
	}
	address, err := postgres.Address(o.URL)
	if err != nil {
		return nil, err
	}
	t := &Table{facts: Facts{Address: address}}
	if err := t.open(ctx, o); err != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, errors.Join(err, t.Close(closing))
	}
	return t, nil
}

func (t *Table) open(ctx context.Context, o Options) (err error) {
	if t.observer, err = postgres.Open(ctx, o.URL, 1); err != nil {
		return err
	}
	if t.pool, err = postgres.OpenVia(ctx, o.URL, o.Connections, o.Route); err != nil {
		return t.explain(fmt.Sprintf("open %d connections to Postgres", o.Connections), err)
	}
	if o.Table == "" {
		err = t.create(ctx, "queuedyno_jobs_"+o.Run)
	} else {
		err = t.find(ctx, o.Table)
	}
	if err != nil {
		return err
	}
	t.sql = t.target.statements(t.facts.Created, o.Prefix)
	if err := t.rehearse(ctx, o); err != nil {
		t.sql = statements{} // there are no rows to delete
		return err
	}
	if err := t.describe(ctx); err != nil {
		return err
	}
	s := t.pool.Stat()
	t.waits, t.waited, t.opened = s.EmptyAcquireCount(), s.EmptyAcquireWaitTime(), t.pool.Opened()
	return nil
}

// Close removes what the run made: the table that it created, or its rows in the user's
// table. It closes the connections, also after an error.
func (t *Table) Close(ctx context.Context) error {
	if t.observer == nil {
		return nil
	}
	defer t.observer.Close()
	if t.pool != nil {
		defer t.pool.Close()
	}
	switch {
	case t.facts.Created:
		if err := t.cleanUp(ctx, "DROP TABLE IF EXISTS "+postgres.Quote(t.facts.Table)); err != nil {
			return t.explain("drop the table "+t.facts.Table, err)
		}
	case t.sql.remove != "":
		if err := t.cleanUp(ctx, t.sql.remove, t.sql.ours...); err != nil {
			return t.explain("delete the rows of the run from the table "+t.facts.Table, err)
		}
	}
	return nil
}

// Disconnect lets Postgres close the connections of the pool. It fails where none could be
// closed.
func (t *Table) Disconnect(ctx context.Context) error {
	n, err := postgres.Terminate(ctx, t.observer, t.pool)
	if err == nil && n == 0 {
		return t.refuse("close connections", errors.New("Postgres knows none of them"), "connect to Postgres itself: behind a pooler the connections are not those of Postgres")
	}
	return t.explain("close connections", err)
}

// cleanUp executes a statement, on a new connection if the old one was lost.
func (t *Table) cleanUp(ctx context.Context, sql string, args ...any) error {
	_, err := t.observer.Exec(ctx, sql, args...)
	if code := postgres.Code(err); err != nil && ctx.Err() == nil && (code == "" || code == "57P01") {
		_, err = t.observer.Exec(ctx, sql, args...)
	}
	return err
}
