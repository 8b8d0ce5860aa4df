// Package capacity searches for the highest rate that a system carries.
//
// It is for any system that can be tried at a rate and be found good or bad
// there: what a trial is, and what makes it good, is the caller's [Probe]. The
// search bears noise: trials near the limit come out either way, and now and
// then a trial fails for no reason at all. It never takes one trial's word for
// anything, and an answer that it could not confirm says so.
//
// The package starts nothing, reads no clock and knows neither Redis nor
// scenarios; package study makes trials of them. Begin reading at [Search].
package capacity

import (
	"cmp"
	"context"
	"math"
	"time"
)

// Kind says what a trial is for.
type Kind string

// The kinds of trials.
const (
	Ceiling Kind = "ceiling" // a closed loop, as fast as it goes: where to look, and at the end whether that has moved
	Short   Kind = "search"  // one step of the search
	Long    Kind = "confirm" // a trial that is to confirm the answer
)

// Verdict is what a trial found.
type Verdict string

// The verdicts. An invalid trial says nothing about the system: the load generator
// or the host gave out first. An inconclusive one was too short to tell; a [Probe]
// makes it longer, up to [Trial.Longest], and calls it bad if that does not help.
const (
	Good         Verdict = "good"
	Bad          Verdict = "bad"
	Invalid      Verdict = "invalid"
	Inconclusive Verdict = "inconclusive"
)

// Trial is one trial: what was asked for, and what came out.
type Trial struct {
	// N numbers the trials of a search from 1.
	N    int  `json:"n"`
	Kind Kind `json:"kind"`
	// Rate is what is to be offered, in jobs per second; 0 for a ceiling.
	Rate float64 `json:"rate_per_s"`
	// Again is true of a ceiling that is made once more because trials held where it
	// says that none can.
	Again bool `json:"again,omitempty"`
	// Length is for how long the load is to be measured.
	Length time.Duration `json:"length_ns"`
	// Longest is how long the trial may become where Length is too short to tell
	// good from bad. It is at least Length.
	Longest time.Duration `json:"-"`
	// Within is what the trial may take with everything, its draining included.
	// Zero means no limit.
	Within time.Duration `json:"-"`
	Outcome
}

// measured is how long the load was measured.
func (t Trial) measured() time.Duration { return cmp.Or(t.Measured, t.Length) }

// Outcome is what a [Probe] found.
type Outcome struct {
	Verdict Verdict `json:"verdict"`
	// Passing is true for an invalid trial whose cause may pass by itself, such as
	// other programs on the host. The search puts up with more of these.
	Passing bool `json:"passing"`
	// Reasons say why a trial was not good.
	Reasons []string `json:"reasons"`
	// Achieved is the rate that came out at the end, in jobs per second. Of a
	// ceiling it is all that counts, with Error, its standard error.
	Achieved float64 `json:"achieved_per_s"`
	Error    float64 `json:"achieved_error_per_s,omitempty"`
	// Bound is set for a ceiling that kept everything busy that limits the system:
	// no load of any kind can be carried at a higher rate, but for chance. 0 means
	// that another load may be.
	Bound float64 `json:"bound_per_s,omitempty"`
	// Measured is for how long the load was measured where that is not Length: a
	// trial that was too short to tell becomes longer.
	Measured time.Duration `json:"measured_ns,omitempty"`
	// Took is how long the trial occupied the system, set-up and draining
	// included. The budget of the search is spent in it.
	Took time.Duration `json:"took_ns"`
	// Limit is what was nearest to its limit, as far as the probe can tell.
	Limit Limit `json:"limit"`
	// Run identifies the run behind the trial, where there is one.
	Run string `json:"run,omitempty"`
	// Figures are metrics of the trial, in the base units of package metric; what
	// has no value is missing.
	Figures map[string]float64 `json:"figures"`
}

// Limit names a part of the system and how much of it was in use.
type Limit struct {
	// Part is redis, workers, postgres, api, backend, generator, host, cpu_limit,
	// in_flight or empty.
	Part   string `json:"part"`
	Detail string `json:"detail"`
	// External says that other programs on the host used it up.
	External bool `json:"external,omitempty"`
	// Used is the share in use by part, 1 being all of it.
	Used map[string]float64 `json:"used"`
}

// Probe tries the system as the trial says: Kind, Rate and Length are set. It
// leaves the system as it found it, with nothing in its queues. An error ends
// the search; [ErrCut] and [ErrLate] do so without being one.
type Probe func(ctx context.Context, t Trial) (Outcome, error)

// Status says how good an answer is.
type Status string

// The statuses.
const (
	// Confirmed: the rate held in confirming trials.
	Confirmed Status = "confirmed"
	// Estimated: trials were too few, or too contradictory, to confirm it.
	Estimated Status = "estimated"
	// AtLeast: the rate held, and what made the load gave out above it.
	AtLeast Status = "at_least"
	// NoRate: no rate was found at which the system is good.
	NoRate Status = "no_rate"
	// Unknown: there is nothing to say yet.
	Unknown Status = "unknown"
)

// Answer is what a search found, or knows so far.
type Answer struct {
	Status Status `json:"status"`
	// Rate is the answer in jobs per second; 0 without one.
	Rate float64 `json:"rate_per_s"`
	// Low, Median and High are the 10%, 50% and 90% quantiles of what is
	// believed of the capacity after all trials.
	Low    float64 `json:"low_per_s"`
	Median float64 `json:"median_per_s"`
	High   float64 `json:"high_per_s"`
	// ConfirmedRate is the highest rate that is confirmed. ConfirmedTrials trials of at
	// least ConfirmedFor held at that rate or a higher one; ConfirmedAgainst, which are
	// fewer, failed at that rate or a lower one. RefutedRate is the lowest rate above the
	// answer that failed. 0 means none.
	ConfirmedRate    float64       `json:"confirmed_per_s"`
	ConfirmedTrials  int           `json:"confirmed_trials,omitempty"`
	ConfirmedAgainst int           `json:"confirmed_against,omitempty"`
	ConfirmedFor     time.Duration `json:"confirmed_trial_ns,omitempty"`
	RefutedRate      float64       `json:"refuted_per_s"`
	// LoopBefore and LoopAfter are what the closed loops carried that began and
	// ended the search, in jobs per second. 0 means that there was none.
	LoopBefore float64 `json:"closed_loop_before_per_s"`
	LoopAfter  float64 `json:"closed_loop_after_per_s"`
	// Why says in words what ended the search.
	Why string `json:"why"`
	// Limit is what gave out, by the trials next to the answer.
	Limit Limit `json:"limit"`
	// Counts of trials, and the time that they took together.
	Trials  int           `json:"trials"`
	Invalid int           `json:"invalid_trials"`
	Took    time.Duration `json:"took_ns"`
}

// steady is by how much two closed loops may differ without it meaning much.
const steady = 0.15

// Drift is by how much the closed loop that ended the search carried more than
// the one that began it, as a share of the latter: the same load on the same
// system, so that it is what the host gave that has changed. It is 0 while there
// are not both. Drifted reports whether it is so much that another search may
// well end elsewhere: a belief knows nothing of it, since all trials are to it
// of one system.
func (a Answer) Drift() float64 {
	if !(a.LoopBefore > 0 && a.LoopAfter > 0) {
		return 0
	}
	return a.LoopAfter/a.LoopBefore - 1
}

// Drifted is described at [Answer.Drift].
func (a Answer) Drifted() bool { return math.Abs(math.Log1p(a.Drift())) > math.Log1p(steady) }

// Narrow reports whether what is believed possible lies within a quarter above
// the answer. A confirmed answer that is not narrow is a lower bound and little
// more: a longer search would find a higher one.
func (a Answer) Narrow() bool { return a.Rate > 0 && a.High <= 1.25*a.Rate }
