package jobtable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/postgresserver"
)

// TestRowsByStatusAreWhatWasInsertedAndFinished runs many clients at once: no row is
// lost, doubled or left in a status that no one gave it.
func TestRowsByStatusAreWhatWasInsertedAndFinished(t *testing.T) {
	t.Parallel()
	url := database(t)
	table := open(t, options(url, ""))
	const clients, rounds, batch = 8, 20, 5
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for r := range rounds {
				jobs, tenants := ids((c*rounds+r)*(batch+1), batch+1)
				single, many := jobs[:1], jobs[1:]
				for _, err := range []error{table.Insert(t.Context(), single, tenants[:1]), table.Insert(t.Context(), many, tenants[1:])} {
					if err != nil {
						t.Error(err)
					}
				}
				// Of the batch two end well, two badly, and one not at all.
				finish(t, table, single, jobtable.Completed, "", 1)
				finish(t, table, many[:2], jobtable.Completed, "", 2)
				finish(t, table, many[2:4], jobtable.Failed, "no space", 2)
			}
		})
	}
	all.Wait()
	counts, err := table.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = clients * rounds
	if diff := cmp.Diff(map[string]int64{jobtable.Pending: n, jobtable.Completed: 3 * n, jobtable.Failed: 2 * n}, counts); diff != "" {
		t.Errorf("rows by status (-want +got):\n%s", diff)
	}
	name := table.Facts().Table
	for query, want := range map[string]int64{
		"SELECT count(DISTINCT id) FROM " + name:                                           6 * n,
		"SELECT count(*) FROM " + name + " WHERE error = 'no space'":                       2 * n,
		"SELECT count(*) FROM " + name + " WHERE error IS NOT NULL AND status <> 'FAILED'": 0,
		"SELECT count(DISTINCT tenant_id) FROM " + name:                                    3,
	} {
		if got := number(t, url, query); got != want {
			t.Errorf("%s = %d, want %d", query, got, want)
		}
	}
	p := table.Pool()
	if p.Connections != 4 || p.Busy != 0 || p.MaxBusy < 1 || p.MaxBusy > 4 || p.Statements != 5*n || p.Reconnects != 0 {
		t.Errorf("pool %+v, want 4 connections and %d statements", p, 5*n)
	}
	if err := table.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if left := number(t, url, "SELECT count(*) FROM pg_class WHERE relname LIKE 'queuedyno%'"); left != 0 {
		t.Errorf("%d tables are left", left)
	}
}

func finish(t *testing.T, table *jobtable.Table, jobs []string, status, reason string, want int64) {
	t.Helper()
	if rows, err := table.Finish(t.Context(), jobs, status, reason); rows != want || err != nil {
		t.Errorf("Finish(%d jobs) = %d, %v, want %d rows", len(jobs), rows, err, want)
	}
}

// TestATableOfTheUserKeepsItsOtherRows holds for each type that a column is likely to have.
func TestATableOfTheUserKeepsItsOtherRows(t *testing.T) {
	t.Parallel()
	const other = "99999999-9999-4999-8999-999999999999"
	for name, ddl := range map[string][]string{
		"jobs":        {"CREATE TABLE jobs (id text PRIMARY KEY, tenant_id text NOT NULL, status text NOT NULL, error text, created_at timestamptz NOT NULL DEFAULT now())"},
		"jobs_uuid":   {"CREATE TABLE jobs_uuid (id uuid PRIMARY KEY, tenant_id varchar(10) NOT NULL, status varchar(9) NOT NULL, error varchar(100))"},
		"app.Jobs":    {"CREATE SCHEMA app", `CREATE TABLE app."Jobs" (id varchar(36) PRIMARY KEY, tenant_id text, status text, error text)`},
		"jobs_enum":   {"CREATE TYPE outcome AS ENUM ('PENDING', 'COMPLETED', 'FAILED')", "CREATE TABLE jobs_enum (id char(36) PRIMARY KEY, tenant_id text, status outcome NOT NULL, error text)"},
		"partitioned": {"CREATE TABLE partitioned (id uuid PRIMARY KEY, tenant_id text, status text, error text) PARTITION BY HASH (id)", "CREATE TABLE part PARTITION OF partitioned FOR VALUES WITH (MODULUS 1, REMAINDER 0)"},
	} {
		sql := strings.ReplaceAll(name, "Jobs", `"Jobs"`)
		url := database(t, append(ddl, "INSERT INTO "+sql+" (id, tenant_id, status) VALUES ('"+other+"', 't9', 'PENDING')")...)
		table := open(t, options(url, name))
		if rows := number(t, url, "SELECT count(*) FROM "+sql); rows != 1 {
			t.Errorf("%s: %d rows after Open, want that of the user alone", name, rows)
		}
		jobs, tenants := ids(0, 5)
		if err := errors.Join(table.Insert(t.Context(), jobs[:1], tenants[:1]), table.Insert(t.Context(), jobs[1:], tenants[1:])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		finish(t, table, jobs[:1], jobtable.Completed, "", 1)
		finish(t, table, jobs[1:3], jobtable.Failed, "x", 2)
		counts, err := table.Count(t.Context())
		if diff := cmp.Diff(map[string]int64{jobtable.Pending: 2, jobtable.Completed: 1, jobtable.Failed: 2}, counts); diff != "" || err != nil {
			t.Errorf("%s: rows of the run by status: %v (-want +got):\n%s", name, err, diff)
		}
		if f := table.Facts(); f.Created || f.Table != name || len(f.Cautions) > 0 || f.Version == "" || f.Settings["max_connections"] != fmt.Sprint(connections) {
			t.Errorf("%s: facts %+v", name, f)
		}
		if err := table.Close(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if rows, users := number(t, url, "SELECT count(*) FROM "+sql), number(t, url, "SELECT count(*) FROM "+sql+" WHERE id = '"+other+"'"); rows != 1 || users != 1 {
			t.Errorf("%s: %d rows after Close, %d of them the user's, want that one alone", name, rows, users)
		}
	}
}

func TestFinishSaysThatARowIsMissing(t *testing.T) {
	t.Parallel()
	table := open(t, options(database(t), ""))
	jobs, tenants := ids(0, 3)
	if err := table.Insert(t.Context(), jobs[:1], tenants[:1]); err != nil {
		t.Fatal(err)
	}
	finish(t, table, jobs[1:2], jobtable.Completed, "", 0)
	finish(t, table, jobs, jobtable.Completed, "", 1)
	finish(t, table, nil, jobtable.Completed, "", 0)
}

// TestABatchIsStoredAsAWhole: of a batch with a job that is there already none is stored.
func TestABatchIsStoredAsAWhole(t *testing.T) {
	t.Parallel()
	table := open(t, options(database(t), ""))
	jobs, tenants := ids(0, 3)
	if err := table.Insert(t.Context(), jobs[2:], tenants[2:]); err != nil {
		t.Fatal(err)
	}
	if err := table.Insert(t.Context(), jobs, tenants); err == nil || !strings.Contains(err.Error(), "SQLSTATE 23505") {
		t.Errorf("Insert = %v, want SQLSTATE 23505", err)
	}
	if counts, err := table.Count(t.Context()); counts[jobtable.Pending] != 1 || err != nil {
		t.Errorf("rows %v, %v, want 1", counts, err)
	}
}

// TestWaitingForAConnectionIsCounted lets two clients share a connection until one of them
// has waited for it.
func TestWaitingForAConnectionIsCounted(t *testing.T) {
	t.Parallel()
	o := options(database(t), "")
	o.Connections = 1
	table := open(t, o)
	if p := table.Pool(); p.Waits != 0 || p.Waited != 0 || p.Statements != 0 {
		t.Errorf("pool %+v before the load, want no waits and no statements", p)
	}
	for n := 0; table.Pool().Waits == 0; n += 2 {
		jobs, tenants := ids(n, 2)
		var both sync.WaitGroup
		for i := range jobs {
			both.Go(func() {
				if err := table.Insert(t.Context(), jobs[i:i+1], tenants[i:i+1]); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	if p := table.Pool(); p.Waited <= 0 || p.MaxBusy != 1 {
		t.Errorf("pool %+v, want a time of waiting and one busy connection", p)
	}
}

// TestConnectionsThatAreLostAreReplaced: the first one that is lost costs a statement, and
// has the others checked before their use.
func TestConnectionsThatAreLostAreReplaced(t *testing.T) {
	t.Parallel()
	url := database(t)
	table := open(t, options(url, ""))
	if err := table.Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The connection for everything but the load is lost as well.
	execute(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'queuedyno' AND datname = current_database()")
	jobs, tenants := ids(0, 20)
	failed := 0
	for i := range jobs {
		if err := table.Insert(t.Context(), jobs[i:i+1], tenants[i:i+1]); err != nil {
			failed++
		}
	}
	if p := table.Pool(); failed > 1 || p.Reconnects < 1 || p.Reconnects > 4 {
		t.Errorf("%d statements failed on 4 connections, of which %d were replaced", failed, p.Reconnects)
	}
	if rows := number(t, url, "SELECT count(*) FROM "+table.Facts().Table); rows != int64(len(jobs)-failed) {
		t.Errorf("%d rows after %d of %d statements failed", rows, failed, len(jobs))
	}
	if err := table.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if left := number(t, url, "SELECT count(*) FROM pg_class WHERE relname LIKE 'queuedyno%'"); left != 0 {
		t.Errorf("%d tables are left", left)
	}
}

// TestWhatWaitsIsSeen holds a lock: a statement waits for it, and another one for the
// only connection.
func TestWhatWaitsIsSeen(t *testing.T) {
	t.Parallel()
	url := database(t)
	o := options(url, "")
	o.Connections = 1
	table := open(t, o)
	jobs, tenants := ids(0, 2)
	if err := table.Insert(t.Context(), jobs[:1], tenants[:1]); err != nil {
		t.Fatal(err)
	}
	before := table.Pool()
	lock := client(t, url)
	defer lock.Close(context.Background())
	tx, err := lock.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE "+table.Facts().Table); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() { finish(t, table, jobs[:1], jobtable.Completed, "", 1) })
	for {
		a, err := table.Sample(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a.Waiting == 1 && a.Waits["Lock"] == 1 && a.Active == 1 {
			break
		}
	}
	// One that does not wait for long enough says why.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := table.Insert(ended, jobs[1:], tenants[1:]); !errors.Is(err, context.Canceled) {
		t.Errorf("Insert = %v, want the end of the context", err)
	}
	started := make(chan struct{})
	all.Go(func() {
		close(started)
		if err := table.Insert(t.Context(), jobs[1:], tenants[1:]); err != nil {
			t.Error(err)
		}
	})
	<-started
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if p := table.Pool(); p.Busy != 0 || p.MaxBusy != 1 || p.Statements-before.Statements != 2 {
		t.Errorf("pool %+v, want two statements on one connection", p)
	}
	if a, err := table.Sample(t.Context()); a.Waiting != 0 || a.Active != 0 || err != nil {
		t.Errorf("activity %+v, %v, want nothing active", a, err)
	}
}

// TestAServerThatIsAwayIsToldFromOneThatDidNotAnswer kills the server and starts it again.
func TestAServerThatIsAwayIsToldFromOneThatDidNotAnswer(t *testing.T) {
	t.Parallel()
	if server == nil {
		servertest.Missing(t, "postgres", missing)
	}
	private, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: "process"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := private.Close(); err != nil {
			t.Error(err)
		}
	})
	table := open(t, options(private.URL(), ""))
	jobs, tenants := ids(0, 100)
	insert := func(i int) error { return table.Insert(t.Context(), jobs[i:i+1], tenants[i:i+1]) }
	if err := insert(0); err != nil {
		t.Fatal(err)
	}
	if err := private.Kill(); err != nil {
		t.Fatal(err)
	}
	away := new(jobtable.AwayError)
	unknown := 0
	for i := 1; i < 10; i++ {
		switch err := insert(i); {
		case err == nil:
			t.Fatal("a row was inserted into a server that is gone")
		case !errors.As(err, &away):
			unknown++
		}
	}
	if unknown > 1 {
		t.Errorf("%d statements were sent over lost connections, want the first one at most", unknown)
	}
	known, isKnown := errors.AsType[*postgres.Error](error(away))
	if !isKnown || known.Hint() == "" || !strings.Contains(away.Error(), "connection refused") {
		t.Errorf("the error of a server that is away is %v", away)
	}
	if err := private.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := 10; i < 20; i++ {
		if err := insert(i); err != nil {
			t.Errorf("after the restart: %v", err)
		}
	}
	if rows := number(t, private.URL(), "SELECT count(*) FROM "+table.Facts().Table); rows != 11 {
		t.Errorf("%d rows, want 11", rows)
	}
}

func TestAllConnectionsOfThePoolTakeTheirRoute(t *testing.T) {
	t.Parallel()
	o := options(database(t), "")
	var routed atomic.Int64
	o.Route = func(_, addr string) (string, error) {
		if routed.Add(1) == 1 {
			return addr, nil
		}
		return "", nil // the same address
	}
	table := open(t, o)
	jobs, tenants := ids(0, 2)
	if err := table.Insert(t.Context(), jobs, tenants); err != nil {
		t.Error(err)
	}
	if n := routed.Load(); n != int64(o.Connections) {
		t.Errorf("%d connections took the route, want the %d of the pool", n, o.Connections)
	}
}
