// Package postgres connects to a database of Postgres, and says what is wrong when that
// fails: in one line, without secrets, and with a remedy.
//
// Begin reading at [Open].
package postgres

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connectTimeout is that of one attempt, unless the URL has a connect_timeout.
const connectTimeout = 10 * time.Second

// Open returns a pool of exactly that many connections, all of them open: opening one
// while a load runs would be measured. For the same reason no connection is closed for
// its age. Errors are an [*Error].
func Open(ctx context.Context, url string, connections int) (*pgxpool.Pool, error) {
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
	pool, err := pgxpool.NewWithConfig(ctx, many)
	if err != nil {
		return nil, Explain(op, address, err)
	}
	if err := fill(ctx, pool, connections); err != nil {
		pool.Close()
		return nil, Explain(op, address, err)
	}
	return pool, nil
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
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
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
