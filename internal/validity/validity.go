// Package validity judges from evidence whether the figures of a run can be
// believed: whether they are the server's and the workers' or those of the
// generator, of the process that measures, or of a strained host. It measures
// nothing itself and knows nothing of a run. Begin reading at [Judge].
package validity

import (
	"cmp"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/result"
)

// Undecided is the effect of a check that can neither pass nor fail.
const Undecided = "undecided"

// Evidence is what a run knows of itself. A nil pointer means not measured.
type Evidence struct {
	Closed bool // a closed loop: nothing was due at a time
	// Observed is a load that is somebody else's: what only he knows who sends the
	// jobs and takes them is not asked. Waiting is how many wait at its end.
	Observed bool
	Waiting  int64
	Error    string // what ended the run, if anything did
	Braked   string // which limit stopped or held back the load, if any did

	Completed  int64    // jobs of the window that arrived
	SentInTime *float64 // share of the window's jobs sent before its end
	LateShare  *float64 // share of jobs later than LateLimit
	LateLimit  time.Duration
	TailShare  *float64 // share of the slowest 1% that is mostly lateness
	Quantiles  []Quantile
	// FirstUnreadable is the first of the unreadable messages and why it is one, empty
	// where Braked tells of it.
	FirstUnreadable string
	Negative        int64 // jobs with a stage of negative length

	Resubscribed int64 // subscriptions that broke and were renewed
	Lost         int64 // jobs that did not arrive
	Duplicated   int64 // jobs that arrived more than once
	Unreadable   int64 // messages on the channel that are no updates
	Unconfirmed  int64 // subscriptions that did not answer at the end
	Unanswered   int64 // jobs lost whose push or publish had no answer
	LostPops     int64 // jobs at most that connections took with them that were lost
	Strangers    int64 // jobs that came home without having been popped by us
	Vanished     int64 // jobs that left the list and were not popped by us
	Evicted      int64 // keys that the server evicted
	PoolTimeouts int64 // waits for a connection that were given up

	Strain hoststat.Strain
	Probes Probes

	// The share of the consumers' time in which they had a job in hands, as
	// sampled and by the jobs' own stamps.
	WorkersBusy, WorkersSum *float64
	// Noise is a standard error, and Bias by how much the samples can be off all in
	// one direction: because they were late, or could not be taken for a while.
	WorkersNoise, WorkersBias float64
	// Length of the queue in the window, as sampled and by the stamps (Little).
	QueueLen, QueueSum    *float64
	QueueNoise, QueueBias float64 // in jobs

	Usage Usage

	Warmup       time.Duration  // what was left out
	WarmupNeeded *time.Duration // what MSER-5 says
	// WarmupExcess is by how much latency between the two differs from what
	// came after, as a ratio. Below a tenth it does not matter.
	WarmupExcess float64
	Settled      bool
	Drift        *float64      // ratio of the medians of the window's halves
	DriftSpreads float64       // their difference in spreads
	Stalled      time.Duration // the longest time in which the server answered nothing
	BacklogSlope *float64      // growth of the backlog as a share of the rate
	SlopeLimit   float64
}

// Quantile is one quantile of end_to_end and of from_send.
type Quantile struct {
	Name        string
	Whole, Sent time.Duration
	// Floor is the difference below which nobody need care.
	Floor time.Duration
}

// Probes are the control probes' latencies beside those of the jobs, all at the
// same quantile, whose name is At.
type Probes struct {
	At                 string
	Of                 string // the jobs' stage, empty for end_to_end
	Hiccup, Echo, Ping *time.Duration
	EndToEnd, Lateness *time.Duration
	Work, Queue        *time.Duration
	HiccupMax, PingMax *time.Duration
}

// stage is the jobs' stage with the quantile that all are at.
func (p Probes) stage() string { return cmp.Or(p.Of, "end_to_end") + "." + p.At }

// Judge judges the evidence. Notes qualify single figures without lowering the
// verdict; a result has them among its warnings.
func Judge(e Evidence) (v result.Validity, notes []string) {
	j := judge{e: e, v: result.Validity{Verdict: result.Valid, Reasons: []string{}, Checks: map[string]result.Check{}}}
	j.outcome()
	j.limit() // the cause of much that follows
	if !e.Closed {
		j.pace()
	}
	j.account()
	j.machine()
	if !e.Observed {
		j.laws()
	}
	j.settling()
	j.v.Triage, j.v.Usage = triage(e), result.Usage(e.Usage)
	return j.v, j.notes
}
