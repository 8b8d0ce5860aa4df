package scenario

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/latency"
)

// Options are what a run needs beside its scenario. The zero value is good.
type Options struct {
	// ID is the run's id. Empty means a new one from [NewID].
	ID string
	// Stop ends the load when it is closed: nothing more is sent, what is on
	// its way is drained, and the result is complete but marked interrupted.
	// Cancelling the context of [Run] is the hard stop: it ends at once.
	Stop <-chan struct{}
	// Progress is called about once a second, by one goroutine.
	Progress func(Progress)
	// Interval is called once a second and stage, by one goroutine, with what
	// was completed in that second of the jobs of the window.
	Interval func(Interval)
	// Tags, Tool and Redis are copied to the result.
	Tags  map[string]string
	Tool  Tool
	Redis Redis
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

// Interval is one stage in one interval of a run.
type Interval struct {
	Stage Stage
	From  time.Time // start of the interval, wall clock
	// Start and Length are the interval on the run's clock, from its epoch.
	Start, Length time.Duration
	// Histogram is valid during the call only.
	Histogram *latency.Histogram
}

// Run runs the scenario against the backend. It returns a result whenever the
// load was started, also together with an error: then the result holds what was
// measured until the error, and says so. Bad scenarios are refused before
// anything is touched.
func Run(ctx context.Context, s Scenario, b jobqueue.Backend, o Options) (*Result, error) {
	return nil, nil
}
