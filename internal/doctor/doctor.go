// Package doctor says what would spoil a measurement before it is made: on this host, in
// the Redis under test, at the other ends of the scenarios and in the scenarios. Each
// finding says what it means and what to do about it. [Measure] and [Reach] collect the
// facts and change only what the checks of a run make and remove; [Judge] judges facts, wherever they are from. It repairs
// nothing. Begin reading at Judge.
package doctor

import (
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Level says how bad something is.
type Level string

// The levels, from good to bad.
const (
	OK      Level = "ok"
	Unknown Level = "unknown" // could not be found out here
	Note    Level = "note"    // good to know; the figures can be trusted
	Suspect Level = "suspect" // figures would be doubtful
	Invalid Level = "invalid" // a run would be invalid, undecided, or not possible
)

// Check is one question and its answer.
type Check struct {
	// Name is that of the check, such as host.steal. It does not change between releases.
	Name  string `json:"name"`
	Level Level  `json:"level"`
	// Scenario is the one that the check is about, empty where it is about none or all.
	Scenario string `json:"scenario,omitempty"`
	// Found is what is the case. Means is what that does to a measurement, and Remedy what
	// to do about it; both are empty where all is well.
	Found  string `json:"found"`
	Means  string `json:"means,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Value was held against Limit, both in Unit; nil where the answer is no number.
	Value *float64 `json:"value,omitempty"`
	Limit *float64 `json:"limit,omitempty"`
	Unit  string   `json:"unit,omitempty"`
}

// Spread is how a latency is distributed, as far as few samples can say.
type Spread struct {
	P50 time.Duration `json:"p50_ns"`
	// High is the highest quantile that the samples carry, and At its name, such as p95.
	High time.Duration `json:"high_ns"`
	At   string        `json:"at"`
}

// Host are the facts of this host and this process.
type Host struct {
	result.Host
	hoststat.Settings
	// Stat is what went on while the facts were collected.
	Stat hoststat.Stat `json:"-"`
	// Connections is how many connections this process may have open, 0 for no limit.
	Connections int64 `json:"connections,omitempty"`
	// Tick is the smallest step of the clock that was seen.
	Tick time.Duration `json:"tick_ns,omitempty"`
	// Wakeup is by how much a thread that only waits wakes too late, nil where it was not
	// measured.
	Wakeup *Spread `json:"wakeup,omitempty"`
}

// Allowed is how many CPUs' time this process may use.
func (h Host) Allowed() float64 {
	return hoststat.CPULimit{CPUs: h.CPULimit}.Allowed(min(h.CPUs, h.GOMAXPROCS))
}

// Redis are the facts of the Redis under test.
type Redis struct {
	result.Redis
	// Facts are what the server says of itself.
	Facts redisfacts.Facts `json:"-"`
	// Unusable are errors that would keep a run from starting: the server cannot be
	// reached, takes no writes, has no room, or lacks a permission.
	Unusable []error `json:"-"`
	// RoundTrip is that of a PING from here.
	RoundTrip *Spread `json:"round_trip,omitempty"`
	// Foreign is how many commands of other clients it carried out each second, and
	// Waiting how many other clients waited in a command. Foreign is nil where the server
	// does not say.
	Foreign *float64 `json:"foreign_commands_per_s,omitempty"`
	Waiting int64    `json:"foreign_waiting,omitempty"`
	// Remarks are what is to be said about the kind of server.
	Remarks []string `json:"-"`
}

// Sending is how fast this host can send and receive jobs that do nothing, as a short run
// showed.
type Sending struct {
	// Scenario is the one whose pools and payloads were used.
	Scenario string `json:"scenario"`
	// Rate is in jobs/s, and CPU the time of this process for each job.
	Rate float64       `json:"jobs_per_s"`
	CPU  time.Duration `json:"cpu_per_job_ns,omitempty"`
}

// Facts are everything that is judged. A nil pointer means that it is not judged.
type Facts struct {
	Host      Host                `json:"host"`
	Redis     *Redis              `json:"redis,omitempty"`
	Ends      []End               `json:"ends,omitempty"`
	Sending   *Sending            `json:"sending,omitempty"`
	Scenarios []scenario.Scenario `json:"-"`
}

// Report is what was found.
type Report struct {
	// Verdict is the worst level of the checks: ok, note, suspect or invalid.
	Verdict Level `json:"verdict"`
	Facts
	// Names are those of the scenarios.
	Names  []string `json:"scenarios"`
	Checks []Check  `json:"checks"`
}

// Judge judges facts. It is a pure function.
func Judge(f Facts) Report {
	f.Scenarios = slices.Clone(f.Scenarios)
	for i, s := range f.Scenarios {
		f.Scenarios[i] = s.WithDefaults()
	}
	j := &judge{f: f}
	j.host(f.Host)
	if f.Redis != nil {
		j.redis(*f.Redis)
	}
	for _, e := range f.Ends {
		j.end(e)
	}
	for _, s := range f.Scenarios {
		j.scenario(s)
	}
	r := Report{Verdict: OK, Facts: f, Names: []string{}, Checks: j.checks}
	for _, s := range f.Scenarios {
		r.Names = append(r.Names, s.Name)
	}
	for _, c := range j.checks {
		if c.Level.rank() > r.Verdict.rank() && c.Level != Unknown {
			r.Verdict = c.Level
		}
	}
	return r
}

// Found are the checks that found something, the worst first.
func (r Report) Found() (all []Check) {
	for _, level := range []Level{Invalid, Suspect, Note} {
		for _, c := range r.Checks {
			if c.Level == level {
				all = append(all, c)
			}
		}
	}
	return all
}

// rank orders the levels.
func (l Level) rank() int {
	switch l {
	case Invalid:
		return 3
	case Suspect:
		return 2
	case Note:
		return 1
	}
	return 0
}

// judge asks one question after the other.
type judge struct {
	f      Facts
	checks []Check
}

// ok notes that all is well.
func (j *judge) ok(name, found string) {
	j.checks = append(j.checks, Check{Name: name, Level: OK, Found: found})
}

// unknown notes what could not be found out.
func (j *judge) unknown(name, why string) {
	j.checks = append(j.checks, Check{Name: name, Level: Unknown, Found: why})
}

// find notes a finding.
func (j *judge) find(name string, level Level, found, means, remedy string) *Check {
	j.checks = append(j.checks, Check{Name: name, Level: level, Found: found, Means: means, Remedy: remedy})
	return &j.checks[len(j.checks)-1]
}

// hold holds a value against a limit. Where that is bad it is a finding of the level.
func (j *judge) hold(name string, bad bool, level Level, value, limit float64, unit, found, means, remedy string) *Check {
	c := Check{Name: name, Level: OK, Found: found, Value: &value, Limit: &limit, Unit: unit}
	if bad {
		c.Level, c.Means, c.Remedy = level, means, remedy
	}
	j.checks = append(j.checks, c)
	return &j.checks[len(j.checks)-1]
}
