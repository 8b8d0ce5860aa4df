package main

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

// newDatabase returns the URL of an empty database on the server that all tests
// share. The database is dropped at the end of the test.
func newDatabase(t *testing.T) string {
	t.Helper()
	server := postgrestest.Server(t).URL()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	u.Path = "/" + name
	statement := func(ctx context.Context, sql string) {
		t.Helper()
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(ctx))
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	statement(t.Context(), "CREATE DATABASE "+name)
	t.Cleanup(func() { statement(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	return u.String()
}
