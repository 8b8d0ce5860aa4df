package doctor

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/usage"
)

// End is what a scenario reaches besides Redis: the Postgres that stores its jobs, the API
// that takes them in, or the one that its WebSocket clients listen to.
type End struct {
	Kind     EndKind `json:"kind"`
	Scenario string  `json:"scenario"`
	Address  string  `json:"address,omitempty"` // without secrets
	// Unusable are errors that would keep a run from starting.
	Unusable []error `json:"-"`
	// Trip is how long it takes to get an answer: of a Postgres to a statement, of the
	// others to a new connection, which is made Secure by TLS or not.
	Trip   *Spread `json:"round_trip,omitempty"`
	Secure bool    `json:"tls,omitempty"`
	// Postgres are the facts of the database, nil where it was not reached.
	Postgres *Postgres `json:"postgres,omitempty"`
}

// EndKind is what an end is.
type EndKind string

// The ends.
const (
	PostgresEnd  EndKind = "postgres"
	HTTPEnd      EndKind = "http"
	WebSocketEnd EndKind = "websocket"
)

// Postgres are the facts of a database and of the table in it.
type Postgres struct {
	jobtable.Facts
	// Needs is how many connections a run opens, and Free how many the server has left for
	// its user, nil where it does not say.
	Needs int    `json:"connections"`
	Free  *int64 `json:"free_connections,omitempty"`
	// Remarks are what is to be said about the kind of server.
	Remarks []string `json:"-"`
}

const (
	// oldestPostgres is the first release that still gets fixes.
	oldestPostgres = 14
	// slowConnect is the time for a handshake from which the network is a part of the figures.
	slowConnect = 10 * time.Millisecond
)

// end judges one end of a scenario.
func (j *judge) end(e End) {
	from := len(j.checks)
	usable := string(e.Kind) + ".usable"
	for _, err := range e.Unusable {
		p := problem.Of(err)
		j.find(usable, Invalid, p.What, "a run of this scenario would be refused, or fail", cmp.Or(p.Hint, "correct it in the scenario or in the environment"))
	}
	if len(e.Unusable) == 0 {
		j.ok(usable, map[EndKind]string{
			PostgresEnd:  "the database can be reached, and rows of the table can be inserted, updated and deleted",
			HTTPEnd:      "the API takes connections; no request was sent",
			WebSocketEnd: "a client was connected and closed again",
		}[e.Kind])
	}
	if e.Postgres != nil {
		j.postgres(*e.Postgres)
	}
	if len(e.Unusable) == 0 {
		j.trip(e)
	}
	for i := range j.checks[from:] {
		j.checks[from+i].Scenario = e.Scenario
	}
}

// postgres judges the settings of the database and what there is of the table.
func (j *judge) postgres(p Postgres) {
	for _, remark := range p.Remarks {
		j.find("postgres.kind", Suspect, remark, "commits cost less than on a disk", "set TMPDIR to a directory on the disk that you want to measure")
	}
	if major, err := strconv.Atoi(leading(p.Version)); err != nil {
		j.unknown("postgres.version", "the server does not say which version it is")
	} else {
		j.hold("postgres.version", major < oldestPostgres, Note, float64(major), oldestPostgres, "major version", "version "+p.Version,
			"it gets no fixes any more", "use Postgres 17, or the version that production has")
	}
	switch fsync := p.Settings["fsync"]; fsync {
	case "":
	case "on":
		j.ok("postgres.fsync", "fsync on")
	default:
		j.find("postgres.fsync", Suspect, "fsync "+fsync, "commits never wait for the disk, so every row costs less than in production",
			"ALTER SYSTEM SET fsync = on, then SELECT pg_reload_conf()")
	}
	switch commit := p.Settings["synchronous_commit"]; commit {
	case "":
	case "off":
		j.find("postgres.synchronous_commit", Note, "synchronous_commit off", "a commit is confirmed before it is on the disk: rows cost less, and a crash loses the last of them",
			"ALTER SYSTEM SET synchronous_commit = on, then SELECT pg_reload_conf(), unless production has it off, too")
	default:
		j.ok("postgres.synchronous_commit", "synchronous_commit "+commit)
	}
	if p.Free == nil {
		j.unknown("postgres.connections", "the server does not say how many connections it has left")
	} else {
		j.hold("postgres.connections", int64(p.Needs) > *p.Free, Invalid, float64(p.Needs), float64(*p.Free), "connections",
			fmt.Sprintf("a run opens %d connections, and the server has %d left of max_connections %s", p.Needs, *p.Free, p.Settings["max_connections"]),
			"the run is refused before its load begins", "raise max_connections, or use fewer (entry.postgres.connections, --entry-connections)")
	}
	for _, caution := range p.Cautions {
		j.find("postgres.table", Suspect, caution, "the time of a row grows with the table, and the database looks slower than it is", "CREATE INDEX ON "+p.Table+" (id)")
	}
	if len(p.Cautions) == 0 && p.Table != "" {
		found := "the table " + p.Table + " has the columns"
		if p.Created {
			found = "a run can create its table, and drop it"
		}
		j.ok("postgres.table", found)
	}
}

// leading are the digits that a version begins with.
func leading(version string) string {
	for i, c := range version {
		if c < '0' || c > '9' {
			return version[:i]
		}
	}
	return version
}

// trip judges how far away an end is.
func (j *judge) trip(e End) {
	name := string(e.Kind) + ".round_trip"
	if e.Trip == nil {
		j.unknown(name, "the round trip was not measured")
		return
	}
	what, means, limit := "a statement", "every row costs at least two round trips, so the network is a part of the figures", farAway
	if e.Kind != PostgresEnd {
		what, means = "a new connection", "the network is a part of every request and of every message"
		if e.Secure || e.Kind == WebSocketEnd {
			limit = slowConnect // it takes several round trips
		}
	}
	j.hold(name, e.Trip.P50 > limit, Note, e.Trip.P50.Seconds(), limit.Seconds(), "s",
		fmt.Sprintf("%s takes %s (median), up to %s (%s)", what, usage.Round(e.Trip.P50), usage.Round(e.Trip.High), e.Trip.At),
		means, "measure from a host next to it, unless your clients are as far away")
}
