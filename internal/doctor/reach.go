package doctor

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/apiclient"
	"github.com/queuedyno/queuedyno/internal/browser"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/scenario"
)

// Database is the Postgres of scenarios that store their jobs.
type Database struct {
	URL string
	// Err is why it could not be started.
	Err     error
	Remarks []string // see [Postgres.Remarks]
}

const (
	trips    = 200 // statements whose time is taken
	connects = 20  // connections whose time is taken, enough for a median
)

// Reach looks at what the scenarios reach besides Redis. It sends no job: it connects to an
// API and closes the connection again. In Postgres it does what a run does before its load:
// it creates a table and drops it, or tries statements on the user's table and undoes them.
func Reach(ctx context.Context, scenarios []scenario.Scenario, db Database) (ends []End) {
	for _, s := range scenarios {
		s = s.WithDefaults()
		var e End
		switch s.Entry.Kind {
		case scenario.EntryPostgres:
			e = reachPostgres(ctx, s, db)
			ends = append(ends, e)
		case scenario.EntryHTTP:
			e = reachAPI(ctx, s)
			ends = append(ends, e)
		}
		if s.Exit.Given() {
			ends = append(ends, reachSocket(ctx, s))
		}
	}
	return ends
}

// reachPostgres opens the table of a scenario as a run does.
func reachPostgres(ctx context.Context, s scenario.Scenario, db Database) End {
	e := End{Kind: PostgresEnd, Scenario: s.Name}
	e.Address, _ = postgres.Address(db.URL)
	pool, err := db.open(ctx)
	if err != nil {
		e.Unusable = append(e.Unusable, err)
		return e
	}
	defer pool.Close()
	p := &Postgres{Needs: s.Entry.Postgres.Connections + 1, Remarks: db.Remarks}
	e.Postgres = p
	// What a run would ask after it has opened the table, which it may not get to.
	p.Settings = map[string]string{}
	var name, value string
	_ = postgres.Each(ctx, pool, []any{&name, &value}, func() { p.Settings[name] = value },
		"SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('server_version', 'max_connections', 'synchronous_commit', 'fsync')") // else they are unknown
	p.Version, _, _ = strings.Cut(p.Settings["server_version"], " ")
	var free int64
	// The kind of a process is hidden from most users, and the database of a client is not.
	err = pool.QueryRow(ctx, `SELECT sum(CASE WHEN name = 'max_connections' THEN setting::bigint WHEN current_setting('is_superuser') = 'on' THEN 0 ELSE -setting::bigint END)
		- (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend' AND pid <> pg_backend_pid())
		FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')`).Scan(&free)
	if err == nil {
		p.Free = &free
	}
	if e.Trip, err = timed(trips, func() (func(), error) { _, err := pool.Exec(ctx, "SELECT 1"); return nil, err }); err != nil {
		e.Unusable = append(e.Unusable, postgres.Explain("ask Postgres", e.Address, err))
		return e
	}
	id := flight.NewID()
	run, _ := flight.ParseRunID(id)
	table, err := jobtable.Open(ctx, jobtable.Options{
		URL: db.URL, Table: s.Entry.Postgres.Table, Connections: s.Entry.Postgres.Connections,
		Run: id, Prefix: string(flight.AppendIDPrefix(nil, run)), Tenant: flight.TenantName(0),
	})
	if err != nil {
		e.Unusable = append(e.Unusable, err)
		return e
	}
	p.Facts = table.Facts()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := table.Close(closing); err != nil {
		e.Unusable = append(e.Unusable, err)
	}
	return e
}

// open opens one connection to the database.
func (db Database) open(ctx context.Context) (*postgres.Pool, error) {
	if db.Err != nil {
		return nil, db.Err
	}
	return postgres.Open(ctx, db.URL, 1)
}

// reachAPI connects to the API of an HTTP entry.
func reachAPI(ctx context.Context, s scenario.Scenario) End {
	e := End{Kind: HTTPEnd, Scenario: s.Name, Address: mask.Address(s.Entry.HTTP.URL)}
	entry, err := s.Entry.HTTP.Expand(os.LookupEnv)
	if err != nil {
		e.Unusable = append(e.Unusable, err)
		return e
	}
	client, err := apiclient.New(apiclient.Options{
		Method: entry.Method, URL: entry.URL, Headers: entry.Headers, Body: entry.Body, ID: entry.ID, Status: entry.Status, Connections: 1, Timeout: entry.Timeout,
	})
	if err != nil {
		e.Unusable = append(e.Unusable, err)
		return e
	}
	defer client.Close()
	e.Address, e.Secure = client.Address(), strings.HasPrefix(entry.URL, "https:")
	if e.Trip, err = timed(connects, func() (func(), error) { return nil, client.Check(ctx) }); err != nil {
		e.Unusable = append(e.Unusable, err)
	}
	return e
}

// reachSocket connects a WebSocket client as a run does, and then some whose handshakes are
// timed.
func reachSocket(ctx context.Context, s scenario.Scenario) End {
	e := End{Kind: WebSocketEnd, Scenario: s.Name, Address: mask.Address(s.Exit.WebSocket.URL)}
	exit, err := s.Exit.WebSocket.Expand(os.LookupEnv)
	if err != nil {
		e.Unusable = append(e.Unusable, err)
		return e
	}
	connect := func(settle time.Duration) (after func(), err error) {
		c, err := browser.Open(ctx, browser.Options{
			URL: exit.URL, Headers: exit.Headers, Subprotocol: exit.Subprotocol, First: exit.Message, Tenants: []string{flight.TenantName(0)},
			Settle: settle, Heard: func(int, time.Time, updates.View) {},
		})
		if err != nil {
			return nil, err
		}
		e.Address, e.Secure = c.Address(), strings.HasPrefix(exit.URL, "wss:")
		return c.Close, nil
	}
	after, err := connect(0) // which waits for a server that closes the connection at once
	if err == nil {
		after()
		e.Trip, err = timed(connects, func() (func(), error) { return connect(1) })
	}
	if err != nil {
		e.Unusable = append(e.Unusable, err)
	}
	return e
}

// timed is how long it takes to do something several times, until the first error. What do
// returns is called after each time, and is not timed; it may be nil.
func timed(times int, do func() (after func(), err error)) (*Spread, error) {
	took := latency.New()
	for range times {
		began := time.Now()
		after, err := do()
		if err != nil {
			return nil, err
		}
		took.Record(int64(time.Since(began)))
		if after != nil {
			after()
		}
	}
	return spread(took), nil
}

// NeedsRedis reports whether one of the scenarios needs a Redis: with an API as the entry and
// WebSocket clients as the exit none does.
func NeedsRedis(scenarios []scenario.Scenario) bool {
	for _, s := range scenarios {
		if s.Entry.Kind != scenario.EntryHTTP || !s.Exit.Given() {
			return true
		}
	}
	return len(scenarios) == 0
}
