package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Options are what a run needs besides its scenario. The zero value is usable.
type Options struct {
	// ID is the run's id. Empty means a new one from [flight.NewID].
	ID string
	// Stop ends the load when it is closed: nothing more is sent, what is on
	// its way is drained, and the result is complete but marked interrupted.
	// Cancelling the context of [Run] is the hard stop: it ends at once.
	Stop <-chan struct{}
	// Progress is called about once a second, by one goroutine.
	Progress func(Progress)
	// Snapshot is called right after Progress, by the same goroutine, with what can be
	// shown of the run so far.
	Snapshot func(Snapshot)
	// Interval is called once a second and stage, by one goroutine, with what
	// was completed in that second of the jobs of the window.
	Interval func(latency.Interval)
	// Counted is called about once a second, by the goroutine that calls Progress and
	// Interval, with all counts so far.
	Counted func(ledger.Totals)
	// Sampled is called about 100 times a second with the backlog, by the goroutine
	// that calls Progress, Snapshot and Interval.
	Sampled func(at time.Duration, backlog int64)
	// Checkpoint is called about every CheckpointEvery, by the goroutine that calls
	// Snapshot, with what the result would be if the run were stopped now; see
	// [stopreason.Checkpoint]. The receiver owns it.
	Checkpoint      func(*result.Result)
	CheckpointEvery time.Duration
	// MostRows is how many rows the timeline of a schedule has at most, an even number; 0
	// means [rowlength.Most].
	MostRows int
	// Notice is called, by the goroutine that calls Progress, when a run with external
	// workers hears nothing of its jobs: what is seen, and the remedy.
	Notice func(text, hint string)
	// Waiter makes what waits for due times and service times; nil means
	// [waiter.Precise]. Tests in virtual time give [waiter.Coarse].
	Waiter func() (waiter.Waiter, error)
	// NoProbes omits what measures next to the load (see package probe),
	// for tests in virtual time.
	NoProbes bool
	// AllowNonEmpty lets the run begin although jobs wait in the queue. Shared
	// says that the queue is not the run's own: at the end only the run's jobs
	// are taken out of it, and not the whole queue. A queue of a [jobqueue.Client]
	// whose name is not one of [runname.Of] is always taken to be shared.
	AllowNonEmpty, Shared bool
	// Begin is called right before the load begins, when everything is open;
	// End when its last job is accounted for, before anything is closed. They
	// are where a benchmark's timer starts and stops.
	Begin, End func()
	// Start is called when everything is open and the jobs that wait at the beginning are
	// in the queue. It says when the load begins, with a monotonic clock reading; shards
	// of one load agree on it. An error ends the run before its load. nil means at once.
	Start func(context.Context) (time.Time, error)
	// Shards, if set, are the ids of the runs of all shards of the load, which are known
	// when Start has returned. Shards with one channel hear each other's updates; those
	// are not foreign.
	Shards func() []string
	// Postgres is the URL of the database of a scenario that stores its jobs, and
	// PostgresKind where that server comes from. OpenStore opens the table there; nil
	// means [jobtable.Open].
	Postgres, PostgresKind string
	OpenStore              func(context.Context, jobtable.Options) (Store, error)
	// OpenAPI opens the user's API of an HTTP entry; nil means an [apiclient.Client].
	OpenAPI func(scenario.HTTPEntry) (API, error)
	// OpenReaders makes the WebSocket clients of an exit, which are dealt out to so
	// many tenants; nil means those of package browser.
	OpenReaders func(exit scenario.WebSocketExit, tenants int) (Readers, error)
	// Workers are those that were started for the run, nil when none were, and
	// Worker is the command that started them, without secrets.
	Workers Workers
	Worker  string
	// ServerEnded is closed when the server has ended for good: then a connection
	// that is lost ends the run at once, and is not opened again for half a
	// minute. nil means that it may come back.
	ServerEnded <-chan struct{}
	// Server breaks and repairs the server, for faults of the scenario that need it. nil
	// means that nothing can; a scenario with such a fault is refused then.
	Server fault.Server
	// Database breaks and repairs the Postgres, as Server does the server.
	Database fault.Server
	// Network breaks and repairs the ways of the pools to their servers, for faults of the
	// network. nil means that nothing can; a scenario with such a fault is refused then.
	Network fault.Network
	// Tags, Tool and Redis are copied to the result, and Worker is.
	Tags  map[string]string
	Tool  result.Tool
	Redis result.Redis
}

// Progress is what is known while a run goes on.
type Progress struct {
	Phase    string        // warmup, window or drain
	Elapsed  time.Duration // since the epoch
	Total    time.Duration // length of the schedule, 0 when a number of jobs ends it
	Jobs     int64         // jobs to send, 0 when time alone ends it
	Sent     int64
	Notified int64
	Backlog  int64 // sent and not yet notified
	Errors   int64
	// OfferedPerS and AchievedPerS are of the last second; offered is 0 in a
	// closed loop.
	OfferedPerS, AchievedPerS float64
	// P50 and P99 of end_to_end since the run began, 0 while too few jobs
	// are done to say.
	P50, P99 time.Duration
}

// Workers are processes that were started to work on the jobs of a run with
// external consumers. The caller that started them describes them with this,
// and ends them if Stop was not called, as when the load never began. Faults can break
// them if they are [fault.Workers] as well.
type Workers interface {
	// Begin is called right before the first job is pushed, and End when the last
	// one is accounted for.
	Begin()
	End() Worked
	// Stop ends the workers, before the queue is removed: what they wrote later
	// would remain. It returns a warning for every report, empty when all is well.
	Stop() (warning string)
}

// Worked is what became of workers under load.
type Worked struct {
	// CPU is the CPU time that they used between Begin and End, nil where it is not
	// known.
	CPU *time.Duration
	// Err says how they ended, where they did so before End. The run goes on
	// without them, and has failed.
	Err error
}

// WorkersError says that workers which were started for a run ended before it did.
type WorkersError struct{ Err error }

func (e *WorkersError) Error() string { return e.Err.Error() }
func (e *WorkersError) Unwrap() error { return e.Err }

func (w Worked) failure() error {
	if w.Err == nil {
		return nil
	}
	return &WorkersError{w.Err}
}

// NotEmptyError says that jobs of other clients wait in the queue of a run that did not
// allow them.
type NotEmptyError struct{ Jobs int64 }

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("the queue is not empty: %s that this run did not send", number.Plural(e.Jobs, "job"))
}

// Hint is the remedy.
func (e *NotEmptyError) Hint() string { return "name another queue, or clear it" }
