package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// TestScriptsOnABackend runs the scripts in testdata/backend. They find a [fakeAPI] in
// API and SOCKET, and a Redis in REDIS_URL.
func TestScriptsOnABackend(t *testing.T) {
	t.Parallel()
	server, api := redistest.Process(t), newFakeAPI(t)
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/backend",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "requested": api.requested},
		Setup: func(e *testscript.Env) error {
			e.Setenv("REDIS_URL", server.URL())
			e.Setenv("API", api.URL)
			e.Setenv("SOCKET", "ws"+strings.TrimPrefix(api.URL, "http"))
			return nil
		},
	})
}

// TestScriptsOnAPostgres runs the scripts in testdata/postgres, which find a Redis in
// REDIS_URL and URLs of the database: OWNER may do everything, READER only read the
// table jobs, the password of STRANGER is wrong, and MISSING does not exist.
func TestScriptsOnAPostgres(t *testing.T) {
	t.Parallel()
	server, db := redistest.Process(t), postgrestest.Process(t)
	conn, err := pgx.Connect(t.Context(), db.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `CREATE TABLE jobs (id text PRIMARY KEY, tenant_id text, status text, error text);
		CREATE TABLE letters (id text PRIMARY KEY, tenant_id text, status text);
		CREATE ROLE reader LOGIN PASSWORD 's3cret'; GRANT SELECT ON jobs TO reader`); err != nil {
		t.Fatal(err)
	}
	owner, err := url.Parse(db.URL())
	if err != nil {
		t.Fatal(err)
	}
	reader, stranger, missing := *owner, *owner, *owner
	reader.User, stranger.User = url.UserPassword("reader", "s3cret"), url.UserPassword("reader", "wr0ng")
	missing.Path = "/missing"
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/postgres",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			e.Setenv("REDIS_URL", server.URL())
			for name, u := range map[string]*url.URL{"OWNER": owner, "READER": &reader, "STRANGER": &stranger, "MISSING": &missing} {
				e.Setenv(name, u.String())
			}
			return nil
		},
	})
}

// fakeAPI answers POST /jobs/KIND in as many ways as there are kinds, and counts these
// requests. /ws sends WebSocket clients the end of each job of /jobs/text and
// /jobs/number; /closes closes at once, and /token is for those with a token.
type fakeAPI struct {
	*httptest.Server

	mu       sync.Mutex
	requests map[string]int
	clients  []*websocket.Conn
}

func newFakeAPI(t *testing.T) *fakeAPI {
	t.Helper()
	a := &fakeAPI{requests: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs/{kind}", a.create)
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
		if conn, err := websocket.Accept(w, r, nil); err == nil {
			a.mu.Lock()
			a.clients = append(a.clients, conn)
			a.mu.Unlock()
			<-conn.CloseRead(context.Background()).Done()
		}
	})
	mux.HandleFunc("GET /closes", func(w http.ResponseWriter, r *http.Request) {
		if conn, err := websocket.Accept(w, r, nil); err == nil {
			_ = conn.Close(websocket.StatusPolicyViolation, "no such session")
		}
	})
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		// A careless API repeats what it was sent.
		http.Error(w, "bad token: "+r.Header.Get("Authorization")+r.URL.RawQuery, http.StatusUnauthorized)
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *fakeAPI) create(w http.ResponseWriter, r *http.Request) {
	kind := r.PathValue("kind")
	a.mu.Lock()
	a.requests[kind]++
	id := strconv.Itoa(a.requests[kind])
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch kind {
	case "text":
		id = `"job-` + id + `"`
		fallthrough
	case "number":
		fmt.Fprintf(w, `{"jobId":%s}`, id)
		a.broadcast(fmt.Sprintf(`{"jobId":%s,"status":"COMPLETED"}`, id))
	case "unauthorized":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"bad token: %s %s"}`, r.Header.Get("Authorization"), r.URL.RawQuery)
	case "noid":
		fmt.Fprint(w, `{"data":{"id":"7"},"status":"ok"}`)
	case "object":
		fmt.Fprint(w, `{"jobId":{"id":"7"}}`)
	case "page":
		fmt.Fprint(w, "<html>Welcome</html>")
	case "empty":
		w.WriteHeader(http.StatusNoContent)
	case "busy":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "hangs":
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	default:
		http.NotFound(w, r)
	}
}

// broadcast sends a message to all WebSocket clients.
func (a *fakeAPI) broadcast(message string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.clients {
		// An error means that the client has gone.
		_ = c.Write(context.Background(), websocket.MessageText, []byte(message))
	}
}

// requested is "requested KIND N": it fails unless /jobs/KIND was requested N times.
func (a *fakeAPI) requested(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: requested KIND N")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if got := strconv.Itoa(a.requests[args[0]]); got != args[1] {
		ts.Fatalf("/jobs/%s was requested %s times, want %s", args[0], got, args[1])
	}
}
