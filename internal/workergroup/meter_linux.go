package workergroup

import (
	"maps"
	"time"

	"golang.org/x/sys/unix"
)

// Metered reports whether [Group.Meter] can tell anything on this system.
const Metered = true

// Meter begins to measure the CPU time of the processes of the group.
// The function that it returns says what they have used since, all together. It
// costs a few milliseconds, and the same again to read.
//
// What counts is what the kernel has counted: of processes that are there, and of
// those that have ended and were waited for by one that is there. Where a
// process went in a way that leaves its time nowhere, or where the time is too
// too short for the resolution of the clock, nothing is known.
func (g *Group) Meter() (read func() (used time.Duration, known bool)) {
	before, ok := g.members.times()
	return func() (time.Duration, bool) {
		after, still := g.members.times()
		if !ok || !still {
			return 0, false
		}
		return between(before, after)
	}
}

// times is what one process has used.
type times struct {
	parent      int
	own, waited time.Duration
	coarse      bool // own is in ticks
}

// ownTime is the CPU time of a process' threads, those included that have
// ended, to the nanosecond.
func ownTime(pid int) (time.Duration, bool) {
	// clock_getcpuclockid(3): all bits of the number turned over, and in the last
	// three CPUCLOCK_SCHED.
	const sched = 2
	var t unix.Timespec
	if unix.ClockGettime(^int32(pid)<<3|sched, &t) != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}

// times looks until it has seen all members as they were at one moment, or nearly
// so: a process that ends between two looks must not be counted twice or not at
// all.
func (m *members) times() (map[id]times, bool) {
	const most = 20
	look := func() map[id]times {
		all := map[id]times{}
		for _, p := range m.list() {
			t := times{parent: p.parent, own: p.own, waited: p.waited, coarse: true}
			if own, ok := ownTime(p.pid); ok && !p.over {
				t.own, t.coarse = own, false
			}
			all[p.id] = t
		}
		return all
	}
	seen := look()
	for range most {
		again := look()
		same := maps.EqualFunc(seen, again, func(a, b times) bool { return a.parent == b.parent && a.waited == b.waited })
		if same {
			return again, true
		}
		seen = again
	}
	return nil, false
}

// blur is what a figure in ticks may be off by: user and system time are each
// rounded down to one.
const blur = 2 * tick

// between is the difference of two looks, and whether it can be relied upon to
// within a twentieth.
func between(before, after map[id]times) (used time.Duration, known bool) {
	const precision = 20
	var off time.Duration
	for who, t := range after {
		b, was := before[who]
		used += t.own - b.own + t.waited - b.waited
		if t.waited != b.waited {
			off += blur
		}
		if t.coarse || was && b.coarse {
			off += blur
		}
	}
	gone, known := orphaned(before, after)
	used -= gone
	return used, known && used > 0 && off <= used/precision
}

// orphaned is what processes that are gone had used when they were seen. It is
// known of a process whose parent is still there and has waited for it: then it
// has come up among the time of the parent's children.
func orphaned(before, after map[id]times) (used time.Duration, known bool) {
	waited := map[int]time.Duration{}
	for who, then := range before {
		if now, is := after[who]; is {
			waited[who.pid] = now.waited - then.waited + blur
		}
	}
	for who, then := range before {
		if _, is := after[who]; is {
			continue
		}
		used += then.own + then.waited
		if waited[then.parent] -= then.own + then.waited; waited[then.parent] < 0 {
			return 0, false
		}
	}
	return used, true
}
