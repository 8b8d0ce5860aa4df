package postgres_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/postgres"
)

// answering listens on a loopback port, and gives every connection the answer and then
// closes it.
func answering(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, answer)
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestUnreachableServersAreExplained(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	for _, row := range []struct{ name, url, says, hint string }{
		{"closed port", "postgres://app:hunter2@" + closed + "/jobs?sslmode=disable", "connection refused", "start Postgres"},
		{"closed port, TLS or not", "postgres://app:hunter2@" + closed + "/jobs", "connection refused", "start Postgres"},
		{"no such host", "postgres://app:hunter2@no.such.host.invalid/jobs", "no.such.host.invalid", "correct the host"},
		{"no TLS", "postgres://app:hunter2@" + answering(t, "N") + "/jobs?sslmode=require", "no TLS", "sslmode=disable"},
		{"silent", "postgres://app:hunter2@" + answering(t, "") + "/jobs?sslmode=disable", "without an answer", "a Postgres"},
		{"another server", "postgres://app:hunter2@" + answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n") + "/jobs?sslmode=disable", "", "Postgres"},
		{"an error reply", "postgres://app:hunter2@" + answering(t, "E\x00\x00\x00\x23SFATAL\x00C28P01\x00Mwrong\npassword\x00\x00") + "/jobs?sslmode=disable", "wrong password (SQLSTATE 28P01)", "the password in the URL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			address, err := postgres.Address(row.url)
			if err != nil {
				t.Fatal(err)
			}
			_, asked := postgres.Version(t.Context(), row.url)
			_, opened := postgres.Open(t.Context(), row.url, 2)
			for _, err := range []error{asked, opened} {
				e, ok := errors.AsType[*postgres.Error](err)
				if !ok {
					t.Fatalf("%v is no explained error", err)
				}
				if !strings.Contains(e.Error(), "at "+address+": ") || !strings.Contains(e.Error(), row.says) || !strings.Contains(e.Hint(), row.hint) {
					t.Errorf("%v (hint: %s), want %q, %q and the hint %q", e, e.Hint(), address, row.says, row.hint)
				}
				if strings.Contains(e.Error()+e.Hint(), "hunter2") || strings.Contains(e.Error(), "\n") {
					t.Errorf("%q shows the password, or has several lines", e)
				}
			}
		})
	}
}

func TestACanceledContextStaysOne(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgres.Version(ctx, "postgres://127.0.0.1:1/jobs"); !errors.Is(err, context.Canceled) {
		t.Errorf("Version: %v, want %v", err, context.Canceled)
	}
}

func TestOptionsOfThePoolAreChecked(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), "postgres://app:hunter2@127.0.0.1:1/jobs?pool_max_conns=many", 1)
	if err == nil || !strings.Contains(err.Error(), "pool_max_conns") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open: %v, want an error that names pool_max_conns and hides the password", err)
	}
}
