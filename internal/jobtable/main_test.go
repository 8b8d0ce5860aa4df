package jobtable_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/postgresserver"
)

// server is the Postgres of these tests; where it is nil, missing says why.
var (
	server  *url.URL
	missing error
)

// connections is the largest number of clients of the server.
const connections = 100

func TestMain(m *testing.M) { os.Exit(withServer(m)) }

func withServer(m *testing.M) int {
	s, err := postgresserver.Start(context.Background(), postgresserver.Options{
		Source: "process", Settings: []string{fmt.Sprintf("max_connections=%d", connections), "fsync=off"},
	})
	if errors.Is(err, postgresserver.ErrUnavailable) {
		missing = err
		return m.Run()
	}
	if err == nil {
		server, err = url.Parse(s.URL())
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if err := s.Close(); err != nil {
		panic(err)
	}
	return code
}

// as is the URL of a database for another user or with another password.
func as(database, user, password string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

func password() string {
	p, _ := server.User.Password()
	return p
}

// database is a new database with what the statements make; it returns its URL.
func database(t *testing.T, statements ...string) string {
	t.Helper()
	if server == nil {
		servertest.Missing(t, "postgres", missing)
	}
	name := fmt.Sprintf("test%d", databases.Add(1))
	execute(t, server.String(), "CREATE DATABASE "+name)
	u := *server
	u.Path = "/" + name
	execute(t, u.String(), statements...)
	return u.String()
}

var databases atomic.Int64

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	c := client(t, url)
	defer c.Close(t.Context())
	for _, s := range statements {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func client(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// number is what the query answers.
func number(t *testing.T, url, query string) (n int64) {
	t.Helper()
	c := client(t, url)
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// prefix is what the ids of the tests' jobs begin with.
const prefix = "abcdef01-2345-8678"

func options(url, table string) jobtable.Options {
	return jobtable.Options{URL: url, Table: table, Connections: 4, Run: "abcdef012345678", Prefix: prefix, Tenant: "t1"}
}

// open opens a table that the test closes, at the latest at its end.
func open(t *testing.T, o jobtable.Options) *jobtable.Table {
	t.Helper()
	table, err := jobtable.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close(context.Background()) })
	return table
}

// ids are those of n jobs from the first on.
func ids(first, n int) (all, tenants []string) {
	for i := first; i < first+n; i++ {
		all, tenants = append(all, fmt.Sprintf("%s-8000-%012x", prefix, i)), append(tenants, fmt.Sprintf("t%d", i%3+1))
	}
	return all, tenants
}
