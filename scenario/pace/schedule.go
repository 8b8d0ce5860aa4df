package pace

import (
	"math"
	"math/rand/v2"
	"time"
)

// Schedule lays out the due times of groups of jobs over several producers.
// The jobs of a group are due together: they travel in one push.
//
// It is one of three: Times, or else Steps, or else Rate. With a Rate it never
// ends.
type Schedule struct {
	Rate     Rate     // of jobs, in total
	Steps    Steps    // valid ones; of jobs, in total
	Times    *Replay  // due times as they were recorded; Arrivals and Seed have no say
	Arrivals Arrivals // empty means Constant
	Batch    int      // jobs a group; 0 means 1
	Seed     uint64   // of Poisson arrivals
	Shard    Shard    // whose groups the schedule has; zero means all
}

// Group is some jobs with consecutive numbers that are due together.
type Group struct {
	First int64         // number of the first job
	Jobs  int           // 0: the schedule is over
	Due   time.Duration // since the epoch
}

// over is what a share returns after its last group.
var over = Group{Due: math.MaxInt64}

// Length is how long the schedule takes: every job is due before it. ends is
// false for a Rate, which goes on for ever. Steps take as long as they say,
// recorded times until the next job after the last would be due.
func (s Schedule) Length() (d time.Duration, ends bool) {
	switch {
	case s.Times != nil:
		return s.Times.length(), true
	case len(s.Steps) > 0:
		return s.Steps.Length(), true
	default:
		return 0, false
	}
}

// Expected is the integral of the rate up to t: the number of jobs that are
// due before t, exact to less than one for constant arrivals of one job each,
// and the mean of that number for Poisson arrivals.
func (s Schedule) Expected(t time.Duration) float64 {
	switch {
	case s.Times != nil:
		return float64(s.Times.before(t))
	case len(s.Steps) > 0:
		return s.Steps.Expected(t)
	default:
		return s.Rate.Float() * max(0, t).Seconds()
	}
}

// Jobs is the number of jobs in the whole schedule: exact for constant
// arrivals and recorded times, the mean for Poisson arrivals, rounded. ends is
// false for a Rate. It takes time in proportion to the number of steps.
func (s Schedule) Jobs() (n int64, ends bool) {
	switch {
	case s.Times != nil:
		return int64(len(s.Times.Times)), true
	case len(s.Steps) > 0 && s.Arrivals == Poisson:
		return int64(math.Round(s.Steps.Expected(s.Steps.Length()))), true
	case len(s.Steps) > 0:
		return newCurve(s.Steps).end.count(), true
	default:
		return 0, false
	}
}

// StepAt is the index of the step at t: -1 outside of the steps, and in a schedule
// without steps.
func (s Schedule) StepAt(t time.Duration) int {
	if s.Times != nil {
		return -1
	}
	return s.Steps.at(t)
}

// PeakRate is the highest rate that the schedule reaches, in jobs per second;
// of recorded times, the most within one second. A shard has its share of the rate.
func (s Schedule) PeakRate() float64 {
	var peak float64
	switch {
	case s.Times != nil:
		peak = float64(s.Times.busiest(time.Second))
	case len(s.Steps) > 0:
		peak = s.Steps.peak()
	default:
		peak = s.Rate.Float()
	}
	return peak / float64(max(1, s.Shard.Of))
}

// Share is the part of a schedule that one producer sends. It is a pure
// sequence: the same schedule always gives the same groups. Use it from one
// goroutine.
type Share struct {
	s      Schedule
	index  int64 // of the next group among the groups of the whole load
	stride int64
	// own is the index of the next group among those of the shard, and ownStride is how
	// many producers the shard has. They are the above in a schedule without shards.
	own, ownStride int64
	sum            float64 // of the unit exponentials drawn so far
	skip           int64   // arrivals of the process before the next group's, which other shards send
	random         *rand.Rand
	curve          *curve // nil without steps
	jobs           int64  // in the whole schedule, with constant arrivals in steps
	step           int    // which goes on
}

// Share returns the i-th of n equal parts, 0 <= i < n.
//
// Constant arrivals deal the groups out in turn: group j is due when its first
// job would be at the given rate, and belongs to producer j mod n. Poisson
// arrivals give each part its own process with an n-th of the rate; their
// superposition is a Poisson process of the whole rate. Either way the job
// numbers of all parts together are 0, 1, 2, … without a gap, until the first
// part of a Poisson process in steps is over. Recorded times are dealt out in
// turn, too, and a group is due with its last job: nothing is sent before it
// was. The last group of all may be smaller. It costs ~1 µs a step.
//
// In a shard of the schedule it is one of n equal parts of that shard, and the jobs of
// those parts have the shard's own numbers. All parts of all shards are together due when
// the n parts of the whole schedule are. Poisson arrivals of a shard cost a few
// nanoseconds more for each other shard, whose arrivals are drawn and left out.
func (s Schedule) Share(i, n int) *Share {
	s.Batch = max(1, s.Batch)
	sh := &Share{s: s, index: int64(i), stride: int64(n), own: int64(i), ownStride: int64(n)}
	if !s.Shard.Whole() {
		sh.index = s.Shard.Number(sh.own, 1)
		sh.stride *= int64(s.Shard.Of)
	}
	if s.Times != nil {
		return sh
	}
	if s.Arrivals == Poisson {
		sh.random = rand.New(rand.NewPCG(s.Seed, uint64(sh.index%int64(n))))
		sh.skip = sh.index / int64(n)
	}
	if len(s.Steps) > 0 {
		sh.curve = newCurve(s.Steps)
		sh.jobs = sh.curve.end.count()
	}
	return sh
}

// Next returns the next group. Groups come in ascending order of due time.
// When the schedule is over it returns groups of no jobs that are never due.
// It allocates nothing.
func (sh *Share) Next() Group {
	var g Group
	switch {
	case sh.s.Times != nil:
		g = sh.recorded()
	case sh.curve != nil && sh.random != nil:
		g = sh.scattered()
	case sh.curve != nil:
		g = sh.stepped()
	default:
		g = sh.endless()
	}
	if g.Jobs > 0 {
		g.First = sh.own * int64(sh.s.Batch)
		sh.index += sh.stride
		sh.own += sh.ownStride
	}
	return g
}

// draw moves the Poisson process on to the arrival of the next group.
func (sh *Share) draw() {
	for range sh.skip {
		sh.sum += sh.random.ExpFloat64()
	}
	sh.sum += sh.random.ExpFloat64()
	sh.skip = sh.stride/sh.ownStride - 1
}

// group is the next group, not due yet.
func (sh *Share) group() Group {
	return Group{First: sh.index * int64(sh.s.Batch), Jobs: sh.s.Batch}
}

// endless is the next group at a rate.
func (sh *Share) endless() Group {
	g := sh.group()
	if sh.random == nil {
		g.Due = sh.s.Rate.At(g.First)
		return g
	}
	// The k-th arrival of a Poisson process of rate r is the sum of k unit
	// exponentials over r.
	sh.draw()
	perSecond := sh.s.Rate.Float() / float64(sh.s.Batch) / float64(sh.ownStride)
	g.Due = time.Duration(math.Round(sh.sum / perSecond * float64(time.Second)))
	return g
}

// stepped is the next group of constant arrivals in steps.
func (sh *Share) stepped() Group {
	g := sh.group()
	g.Jobs = int(max(0, min(int64(g.Jobs), sh.jobs-g.First)))
	var ok bool
	if g.Due, sh.step, ok = sh.curve.due(g.First, 0, sh.step); !ok || g.Jobs == 0 {
		return over
	}
	return g
}

// scattered is the next group of Poisson arrivals in steps. A process whose
// rate changes is one of rate 1 seen through the integral of the rate, so that
// its arrivals are where the integral reaches those of the latter.
func (sh *Share) scattered() Group {
	g := sh.group()
	if sh.step == len(sh.curve.pieces) {
		return over
	}
	sh.draw()
	jobs, part := math.Modf(sh.sum * float64(sh.s.Batch) * float64(sh.ownStride))
	var ok bool
	if g.Due, sh.step, ok = sh.curve.due(int64(jobs), part, sh.step); !ok {
		return over
	}
	return g
}

// recorded is the next group of a replay.
func (sh *Share) recorded() Group {
	g, times := sh.group(), sh.s.Times.Times
	g.Jobs = int(max(0, min(int64(g.Jobs), int64(len(times))-g.First)))
	if g.Jobs == 0 {
		return over
	}
	g.Due = times[g.First+int64(g.Jobs)-1]
	return g
}
