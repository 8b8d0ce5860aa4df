// Package compare compares a candidate with a baseline by runs of both.
//
// It orders the runs, checks whether the host is quiet, repeats disturbed pairs,
// ends when the pairs decide, and keeps the record from which every report is made.
// The caller supplies the function that makes a run; package paired evaluates the
// pairs. It starts no Redis and no process, and writes no file. Begin reading at
// [Compare], for stored results at [Stored].
package compare

import (
	"maps"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// Schema is the version of the layout of [Record] and [Calibration] as JSON.
const Schema = 1

// Side says which of the two a run is of.
type Side string

// The two sides.
const (
	Base      Side = "base"
	Candidate Side = "candidate"
)

// Record is everything that one comparison found out: what compare.json holds.
type Record struct {
	Schema int `json:"schema"`
	// Kind is "compare", so that it is not taken for the result of one run.
	Kind      string      `json:"kind"`
	Name      string      `json:"name"`
	Tool      result.Tool `json:"tool"`
	Host      result.Host `json:"host"`
	StartedAt time.Time   `json:"started_at"`
	EndedAt   time.Time   `json:"ended_at"`
	// Stored is true when the runs are stored results that were made earlier.
	Stored    bool `json:"stored"`
	Base      Arm  `json:"base"`
	Candidate Arm  `json:"candidate"`
	// Seed makes the order of the runs and their arrivals repeatable.
	Seed uint64 `json:"seed"`
	// MostPairs is how many pairs there may be, Looks after how many it is
	// looked whether they decide, Alpha the error of one look.
	MostPairs int     `json:"most_pairs"`
	Looks     []int   `json:"looks"`
	Alpha     float64 `json:"alpha"`
	// Calibrated is the source of the margins that were not given, empty when
	// they are the built-in ones.
	Calibrated  string `json:"calibrated,omitempty"`
	Interrupted bool   `json:"interrupted"`
	// Verdict is that of the comparison; it is invalid where the runs are, and
	// that of the figures else. Reasons say why.
	Verdict paired.Verdict  `json:"verdict"`
	Reasons []string        `json:"reasons"`
	Figures []paired.Figure `json:"figures"`
	// Pairs is how many pairs the figures come from, Repeated how many were made
	// again because the host was disturbed, LeftOut how many are excluded because
	// one of their runs is invalid.
	Pairs    int      `json:"pairs"`
	Repeated int      `json:"repeated"`
	LeftOut  int      `json:"left_out"`
	Runs     []Run    `json:"runs"`
	Warnings []string `json:"warnings"`
	// Benchmarks says how the figures of commands that print Go benchmarks are
	// named; null for runs.
	Benchmarks *Naming `json:"benchmarks,omitempty"`
	// Missing are the figures of the baseline that the candidate lacks and that
	// would decide, had both sides printed them.
	Missing []string `json:"missing,omitempty"`
}

// Arm is what one side runs.
type Arm struct {
	// Label is a short name for it.
	Label string `json:"label"`
	// Settings are what was asked for, by flag; what differs between the two
	// arms is what is compared.
	Settings map[string]string `json:"settings"`
	// Redis is the server of its last run, empty for a command that does not say.
	Redis result.Redis `json:"redis"`
	// Postgres is that of its last run, nil where jobs are not stored.
	Postgres *result.Postgres `json:"postgres,omitempty"`
}

// Difference is one setting that the arms do not share.
type Difference struct{ What, Base, Candidate string }

// Differences lists what is compared, by name.
func (r *Record) Differences() (all []Difference) {
	names := map[string]string{}
	maps.Copy(names, r.Base.Settings)
	maps.Copy(names, r.Candidate.Settings)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if a, b := r.Base.Settings[name], r.Candidate.Settings[name]; a != b {
			all = append(all, Difference{name, a, b})
		}
	}
	return all
}

// Run is one run of one side.
type Run struct {
	// Pair counts from 1; a pair that was made again keeps its number.
	Pair int    `json:"pair"`
	Side Side   `json:"side"`
	Seed uint64 `json:"seed"`
	// ID is the run's id, empty for a command.
	ID        string        `json:"id,omitempty"`
	StartedAt time.Time     `json:"started_at"`
	Took      time.Duration `json:"took_ns"`
	// Figures are the metrics that had a value, in the base unit of their kind.
	Figures map[string]float64 `json:"figures"`
	// Lines is how many benchmark lines each figure is the median of, for a
	// command that printed Go benchmarks.
	Lines map[string]int `json:"lines,omitempty"`
	// Lost is how many jobs were lost.
	Lost int64 `json:"lost"`
	// Validity is the run's own verdict, empty for a command, and Reasons why.
	Validity string   `json:"validity"`
	Reasons  []string `json:"reasons"`
	// Steal is the share of the CPUs' time that went to other machines.
	Steal float64 `json:"steal"`
	Idle  Idle    `json:"idle"`
	// Left says why the run does not count, empty when it does.
	Left string `json:"left,omitempty"`
	// File is the path of its result, relative to the record.
	File string `json:"file,omitempty"`
}

// Idle is the state of the host right before a run.
type Idle struct {
	// Busy is the share of the CPUs' time that other programs used.
	Busy float64 `json:"busy"`
	// Hiccup is how late a thread that only waits woke up (p90).
	Hiccup time.Duration `json:"hiccup_ns"`
	// Quiet says that both were within their limits.
	Quiet bool `json:"quiet"`
}

// The limits of a quiet host.
const (
	mostBusy   = 0.25
	mostHiccup = 2 * time.Millisecond
	mostSteal  = 0.05
)

// Judge says whether the host was quiet.
func (i Idle) Judge() Idle {
	i.Quiet = i.Busy <= mostBusy && i.Hiccup <= mostHiccup
	return i
}

// disturbed is how the host disturbed the run, empty if it did not. It ignores
// anything that the side itself could have caused.
func (r Run) disturbed() string {
	switch {
	case !r.Idle.Quiet:
		return "the host was busy before it"
	case r.Steal > mostSteal:
		return "the hypervisor gave much of the CPUs' time to other machines"
	}
	return ""
}

// FromResult takes from a result what a comparison needs.
func FromResult(res *result.Result) Run {
	r := Run{
		ID: res.Run.ID, Seed: res.Run.Seed, StartedAt: res.Run.StartedAt, Took: res.Run.EndedAt.Sub(res.Run.StartedAt),
		Lost: res.Ledger.Lost, Validity: res.Validity.Verdict, Reasons: append([]string{}, res.Validity.Reasons...),
		Figures: map[string]float64{},
	}
	for _, name := range Names() {
		if v, _, ok := res.Metric(name); ok {
			r.Figures[name] = v
		}
	}
	if c := res.Validity.Checks["steal"]; c.Value != nil {
		r.Steal = *c.Value
	}
	return r
}
