package engine

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Options are what a run needs beside its scenario. The zero value is good.
type Options struct {
	// ID is the run's id. Empty means a new one from [flight.NewID].
	ID string
	// Stop ends the load when it is closed: nothing more is sent, what is on
	// its way is drained, and the result is complete but marked interrupted.
	// Cancelling the context of [Run] is the hard stop: it ends at once.
	Stop <-chan struct{}
	// Progress is called about once a second, by one goroutine.
	Progress func(Progress)
	// Interval is called once a second and stage, by one goroutine, with what
	// was completed in that second of the jobs of the window.
	Interval func(latency.Interval)
	// Sampled is called about 100 times a second with the backlog, by the goroutine
	// that calls Progress and Interval.
	Sampled func(at time.Duration, backlog int64)
	// Waiter makes what waits for due times and service times; nil means
	// [pace.NewWaiter]. Tests in virtual time give [pace.NewCoarse].
	Waiter func() (pace.Waiter, error)
	// NoProbes leaves out what measures beside the load (see package probe),
	// for tests in virtual time.
	NoProbes bool
	// AllowNonEmpty lets the run begin while jobs wait in the queue. Shared says
	// that others use the queue too: at the end the run removes only its own jobs
	// and not the whole queue. A queue of a [jobqueue.Client] counts as shared
	// unless its name was made by [runname.Of].
	AllowNonEmpty, Shared bool
	// Begin is called right before the load begins, when everything is open;
	// End when its last job is accounted for, before anything is closed. They
	// are where a benchmark's timer starts and stops.
	Begin, End func()
	// Workers are those that were started for the run, nil when none were, and
	// Worker is the command that started them, without secrets.
	Workers Workers
	Worker  string
	// ServerEnded is closed when the server has ended for good: then a connection
	// that is lost ends the run at once, and is not opened again for half a
	// minute. nil means that it may come back.
	ServerEnded <-chan struct{}
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
