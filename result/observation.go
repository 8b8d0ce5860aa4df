package result

import "github.com/queuedyno/queuedyno/internal/observe"

// Observation is what was seen of a load and of workers that are somebody else's.
type Observation struct {
	// Updates are those heard from the beginning to the end, warm-up included.
	Updates observe.Counts `json:"updates"`
	// Alone counts jobs that ended and whose RUNNING was not heard, Forgotten
	// those whose RUNNING was, too long ago to be remembered, and Open those that
	// had begun and not ended when the run was over.
	Alone     int64 `json:"ended_without_running"`
	Forgotten int64 `json:"forgotten"`
	Open      int64 `json:"open"`
	// Unpaired is how many jobs count as infinitely long in [Running]: those of
	// the window that ended and whose RUNNING was not heard, the forgotten and
	// the open ones. Where nobody says RUNNING at all it is zero.
	Unpaired int64 `json:"unpaired"`
	// Backlog is the length of the queue in the window.
	Backlog ObservedBacklog `json:"backlog"`
	// ArrivedPerS is about how many jobs came in each second of the window: those
	// that ended, and the backlog's last length less its first. By how much the
	// jobs in the workers' hands grew or shrank is not in it. Nil without a backlog.
	ArrivedPerS *float64 `json:"arrived_per_s"`
}

// ObservedBacklog is the length of a queue over a time. What could not be asked
// is nil.
type ObservedBacklog struct {
	// Mean is over samples at random moments, First the first of them, Last the
	// length at the end, and Max the highest there was, warm-up included.
	Mean  *float64 `json:"mean"`
	First *int64   `json:"first"`
	Last  *int64   `json:"last"`
	Max   *int64   `json:"max"`
	// PerS is by how much it grew each second (least squares), nil when that is no
	// more than it may seem to by chance; DrainS in how many seconds it will be
	// empty if that goes on, nil when it does not fall.
	PerS   *float64 `json:"per_s"`
	DrainS *float64 `json:"drain_s"`
}
