// Package postgres connects to a database of Postgres, and says what is wrong when that
// fails: in one line, without secrets, and with a remedy.
//
// Begin reading at [Open].
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Pool is a pool of connections. Several goroutines may use it at once.
type Pool struct {
	*pgxpool.Pool
	lost    atomic.Int64 // when a connection was lost last, since began; 0 for never
	connect atomic.Int64 // connections that were opened so far

	mu       sync.Mutex // guards backends
	backends map[uint32]struct{}
}

// Lost notes that a connection was lost. The others of the pool that were idle then may be
// lost as well, so each of them is checked before its next use.
func (p *Pool) Lost() { p.lost.Store(int64(time.Since(began))) }

// began is a moment from which others are counted.
var began = time.Now()

// Backends are the ids of the processes of Postgres that serve the pool.
func (p *Pool) Backends() (pids []int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pid := range p.backends {
		pids = append(pids, int32(pid))
	}
	return pids
}

// Opened is how many connections were opened so far. Attempts that failed do not count,
// unlike in the statistics of pgx.
func (p *Pool) Opened() int64 { return p.connect.Load() }

func (p *Pool) opened(_ context.Context, c *pgx.Conn) error {
	p.connect.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backends[c.PgConn().PID()] = struct{}{}
	return nil
}

func (p *Pool) closed(c *pgx.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.backends, c.PgConn().PID())
}

// checkAfter is for how long a connection may have been idle that is used without a check.
const checkAfter = time.Second

// doubts reports whether a connection that was idle for so long must be checked.
func (p *Pool) doubts(_ context.Context, c pgxpool.ShouldPingParams) bool {
	lost := p.lost.Load()
	return c.IdleDuration > checkAfter || lost > 0 && time.Since(began)-c.IdleDuration <= time.Duration(lost)
}

// Route finds the address to dial in place of another, as for a proxy; an empty one means
// the same address.
type Route func(network, addr string) (at string, err error)

// connectTimeout is that of one attempt, unless the URL has a connect_timeout.
const connectTimeout = 10 * time.Second

// Open returns a pool of exactly that many connections, all of them open: opening one
// while a load runs would be measured. For the same reason no connection is closed for
// its age. Errors are an [*Error].
func Open(ctx context.Context, url string, connections int) (*Pool, error) {
	return OpenVia(ctx, url, connections, nil)
}

// OpenVia is [Open] by way of the addresses that route finds, if it is not nil.
func OpenVia(ctx context.Context, url string, connections int, route Route) (*Pool, error) {
	if connections < 1 {
		return nil, fmt.Errorf("connect to Postgres: a pool of %d connections", connections)
	}
	one, address, err := config(url)
	if err != nil {
		return nil, err
	}
	op := fmt.Sprintf("open %d connections to Postgres", connections)
	many, err := pgxpool.ParseConfig(url)
	if err != nil { // an option of the pool: what else there is has been read before
		return nil, &Error{Op: op, Address: address, Err: fmt.Errorf("%s", refusal(url, err))}
	}
	many.ConnConfig = one
	many.MaxConns = int32(connections)
	many.MaxConnLifetime, many.MaxConnIdleTime = 24*time.Hour, 24*time.Hour
	p := &Pool{backends: map[uint32]struct{}{}}
	many.AfterConnect, many.BeforeClose, many.ShouldPing = p.opened, p.closed, p.doubts
	if route != nil {
		one.DialFunc = via(one.DialFunc, route)
	}
	if p.Pool, err = pgxpool.NewWithConfig(ctx, many); err != nil {
		return nil, Explain(op, address, err)
	}
	if err := fill(ctx, p.Pool, connections); err != nil {
		p.Close()
		return nil, Explain(op, address, err)
	}
	return p, nil
}

// via dials by way of the addresses that route finds.
func via(dial pgconn.DialFunc, route Route) pgconn.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		at, err := route(network, addr)
		if err != nil {
			return nil, err
		}
		if at != "" {
			network, addr = "tcp", at
		}
		return dial(ctx, network, addr)
	}
}

// Terminate lets Postgres close the connections of a pool, over one of another pool of
// the same user, and says how many there were.
func Terminate(ctx context.Context, over, victims *Pool) (n int, err error) {
	err = over.QueryRow(ctx, `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE pid = ANY ($1) AND datname = current_database() AND usename = current_user AND application_name = current_setting('application_name')`,
		victims.Backends()).Scan(&n)
	return n, err
}

// Processes connects, calls do, and returns the ids of the processes of the server that
// pg_stat_activity has then, without the one that serves this connection.
func Processes(ctx context.Context, url string, do func() error) (pids []int, err error) {
	one, address, err := config(url)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, one)
	if err != nil {
		return nil, Explain("connect to Postgres", address, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := do(); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()", pgx.QueryExecModeSimpleProtocol)
	if err == nil {
		var pid int
		_, err = pgx.ForEachRow(rows, []any{&pid}, func() error { pids = append(pids, pid); return nil })
	}
	return pids, Explain("list the processes of Postgres", address, err)
}

// Unsent reports whether a statement failed before any of it was written.
func Unsent(err error) bool { return pgconn.SafeToRetry(err) }

// Quote writes a name, with or without a schema, between quotes.
func Quote(name string) string { return pgx.Identifier(strings.Split(name, ".")).Sanitize() }

// Each executes a query and calls do for each row, whose values are in the columns then:
// pointers to variables.
func Each(ctx context.Context, pool *Pool, columns []any, do func(), sql string, args ...any) error {
	rows, err := pool.Query(ctx, sql, args...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, columns, func() error { do(); return nil })
	}
	return err
}

// errUndo ends the transaction of [Undo].
var errUndo = errors.New("undo")

// Undo calls do with a function that executes statements and returns the number of rows
// that they affected, and then undoes all of them. Its error is that of do.
func Undo(ctx context.Context, pool *Pool, do func(exec func(sql string, args ...any) (rows int64, err error)) error) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		err := do(func(sql string, args ...any) (int64, error) {
			tag, err := tx.Exec(ctx, sql, args...)
			return tag.RowsAffected(), err
		})
		if err == nil {
			err = errUndo
		}
		return err
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// Version connects once and returns the version of the server, such as "17.2".
func Version(ctx context.Context, url string) (string, error) {
	one, address, err := config(url)
	if err != nil {
		return "", err
	}
	const op = "connect to Postgres"
	conn, err := pgx.ConnectConfig(ctx, one)
	if err != nil {
		return "", Explain(op, address, err)
	}
	var version string
	err = conn.QueryRow(ctx, "SHOW server_version", pgx.QueryExecModeSimpleProtocol).Scan(&version)
	if closed := conn.Close(context.WithoutCancel(ctx)); err == nil {
		err = closed
	}
	version, _, _ = strings.Cut(version, " ") // "15.8 (Debian 15.8-0+deb12u1)"
	return version, Explain(op, address, err)
}

// config reads a URL for connections of ours.
func config(url string) (*pgx.ConnConfig, string, error) {
	c, address, err := parse(url)
	if err != nil {
		return nil, "", err
	}
	// The server does not know the options of a pool.
	maps.DeleteFunc(c.RuntimeParams, func(name, _ string) bool { return strings.HasPrefix(name, "pool_") })
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "queuedyno"
	}
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, connectTimeout)
	return c, address, nil
}

// fill opens all connections of a pool at once.
func fill(ctx context.Context, pool *pgxpool.Pool, n int) error {
	conns := make([]*pgxpool.Conn, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { conns[i], errs[i] = pool.Acquire(ctx) })
	}
	all.Wait()
	for _, c := range conns {
		if c != nil {
			c.Release()
		}
	}
	for _, err := range errs {
		if err != nil {
			return err // the others say the same
		}
	}
	return nil
}
