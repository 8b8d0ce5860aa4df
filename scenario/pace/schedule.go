package pace

import (
	"math"
	"math/rand/v2"
	"time"
)

// Schedule lays out the due times of groups of jobs over several producers.
// The jobs of a group are due together: they travel in one push.
type Schedule struct {
	Rate     Rate     // of jobs, in total
	Arrivals Arrivals // empty means Constant
	Batch    int      // jobs a group; 0 means 1
	Seed     uint64   // of Poisson arrivals
}

// Group is some jobs with consecutive numbers that are due together.
type Group struct {
	First int64 // number of the first job
	Jobs  int
	Due   time.Duration // since the epoch
}

// Share is the part of a schedule that one producer sends. It is a pure
// sequence: the same schedule always gives the same groups. Use it from one
// goroutine.
type Share struct {
	s      Schedule
	index  int64 // of the next group among all producers' groups
	stride int64
	sum    float64 // of the unit exponentials drawn so far
	random *rand.Rand
}

// Share returns the i-th of n equal parts, 0 <= i < n.
//
// Constant arrivals deal the groups out in turn: group j is due when its first
// job would be at the given rate, and belongs to producer j mod n. Poisson
// arrivals give each part a process of its own with an n-th of the rate; their
// superposition is a Poisson process of the whole rate. Either way the job
// numbers of all parts together are 0, 1, 2, … without a gap.
func (s Schedule) Share(i, n int) *Share {
	s.Batch = max(1, s.Batch)
	sh := &Share{s: s, index: int64(i), stride: int64(n)}
	if s.Arrivals == Poisson {
		sh.random = rand.New(rand.NewPCG(s.Seed, uint64(i)))
	}
	return sh
}

// Next returns the next group. Groups come in ascending order of due time.
func (sh *Share) Next() Group {
	batch := int64(sh.s.Batch)
	g := Group{First: sh.index * batch, Jobs: sh.s.Batch}
	if sh.random == nil {
		g.Due = sh.s.Rate.At(g.First)
	} else {
		// The k-th arrival of a Poisson process of rate r is the sum of k unit
		// exponentials over r.
		sh.sum += sh.random.ExpFloat64()
		perSecond := sh.s.Rate.Float() / float64(batch) / float64(sh.stride)
		g.Due = time.Duration(math.Round(sh.sum / perSecond * float64(time.Second)))
	}
	sh.index += sh.stride
	return g
}
