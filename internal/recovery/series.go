package recovery

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sort"
	"time"
)

// outcome is a job at a moment, and how long it took: [Never] for a lost one.
type outcome struct{ at, took int64 }

// series are the jobs of an input in the orders in which they are searched.
type series struct {
	every int64
	due   []outcome // all, by when they were due
	ends  []outcome // those that ended, by when
	// heard are the ends and, by when they were due, the lost ones.
	heard []outcome
	// entered are the due times of those that ended: the backlog grows at each.
	entered []int64
}

func newSeries(in Input) *series {
	s := &series{every: max(1, in.Every), due: make([]outcome, 0, len(in.Jobs)), ends: make([]outcome, 0, len(in.Jobs)), entered: make([]int64, 0, len(in.Jobs))}
	for _, j := range in.Jobs {
		if j.Ended == Never {
			s.due = append(s.due, outcome{j.Due, Never})
			continue
		}
		s.due = append(s.due, outcome{j.Due, j.Ended - j.Due})
		s.ends = append(s.ends, outcome{j.Ended, j.Ended - j.Due})
		s.entered = append(s.entered, j.Due)
	}
	order := func(a, b outcome) int { return cmp.Compare(a.at, b.at) }
	slices.SortFunc(s.due, order)
	slices.SortFunc(s.ends, order)
	slices.Sort(s.entered)
	s.heard = s.ends
	if len(s.ends) < len(s.due) {
		s.heard = slices.Clone(s.ends)
		for _, o := range s.due {
			if o.took == Never {
				s.heard = append(s.heard, o)
			}
		}
		slices.SortFunc(s.heard, order)
	}
	return s
}

// first is when the first job was due.
func (s *series) first() int64 {
	if len(s.due) == 0 {
		return 0
	}
	return s.due[0].at
}

// from is the index of the first outcome at that moment or later.
func from(all []outcome, at int64) int {
	return sort.Search(len(all), func(i int) bool { return all[i].at >= at })
}

// calm is what is known of the time before a fault.
type calm struct {
	Before
	known bool
	// In units of the jobs that are recorded, of which each represents several.
	backlog          int64
	meanGap, longest int64 // between notifications
	slowest          int64 // the longest time a job took
	perSecond        float64
}

// calm looks at the 5 s before a moment, or as far back as it takes for so many jobs,
// and not beyond the floor.
func (s *series) calm(floor, begin int64) calm {
	hi := from(s.ends, begin)
	start := max(floor, begin-lookBack)
	lo := from(s.ends, start)
	if hi-lo < leastJobs {
		lo = max(from(s.ends, floor), hi-leastJobs)
		if lo < hi {
			start = min(start, s.ends[lo].at)
		}
	}
	n := max(0, hi-lo)
	c := calm{Before: Before{Jobs: int64(n) * s.every}}
	if n < leastJobs || begin <= start {
		return c
	}
	c.known = true
	took := make([]int64, 0, n)
	last := start
	for _, o := range s.ends[lo:hi] {
		took = append(took, o.took)
		c.longest = max(c.longest, o.at-last)
		last = o.at
	}
	c.longest = max(c.longest, begin-last)
	slices.Sort(took)
	c.P99, c.P999 = time.Duration(took[rank(n, 990)]), time.Duration(took[rank(n, 999)])
	c.slowest = took[n-1]
	c.meanGap = (begin - start) / int64(n)
	c.perSecond = float64(n) / time.Duration(begin-start).Seconds()
	c.backlog = s.usualBacklog(start, begin)
	c.Backlog, c.Rate = c.backlog*s.every, c.perSecond*float64(s.every)
	return c
}

// rank is the index of a quantile in thousandths among n sorted values, by nearest rank.
func rank(n, thousandths int) int { return (n*thousandths+999)/1000 - 1 }

// usualBacklog is the backlog that is not exceeded during 99% of the time.
func (s *series) usualBacklog(start, end int64) int64 {
	lasted := map[int64]int64{}
	var last, now int64 = start, 0
	s.backlogs(start, end, func(at, backlog int64) bool {
		lasted[now] += at - last
		last, now = at, backlog
		return true
	})
	lasted[now] += end - last
	levels := slices.Sorted(maps.Keys(lasted))
	need, sum := float64(end-start)*0.99, 0.0
	for _, level := range levels {
		if sum += float64(lasted[level]); sum >= need {
			return level
		}
	}
	return levels[len(levels)-1]
}

// backlogs passes the backlog at a moment and then, until another, each time that it
// changes, until see returns false. Lost jobs do not wait.
func (s *series) backlogs(start, end int64, see func(at, backlog int64) bool) {
	i := sort.Search(len(s.entered), func(i int) bool { return s.entered[i] > start })
	j := from(s.ends, start+1)
	for at := start; at < end; {
		if !see(at, int64(i-j)) {
			return
		}
		next := int64(math.MaxInt64)
		if i < len(s.entered) {
			next = s.entered[i]
		}
		if j < len(s.ends) {
			next = min(next, s.ends[j].at)
		}
		at = next
		for i < len(s.entered) && s.entered[i] == at {
			i++
		}
		for j < len(s.ends) && s.ends[j].at == at {
			j++
		}
	}
}
