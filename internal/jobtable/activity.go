package jobtable

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/internal/postgres"
)

// Pool is how the pool of connections was used since [Open].
type Pool struct {
	Connections int `json:"connections"`
	// Busy is how many connections execute a statement, MaxBusy the largest number so far.
	Busy    int64 `json:"busy"`
	MaxBusy int64 `json:"max_busy"`
	// Statements is how many were executed.
	Statements int64 `json:"statements"`
	// Waits is how many statements waited for a connection, Waited for how long all
	// of them together.
	Waits  int64         `json:"waits"`
	Waited time.Duration `json:"waited_ns"`
	// Reconnects is how many connections were replaced.
	Reconnects int64 `json:"reconnects"`
}

// Pool is how the pool was used so far.
func (t *Table) Pool() Pool {
	s := t.pool.Stat()
	return Pool{
		Connections: int(s.MaxConns()), Busy: t.busy.Load(), MaxBusy: t.maxBusy.Load(), Statements: t.statements.Load(),
		Waits: s.EmptyAcquireCount() - t.waits, Waited: s.EmptyAcquireWaitTime() - t.waited, Reconnects: t.pool.Opened() - t.opened,
	}
}

// Activity is what the clients of the database were doing at one moment, as
// pg_stat_activity has it.
type Activity struct {
	// Active is how many statements were being executed. Waiting are those of them
	// that waited inside Postgres.
	Active  int `json:"active"`
	Waiting int `json:"waiting"`
	// Idle is how many connections had nothing to do.
	Idle int `json:"idle"`
	// Waits are the waiting ones by what they waited for: Lock, LWLock, IO and so on.
	Waits map[string]int `json:"waits,omitempty"`
}

// Sample looks at the database once. It does not wait for the connections of the load.
func (t *Table) Sample(ctx context.Context) (Activity, error) {
	a := Activity{Waits: map[string]int{}}
	var state, wait string
	var n int
	err := postgres.Each(ctx, t.observer, []any{&state, &wait, &n}, func() {
		switch {
		case state != "active":
			a.Idle += n
			return
		case wait != "" && wait != "Client": // a backend that waits for its client has sent its answer
			a.Waiting += n
			a.Waits[wait] += n
		}
		a.Active += n
	}, `
		SELECT coalesce(state, ''), CASE WHEN state = 'active' THEN coalesce(wait_event_type, '') ELSE '' END, count(*)
		FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
		GROUP BY 1, 2`)
	return a, t.explain("look at pg_stat_activity", err)
}
