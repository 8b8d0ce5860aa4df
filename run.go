package queuedyno

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Options configure a run beyond its scenario. The zero value is ready to use.
type Options struct {
	// ID is the run's id, 15 hexadecimal digits; job ids contain it. Run makes one
	// if it is empty.
	ID string
	// Closing Stop ends the load: Run sends nothing more, waits for the jobs in
	// flight, and returns a complete result that is marked interrupted. Cancelling
	// the context of [Run] ends the run at once.
	Stop <-chan struct{}
	// Progress is called about once a second, always by the same goroutine.
	Progress func(Progress)
	// AllowNonEmpty lets the run start while jobs wait in the queue. Shared says
	// that others use the queue too: at the end the run removes only its own jobs.
	AllowNonEmpty, Shared bool
	// Begin is called when every connection is open, just before the first job is
	// due. End is called when every job is accounted for, before anything is closed.
	Begin, End func()
	// Postgres is the URL of the database of a scenario with entry postgres.
	Postgres string
	// Tags are copied into the result.
	Tags map[string]string
}

// Progress is the state of a run that is going on.
type Progress struct {
	Phase    string        // warmup, window or drain
	Elapsed  time.Duration // since the load began
	Total    time.Duration // length of the schedule, 0 when a number of jobs ends it
	Jobs     int64         // jobs to send, 0 when time alone ends it
	Sent     int64
	Notified int64
	Backlog  int64 // sent and not yet notified
	Errors   int64
	// OfferedPerS and AchievedPerS are the rates of the last second, in jobs per
	// second; offered is 0 in a closed loop.
	OfferedPerS, AchievedPerS float64
	// P50 and P99 are quantiles of end_to_end since the run began, 0 while there
	// are too few jobs.
	P50, P99 time.Duration
}

// Run runs the scenario against a job queue and accounts for every job. Zero fields
// of the scenario get their defaults. If the scenario is invalid, Run starts nothing
// and returns a [*scenario.InvalidError] with all problems.
//
// The caller opens and closes the backend: a [jobqueue.Client], a queue in memory,
// or another implementation. Run removes the jobs that it pushed. If ctx ends or an
// error ends the run, Run also returns the result measured until then, marked as
// such; the result is nil only if nothing was started. A failed threshold is not an
// error: see [result.Result.Thresholds].
func Run(ctx context.Context, s scenario.Scenario, backend jobqueue.Backend, o Options) (*result.Result, error) {
	inner := engine.Options{
		ID: o.ID, Stop: o.Stop, AllowNonEmpty: o.AllowNonEmpty, Shared: o.Shared,
		Begin: o.Begin, End: o.End, Tags: o.Tags, Postgres: o.Postgres,
	}
	if report := o.Progress; report != nil {
		inner.Progress = func(p engine.Progress) { report(Progress(p)) }
	}
	return engine.Run(ctx, s, backend, inner)
}
