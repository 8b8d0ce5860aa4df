package postgresserver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/postgresserver"
)

// ownerVar makes the test binary run as the owner of a server; see owner.
const ownerVar = "POSTGRESSERVER_TEST_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerVar) != "" {
		os.Exit(owner(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// owner starts a private server, prints its URL and process, and closes it when its input
// ends: unless it is killed before.
func owner(in io.Reader, out, errs io.Writer) int {
	s, err := postgresserver.Start(context.Background(), postgresserver.Options{Source: "process"})
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	fmt.Fprintln(out, s.URL(), s.PID())
	_, _ = io.Copy(io.Discard, in)
	if err := s.Close(); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	return 0
}

// ask returns the answer to a query with one value.
func ask(t *testing.T, url, query string) (answer string) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

// waitGone returns when no one listens at the server's port any more.
func waitGone(t *testing.T, raw string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			return
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the server is still there")
}
