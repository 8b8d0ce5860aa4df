package result

// Observation is what was seen of an external load and its workers.
type Observation struct {
	// Updates are those heard from the beginning to the end, warm-up included.
	Updates Updates `json:"updates"`
	// Alone counts jobs that ended and whose RUNNING was not heard, Forgotten
	// those whose RUNNING was, too long ago to be remembered, and Open those that
	// had begun and not ended when the run was over.
	Alone     int64 `json:"ended_without_running"`
	Forgotten int64 `json:"forgotten"`
	Open      int64 `json:"open"`
	// Unpaired is how many jobs count as infinitely long in [Running]: those of
	// the window that ended and whose RUNNING was not heard, the forgotten and
	// the open ones. Without any RUNNING update it is zero.
	Unpaired int64 `json:"unpaired"`
	// Backlog is the length of the queue in the window.
	Backlog ObservedBacklog `json:"backlog"`
	// ArrivedPerS is about how many jobs came in each second of the window: those
	// that ended, and the backlog's last length less its first. It does not
	// include the change in the number of jobs in progress. Nil without a backlog.
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

// Updates counts messages on the channel by their status.
type Updates struct {
	Running    int64 `json:"running"`
	Completed  int64 `json:"completed"`
	Failed     int64 `json:"failed"`
	Other      int64 `json:"other"`      // updates with another status
	Unreadable int64 `json:"unreadable"` // messages that are not updates
}

// Messages is the number of all messages.
func (u Updates) Messages() int64 {
	return u.Running + u.Completed + u.Failed + u.Other + u.Unreadable
}

// Ended is the number of jobs that ended.
func (u Updates) Ended() int64 { return u.Completed + u.Failed }

// Unrecognized is a message on the channel that was not understood. It helps to
// find out what external workers publish.
type Unrecognized struct {
	// Message is the first 120 bytes of the message at most, quoted as in Go, so
	// that it is safe on a terminal.
	Message string `json:"message"`
	// Reason is why it was not understood.
	Reason string `json:"reason"`
	// Mapping is an update mapping that would probably read the message, see
	// [jobqueue.ParseMapping]; empty where there is no guess.
	Mapping string `json:"mapping,omitempty"`
}

// String is the message and why it was not understood.
func (u *Unrecognized) String() string { return u.Message + ": " + u.Reason }
