package flight

import (
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Spread says of each job, as a pure function of its number and the seed, to
// which queue it goes, whose it is, and whether it will fail. So nothing about
// a job need be kept or sent that its number does not say.
type Spread struct {
	seed    uint64
	shard   pace.Shard // whose numbers the jobs have
	batch   int64
	queues  []float64 // cumulative shares; nil for one
	tenants draw.Picker
	several bool // tenants
	fails   float64
}

func NewSpread(s scenario.Scenario) Spread {
	return Spread{
		seed: s.Seed, shard: s.Shard, batch: int64(s.Batch), fails: s.Work.FailRate,
		queues:  cumulate(len(s.Queues), func(i int) float64 { return float64(s.Queues[i]) }),
		tenants: draw.Choice{N: max(1, s.Tenants.Count), Skew: s.Tenants.Skew}.Picker(), several: s.Tenants.Count > 1,
	}
}

// cumulate is the running sum of n weights, over their total; nil for fewer
// than two.
func cumulate(n int, weight func(i int) float64) []float64 {
	if n < 2 {
		return nil
	}
	out := make([]float64, n)
	var sum float64
	for i := range out {
		sum += weight(i)
		out[i] = sum
	}
	for i := range out {
		out[i] /= sum
	}
	out[n-1] = 1
	return out
}

// The questions that the same job's number must not answer alike.
const (
	saltQueue uint64 = iota + 1
	saltFail
)

// unit is a number from [0, 1) that follows from the job and the salt.
func (s *Spread) unit(n int64, salt uint64) float64 {
	// The finaliser of SplitMix64 (Steele, Lea, Flood 2014), over a counter.
	x := s.seed ^ salt*0xd1342543de82ef95 + uint64(n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}

// pick is the first whose cumulative share is above u.
func pick(shares []float64, u float64) int {
	for i, share := range shares {
		if u < share {
			return i
		}
	}
	return len(shares) - 1
}

// Queue is the queue of job n. The jobs of a push share one.
func (s *Spread) Queue(n int64) int {
	if s.queues == nil {
		return 0
	}
	return pick(s.queues, s.unit(s.Number(n)/s.batch, saltQueue))
}

// Tenant is whose job n is.
func (s *Spread) Tenant(n int64) int {
	if !s.several {
		return 0
	}
	return s.tenants.At(s.seed, s.Number(n))
}

// Fail reports whether the work on job n fails.
func (s *Spread) Fail(n int64) bool { return s.fails > 0 && s.unit(s.Number(n), saltFail) < s.fails }

// Number is the number of job n in the whole load, of which this run may send one shard.
// Ids hold it, and what a job is like follows from it.
func (s *Spread) Number(n int64) int64 { return s.shard.Number(n, int(s.batch)) }
