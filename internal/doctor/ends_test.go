package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/internal/doctor"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// reached are facts of a sound host with the ends of a scenario, without how long the trips
// took: that depends on the machine of the test.
func reached(t *testing.T, s scenario.Scenario, db doctor.Database) doctor.Report {
	t.Helper()
	f := sound()
	s.Name, s.Load = "backend", scenario.Load{Rate: pace.PerSecond(100), Duration: 10 * time.Second}
	f.Scenarios = []scenario.Scenario{s}
	f.Ends = doctor.Reach(t.Context(), f.Scenarios, db)
	for i, e := range f.Ends {
		if e.Trip == nil && len(e.Unusable) == 0 {
			t.Errorf("%s: no trip was measured", e.Kind)
		}
		f.Ends[i].Trip = &doctor.Spread{P50: 100 * time.Microsecond, High: time.Millisecond, At: "p90"}
	}
	return doctor.Judge(f)
}

// holdsNot fails the test if a report holds a secret, in text or JSON.
func holdsNot(t *testing.T, r doctor.Report, secret string) {
	t.Helper()
	var text bytes.Buffer
	asJSON, err := json.Marshal(r)
	if err := errors.Join(err, r.WriteText(&text, 100)); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text.Bytes(), []byte(secret)) || bytes.Contains(asJSON, []byte(secret)) {
		t.Errorf("a report holds the secret:\n%s", text.Bytes())
	}
}

// only fails the test unless the check is all that was found, and has a remedy. Without a
// check nothing may be found.
func only(t *testing.T, r doctor.Report, check string, level doctor.Level) {
	t.Helper()
	found := names(r)
	if check == "" && len(found) > 0 || check != "" && (len(found) != 1 || found[check] != level) {
		t.Errorf("found %v, want %s %s: %+v", found, level, check, r.Found())
	}
	for _, one := range r.Found() {
		if one.Remedy == "" || one.Scenario != "backend" {
			t.Errorf("%+v has no remedy or no scenario", one)
		}
	}
}

func stored(table string, connections int) scenario.Scenario {
	return scenario.Scenario{Entry: scenario.Entry{Kind: scenario.EntryPostgres, Postgres: scenario.PostgresEntry{Table: table, Connections: connections}}}
}

func TestFaultsOfARealPostgresAreFound(t *testing.T) {
	t.Parallel()
	server := postgrestest.Process(t, "max_connections=20")
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	do := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), fmt.Sprintf(sql, args...), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	do(jobtable.DDL, "jobs")
	do("CREATE TABLE slow (id text, tenant_id text, status text, error text)")
	do("CREATE TABLE letters (id text PRIMARY KEY)")
	do("CREATE ROLE reader LOGIN PASSWORD 'hunter2'; GRANT SELECT ON jobs TO reader")
	database := conn.Config().Database
	reader := fmt.Sprintf("postgres://reader:hunter2@%s:%d/%s", conn.Config().Host, conn.Config().Port, database)
	wrong := strings.Replace(reader, "hunter2", "hunter22", 1)
	for name, c := range map[string]struct {
		url   string
		s     scenario.Scenario
		check string
		level doctor.Level
	}{
		"nothing":            {server.URL(), stored("jobs", 5), "", ""},
		"a table of the run": {server.URL(), stored("", 5), "", ""},
		"no such table":      {server.URL(), stored("job", 5), "postgres.usable", doctor.Invalid},
		"no such columns":    {server.URL(), stored("letters", 5), "postgres.usable", doctor.Invalid},
		"no index":           {server.URL(), stored("slow", 5), "postgres.table", doctor.Suspect},
		"no rights":          {reader, stored("jobs", 2), "postgres.usable", doctor.Invalid},
		"a wrong password":   {wrong, stored("jobs", 2), "postgres.usable", doctor.Invalid},
		"nothing listens":    {"postgres://me:hunter2@127.0.0.1:1/app", stored("jobs", 2), "postgres.usable", doctor.Invalid},
	} {
		r := reached(t, c.s, doctor.Database{URL: c.url})
		t.Log(name)
		only(t, r, c.check, c.level)
		holdsNot(t, r, "hunter2")
	}
	// Too many connections show twice: as a number, and as the refusal.
	r := reached(t, stored("jobs", 30), doctor.Database{URL: server.URL()})
	if found := names(r); found["postgres.connections"] != doctor.Invalid || found["postgres.usable"] != doctor.Invalid {
		t.Errorf("30 connections of 20: found %v", found)
	}
	only(t, reached(t, stored("jobs", 5), doctor.Database{Err: errors.New("none is installed"), URL: ""}), "postgres.usable", doctor.Invalid)

	var left []string
	rows, err := conn.Query(t.Context(), "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1")
	if err == nil {
		left, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	var n int
	if err := errors.Join(err, conn.QueryRow(t.Context(), "SELECT count(*) FROM jobs").Scan(&n)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(left, " "); got != "jobs letters slow" || n != 0 {
		t.Errorf("the tables are %s, with %d jobs", got, n)
	}
	do("ALTER SYSTEM SET fsync = off")
	do("ALTER SYSTEM SET synchronous_commit = off")
	do("SELECT pg_reload_conf()")
	for range 500 { // the server takes the signal a little later
		var fsync string
		if err := conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync); err != nil {
			t.Fatal(err)
		}
		if fsync == "off" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	r = reached(t, stored("jobs", 5), doctor.Database{URL: server.URL(), Remarks: []string{"it is in memory"}})
	for check, level := range map[string]doctor.Level{"postgres.fsync": doctor.Suspect, "postgres.synchronous_commit": doctor.Note, "postgres.kind": doctor.Suspect} {
		if names(r)[check] != level {
			t.Errorf("found %v, want %s %s", names(r), level, check)
		}
	}
}

// api is a server that counts requests, and takes WebSocket clients at /ws.
func api(t *testing.T, secure bool) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = &atomic.Int64{}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		c.CloseRead(r.Context())
		<-r.Context().Done()
	})
	mux.HandleFunc("/closes", func(w http.ResponseWriter, r *http.Request) {
		if c, err := websocket.Accept(w, r, nil); err == nil {
			c.Close(websocket.StatusPolicyViolation, "no")
		}
	})
	s := httptest.NewUnstartedServer(mux)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.URL, requests
}

func TestFaultsOfAnAPIAreFoundAndNoJobIsRequested(t *testing.T) {
	t.Parallel()
	plain, requests := api(t, false)
	secure, _ := api(t, true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nothing listens there
	for name, c := range map[string]struct {
		url, socket string
		check       string
	}{
		"an API":                {plain + "/jobs?key=hunter2", "", ""},
		"nothing listens":       {"http://" + l.Addr().String() + "/jobs?key=hunter2", "", "http.usable"},
		"an unknown host":       {"http://no-such-host.invalid/jobs?key=hunter2", "", "http.usable"},
		"an unknown authority":  {secure + "/jobs", "", "http.usable"},
		"no TLS there":          {strings.Replace(plain, "http:", "https:", 1) + "/jobs", "", "http.usable"},
		"no such variable":      {plain + "/${NO_SUCH_VARIABLE_HERE}", "", "http.usable"},
		"a WebSocket":           {"", plain + "/ws?key=hunter2", ""},
		"no WebSocket":          {"", plain + "/jobs?key=hunter2", "websocket.usable"},
		"no WebSocket, TLS":     {"", secure + "/ws", "websocket.usable"},
		"one that closes":       {"", plain + "/closes?key=hunter2", "websocket.usable"},
		"nothing listens there": {"", "http://" + l.Addr().String() + "/ws", "websocket.usable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scenario.Scenario{External: true}
			if c.url != "" {
				s.Entry = scenario.Entry{Kind: scenario.EntryHTTP, HTTP: scenario.HTTPEntry{URL: c.url, Headers: map[string]string{"Authorization": "Bearer hunter2"}}}
			}
			if c.socket != "" {
				s.Exit.WebSocket.URL = "ws" + strings.TrimPrefix(c.socket, "http")
			}
			before := requests.Load()
			r := reached(t, s, doctor.Database{})
			only(t, r, c.check, doctor.Invalid)
			holdsNot(t, r, "hunter2")
			if c.socket == "" && requests.Load() != before {
				t.Errorf("%d requests were sent", requests.Load()-before)
			}
		})
	}
}

// What is far away is part of every figure; a handshake may take longer than a statement.
func TestAnEndThatIsFarAwayIsNoted(t *testing.T) {
	t.Parallel()
	for _, kind := range []doctor.EndKind{doctor.PostgresEnd, doctor.HTTPEnd, doctor.WebSocketEnd} {
		for _, secure := range []bool{false, true} {
			for took, far := range map[time.Duration]bool{100 * time.Microsecond: false, 5 * time.Millisecond: kind == doctor.PostgresEnd || kind == doctor.HTTPEnd && !secure, 50 * time.Millisecond: true} {
				f := sound()
				f.Ends = []doctor.End{{Kind: kind, Scenario: "steady", Secure: secure, Trip: &doctor.Spread{P50: took, High: 2 * took, At: "p90"}}}
				found := names(doctor.Judge(f))
				if level := found[string(kind)+".round_trip"]; (level == doctor.Note) != far {
					t.Errorf("%s, TLS %t: %s is %q", kind, secure, took, level)
				}
			}
		}
	}
}

func TestOnlyAnAPIWithWebSocketClientsNeedsNoRedis(t *testing.T) {
	t.Parallel()
	requested := scenario.Scenario{Entry: scenario.Entry{Kind: scenario.EntryHTTP}}
	read := requested
	read.Exit.WebSocket.URL = "ws://127.0.0.1:1/ws"
	for _, c := range []struct {
		all  []scenario.Scenario
		want bool
	}{{nil, true}, {[]scenario.Scenario{{}}, true}, {[]scenario.Scenario{requested}, true}, {[]scenario.Scenario{read}, false}, {[]scenario.Scenario{read, {}}, true}} {
		if got := doctor.NeedsRedis(c.all); got != c.want {
			t.Errorf("%+v: %t", c.all, got)
		}
	}
}
