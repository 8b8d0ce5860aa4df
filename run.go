package queuedyno

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Options are what a run takes besides its scenario. The zero value is ready to
// use.
type Options struct {
	// ID is the run's id, 15 hexadecimal digits, which job ids carry. Empty means
	// a new one.
	ID string
	// Stop ends the load when it is closed: nothing more is sent, the jobs in
	// flight are drained, and the result is complete but marked interrupted.
	// Cancelling the context of [Run] ends the run at once.
	Stop <-chan struct{}
	// Progress is called about once a second, always by the same goroutine.
	Progress func(Progress)
	// AllowNonEmpty lets the run start although jobs wait in the queue. Shared
	// says that the queue is not the run's own: at the end only the run's jobs
	// are removed from it.
	AllowNonEmpty, Shared bool
	// Begin is called just before the first job is due, when every connection is
	// open; End when the last job is accounted for, before anything is closed.
	Begin, End func()
	// Tags are copied to the result.
	Tags map[string]string
}

// Progress is what is known while a run goes on.
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
	// are too few jobs to tell.
	P50, P99 time.Duration
}

// Run runs the scenario against a job queue and accounts for every job. Fields at
// zero get their defaults first; a scenario with faults starts nothing and returns
// a [*scenario.InvalidError].
//
// The caller opens and closes the backend: a [jobqueue.Client], a queue in memory,
// or an implementation of his own. The run removes the jobs that it pushed. When
// ctx ends, or an error ends the run, the result is what is known so far, marked
// as such; it is nil only when nothing was started. The error is that of the run,
// not of thresholds: those are in [result.Result.Thresholds].
func Run(ctx context.Context, s scenario.Scenario, backend jobqueue.Backend, o Options) (*result.Result, error) {
	inner := engine.Options{
		ID: o.ID, Stop: o.Stop, AllowNonEmpty: o.AllowNonEmpty, Shared: o.Shared,
		Begin: o.Begin, End: o.End, Tags: o.Tags,
	}
	if tell := o.Progress; tell != nil {
		inner.Progress = func(p engine.Progress) { tell(Progress(p)) }
	}
	return engine.Run(ctx, s, backend, inner)
}
