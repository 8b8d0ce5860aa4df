// Package study searches the capacity of a scenario on a real job queue.
//
// It makes runs of a scenario into trials that package capacity can search with,
// judges each of them, and keeps the record from which every report of the
// search can be made again. It starts no Redis and writes no file. Begin reading
// at [Lab.Probe], and at [Judge] for what makes a trial good.
package study

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Schema is the version of the layout of [Record] as JSON.
const Schema = 1

// Record is everything that one search found out: what capacity.json holds.
type Record struct {
	Schema int `json:"schema"`
	// Kind is "capacity", so that it is not taken for the result of one run.
	Kind string      `json:"kind"`
	Tool result.Tool `json:"tool"`
	// StartedAt and EndedAt are of the last stretch of the search: it may have been gone on with.
	StartedAt time.Time    `json:"started_at"`
	EndedAt   time.Time    `json:"ended_at"`
	Redis     result.Redis `json:"redis"`
	// Postgres is that of the last trial, nil where jobs are not stored.
	Postgres *result.Postgres `json:"postgres,omitempty"`
	Host     result.Host      `json:"host"`
	// Scenario is what the trials vary in rate and length.
	Scenario scenario.Scenario `json:"scenario"`
	// Worker is the command that worked on the jobs, with its secrets hidden; empty
	// where the consumers were the search's own.
	Worker string `json:"worker,omitempty"`
	// Queue and Channel are the names that were given for workers that run already;
	// empty means names of the search's own, or the default ones of an API.
	Queue   string `json:"queue,omitempty"`
	Channel string `json:"channel,omitempty"`
	// SLO are the limits that a trial has to keep, as package threshold writes them.
	SLO []string `json:"slo"`
	// Trial and Confirm are the lengths of short and of confirming trials.
	Trial   time.Duration `json:"trial_ns"`
	Confirm time.Duration `json:"confirm_ns"`
	Budget  time.Duration `json:"budget_ns"`
	// Horizon is for how long a rate has to hold the SLO, 0 in records that do not
	// say; those mean [Horizon].
	Horizon time.Duration `json:"horizon_ns,omitempty"`
	// Interrupted is true when the search was stopped from outside.
	Interrupted bool             `json:"interrupted"`
	Answer      capacity.Answer  `json:"answer"`
	Trials      []capacity.Trial `json:"trials"`
	// Curve holds the trials of the curve in the order in which they were made,
	// Points what they say together; both are empty without one.
	Curve  []capacity.Trial `json:"curve"`
	Points []capacity.Point `json:"points"`
	Knee   *capacity.Knee   `json:"knee"`
	// Vary is what is varied. Then Cells holds a search for every combination of
	// values, and Answer, Trials and Curve are empty.
	Vary  []Dimension `json:"vary,omitempty"`
	Cells []Cell      `json:"cells,omitempty"`
	// Scaling is the law of scaling fitted to the cells, or why it was not; nil
	// where nothing or more than one field is varied.
	Scaling  *capacity.Scaling `json:"scaling,omitempty"`
	Warnings []string          `json:"warnings"`
}
