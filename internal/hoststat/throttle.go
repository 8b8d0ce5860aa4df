package hoststat

import (
	"io/fs"
	"math"
	"time"
)

// Throttling is what a CPU limit did between two snapshots, to everything in the
// cgroup that it is set on.
type Throttling struct {
	CPULimit
	// Periods are those in which the cgroup wanted to run, Throttled those of them
	// in which it was stopped because its time was used up.
	Periods, Throttled int64
	// Time is for how long it was stopped, added up over the CPUs.
	Time time.Duration
	// Share is Throttled over all periods, nil where nothing counts them.
	Share *float64
}

// limits is the state of the cgroups at one moment.
type limits struct {
	groups []group
	err    error
	counts map[string]counters // by directory
	cpus   int
}

func readLimits(fsys fs.FS, cpus int) limits {
	l := limits{cpus: cpus, counts: map[string]counters{}}
	l.groups, l.err = readGroups(fsys)
	for _, g := range l.groups {
		if c, ok := g.readCounters(fsys); ok {
			l.counts[g.dir] = c
		}
	}
	return l
}

// until is what the limits did up to a later moment. Of nested cgroups it tells of
// the one that was throttled most, and of the tightest when none was.
func (l limits) until(later limits) Throttling {
	out := Throttling{CPULimit: tightest(l.groups, l.err, l.cpus)}
	if now := tightest(later.groups, later.err, later.cpus); out.CPUs == 0 || now.CPUs > 0 && now.CPUs < out.CPUs {
		out.CPULimit = now // it was changed meanwhile
	}
	tight := out.CPULimit
	for _, g := range later.groups {
		a, ok1 := l.counts[g.dir]
		b, ok2 := later.counts[g.dir]
		if !ok1 || !ok2 || g.limit <= 0 || g.limit >= float64(later.cpus) {
			continue
		}
		t := Throttling{
			CPULimit: CPULimit{CPUs: g.limit, Source: g.source, Unknown: tight.Unknown},
			Periods:  max(0, b.periods-a.periods), Throttled: max(0, b.throttled-a.throttled), Time: max(0, b.time-a.time),
		}
		t.Share = share(0, 1)
		if t.Periods > 0 {
			t.Share = share(float64(t.Throttled), float64(t.Periods))
		}
		if out.Share == nil && g.source == tight.Source || t.Throttled > out.Throttled || t.Throttled > 0 && t.Throttled == out.Throttled && g.limit < out.CPUs {
			out = t
		}
	}
	return out
}

// Allowed is how many CPUs' time this process may use at most: those it may run
// on at once, and no more than the limit.
func (l CPULimit) Allowed(parallel int) float64 {
	if l.CPUs <= 0 {
		return float64(parallel)
	}
	return math.Min(float64(parallel), l.CPUs)
}
