// Package usage says how much a run used of everything that may limit it, and which
// part was at its limit. It is the one rule for that: the triage of a run, a search
// for the capacity and the reports all ask it. Begin reading at [Usage.Limit].
package usage

import (
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/result"
)

// Usage answers questions about what a run used.
type Usage result.Usage

// The parts of a run that can be at their limits, or slow down its jobs.
const (
	Generator = "generator" // jobs were sent late
	Client    = "client"    // this process, beyond what the host does to any other
	Redis     = "redis"     // the server, or the network to it
	Workers   = "workers"   // the consumers are busy
	Postgres  = "postgres"  // every connection to the database executes a statement
	API       = "api"       // every connection to the user's API waits for an answer
	Backend   = "backend"   // the Postgres or the API of the entry uses the CPUs of this host
	Host      = "host"      // every process on this host is held up
	CPULimit  = "cpu_limit" // a CPU limit throttles this process
	InFlight  = "in_flight" // a closed loop keeps too few jobs in flight to use anything up
)

// From which share in use on a part is at its limit, or near it.
const (
	nearLimit = 0.70
	AtLimit   = 0.85 // the workers, the CPUs of this process, the one of Redis
	// A host with short waits for the network shows no more than this: with two
	// CPUs, 80% busy is one full CPU and most of the other.
	hostFull = 0.80
	// Where the host is full, Redis is blamed only when it had a whole CPU: if it
	// had less, the host limited it.
	wholeCPU = 0.95
	// The host limits the run by itself only if most of its work is the run's. As
	// long as there is idle time left, the probes show what other programs take.
	minOwn = 0.70
	noIdle = 0.95
	// MostForeign is the share of the host's CPUs that others may use before a
	// trial that went wrong is no longer held against the system.
	MostForeign = 0.25
	// A limit that throttles this process in a quarter of its periods binds; in one
	// period of a hundred it already shows in the p99.
	throttledMuch = 0.25
	ThrottledSome = 0.01
)

// Limit says what was at its limit.
//
// A part is blamed only if it was itself at its limit, in the order in which one
// explains another: a CPU limit slows everything down; workers that spend all their
// time on work are the limit, however busy the rest is; a full host makes round trips
// slow, so that consumers seem busy. The number of jobs in flight limits a closed
// loop only when nothing else is near its limit.
func (u Usage) Limit() result.Limit {
	l := result.Limit{Part: u.part(), Near: u.near()}
	if l.Part == Host && !u.full() || l.Part == Generator && !u.full() && Share(u.Generator) < AtLimit {
		l.External = true
	}
	for i, part := range l.Near {
		if part == l.Part {
			copy(l.Near[1:i+1], l.Near[:i])
			l.Near[0] = part
		}
	}
	return l
}

func (u Usage) part() string {
	full, redis, workers := u.full(), Share(u.Redis), Share(u.Workers)
	switch {
	case u.throttled():
		return CPULimit
	case workers >= AtLimit && u.Work >= minOwn:
		return Workers
	case Share(u.Generator) >= AtLimit && u.limited():
		return CPULimit // how often it throttled this process is not counted
	case Share(u.Generator) >= AtLimit:
		return Generator
	case redis >= wholeCPU || redis >= AtLimit && !full:
		return Redis
	case !full && u.EntryHere && Share(u.Postgres) >= AtLimit:
		return Postgres
	case !full && u.EntryHere && Share(u.API) >= AtLimit:
		return API
	case u.backend():
		return Backend
	case full && (u.RedisHere || u.EntryHere), u.External() >= MostForeign && Share(u.Host) >= noIdle && u.RedisHere:
		return Host
	case full, u.External() >= MostForeign && Share(u.Host) >= noIdle:
		return Generator
	case Share(u.Postgres) >= AtLimit:
		return Postgres
	case Share(u.API) >= AtLimit:
		return API
	case workers >= AtLimit:
		return Workers
	case u.InFlight > 0 && len(u.near()) == 0 && u.Host != nil && u.Generator != nil:
		return InFlight
	}
	return ""
}

// near are the parts that are near their limits.
func (u Usage) near() []string {
	near := []string{}
	for _, p := range []struct {
		name  string
		share *float64
		from  float64
	}{
		{CPULimit, u.Throttled, ThrottledSome}, {Workers, u.Workers, nearLimit}, {Redis, u.Redis, nearLimit},
		{Postgres, u.Postgres, nearLimit}, {API, u.API, nearLimit},
		{Host, u.Host, nearLimit}, {Generator, u.Generator, nearLimit},
	} {
		if Share(p.share) >= p.from {
			near = append(near, p.name)
		}
	}
	return near
}

// Share is the value, 0 when it was not measured.
func Share(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// throttled reports whether a CPU limit binds.
func (u Usage) throttled() bool { return Share(u.Throttled) >= throttledMuch }

// limited reports whether a CPU limit is what bounds this process.
func (u Usage) limited() bool { return u.CPULimit > 0 && u.AllowedCPUs >= u.CPULimit }

// full reports whether the CPUs of this host have little left to give, and most
// of their work is the run's. What the Postgres or the API of the entry uses is not
// measured: if one of them is here, the host is full when it has nothing left.
func (u Usage) full() bool {
	own := u.own()
	if u.EntryHere && Share(u.Host) >= noIdle {
		return true
	}
	return own >= hostFull || u.Host != nil && *u.Host >= hostFull && own >= minOwn**u.Host
}

// backend reports whether the CPUs of this host have nothing left to give, and little of
// their work is this process's: what was tried limits itself there.
func (u Usage) backend() bool {
	return u.EntryHere && Share(u.Host) >= noIdle && u.ownCPUs() <= (1-minOwn)**u.Host*float64(u.CPUs)
}

// own is the share of this host's CPUs that this process used, with the workers
// that were started for the run, and Redis where it runs here.
func (u Usage) own() float64 {
	if u.CPUs == 0 {
		return 0
	}
	used := u.ownCPUs() + Share(u.WorkerCPUs)
	if u.RedisHere {
		used += Share(u.Redis)
	}
	return used / float64(u.CPUs)
}

// Bounded is the usage with a host that is at least as busy as what is known to run on it.
// The counters of a host may miss work that is shorter than their tick; those of a process
// do not.
func (u Usage) Bounded() Usage {
	if u.Host != nil {
		u.Host = new(min(1, max(*u.Host, u.own())))
	}
	return u
}

// ownCPUs is how many CPUs this process used.
func (u Usage) ownCPUs() float64 { return Share(u.Generator) * u.AllowedCPUs }

// External is the share of the host's CPUs that other programs used, 0 where it is not
// known: where the Postgres or the API of the entry is one of them.
func (u Usage) External() float64 {
	if u.Host == nil || u.EntryHere {
		return 0
	}
	return max(0, *u.Host-u.own())
}

// Shares are the shares in use by part.
func (u Usage) Shares() map[string]float64 {
	out := map[string]float64{}
	for part, v := range map[string]*float64{Redis: u.Redis, Generator: u.Generator, Host: u.Host, Workers: u.Workers, CPULimit: u.Throttled, Postgres: u.Postgres, API: u.API} {
		if v != nil {
			out[part] = *v
		}
	}
	return out
}

// Words are the shares in use, "host CPU 89%, consumers 89%", empty when none was
// measured.
func (u Usage) Words() string {
	var out []string
	for _, part := range []string{Generator, Host, Redis, Postgres, API, Workers, CPULimit} {
		if w := u.words(part); w != "" {
			out = append(out, w)
		}
	}
	if u.InFlight > 0 && len(out) > 0 {
		out = append(out, fmt.Sprintf("%d jobs in flight", u.InFlight))
	}
	return strings.Join(out, ", ")
}

// words are the share in use of one part.
func (u Usage) words(part string) string {
	v, ok := u.Shares()[part]
	if !ok {
		return ""
	}
	format := map[string]string{
		Generator: "generator %s of its " + CPUs(u.AllowedCPUs),
		Host:      "host CPU %s",
		Redis:     "Redis %s of one CPU",
		Postgres:  "connections to Postgres %s",
		API:       "connections to the API %s",
		Workers:   "consumers %s",
		CPULimit:  "CPU limit throttled in %s of its periods",
	}[part]
	return fmt.Sprintf(format, Percent(v))
}

// Percent writes a share.
func Percent(v float64) string { return fmt.Sprintf("%.0f%%", 100*v) }

// CPUs writes a number of CPUs.
func CPUs(n float64) string {
	if n == 1 {
		return "1 CPU"
	}
	return fmt.Sprintf("%.3g CPUs", n)
}
