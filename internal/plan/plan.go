// Package plan says how many jobs an open loop was to have sent by when. Begin reading at
// [Plan].
package plan

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Plan is the schedule of an open loop as a pure sequence over all producers:
// what was due by when. It is walked once, forwards, while the load runs.
type Plan struct {
	shares []*pace.Share
	next   []pace.Group
	Limit  int64 // jobs
	due    int64 // jobs that were due so far
	Last   time.Duration
	after  time.Duration // when the first group beyond the limit would be due
}

// New makes the plan of a scenario.
func New(s scenario.Scenario) *Plan {
	p := &Plan{Limit: JobLimit(s), after: math.MaxInt64}
	for i := range s.Producers {
		sh := s.Schedule().Share(i, s.Producers)
		p.shares = append(p.shares, sh)
		p.next = append(p.next, sh.Next())
	}
	return p
}

// JobLimit is how many jobs this run may send at most.
func JobLimit(s scenario.Scenario) int64 {
	if s.Load.Jobs > 0 {
		return s.Schedule().Shard.Count(WholeLimit(s), s.Batch)
	}
	return flight.MaxNumber
}

// WholeLimit is how many jobs may be sent at most, by all shards together.
func WholeLimit(s scenario.Scenario) int64 {
	if s.Load.Jobs > 0 {
		return min(s.Load.Jobs, flight.MaxNumber)
	}
	return flight.MaxNumber
}

// FirstNumber is the number of the schedule's first job. What is prefilled comes
// before it, in whole batches.
func FirstNumber(s scenario.Scenario) int64 {
	batch := int64(max(1, s.Batch))
	return (Prefill(s) + batch - 1) / batch * batch
}

// Prefill is how many jobs this run puts into the queue before its load begins.
func Prefill(s scenario.Scenario) int64 { return s.Shard.Count(s.Prefill, s.Batch) }

// InFlight is how many tokens of a closed loop this run has: whole batches of them in a
// shard.
func InFlight(s scenario.Scenario) int {
	if s.Shard.Whole() {
		return s.Load.InFlight
	}
	batch := max(1, s.Batch)
	return int(s.Shard.Count(int64(s.Load.InFlight/batch*batch), batch))
}

// MaxInFlight is how many jobs of an open loop this run may have on their way at once.
func MaxInFlight(s scenario.Scenario) int64 { return portion(s, int64(s.Load.MaxInFlight)) }

// MaxBacklog is how many jobs may wait in the queue before the run ends, 0 for no limit.
// A queue that the shards share may hold as many as the scenario says.
func MaxBacklog(s scenario.Scenario, shared bool) int64 {
	if shared {
		return s.Load.MaxBacklog
	}
	return portion(s, s.Load.MaxBacklog)
}

// portion is a shard's portion of a limit, rounded up.
func portion(s scenario.Scenario, limit int64) int64 {
	of := int64(max(1, s.Shard.Of))
	return (limit + of - 1) / of
}

// Clip cuts a group at the limit of jobs; a group beyond it becomes empty.
func Clip(g pace.Group, limit int64) pace.Group {
	g.Jobs = int(max(0, min(int64(g.Jobs), limit-g.First)))
	return g
}

// UpTo is how many jobs were due at t or before. t never goes back.
func (p *Plan) UpTo(t time.Duration) int64 {
	for i := range p.shares {
		for p.next[i].Due <= t {
			g := Clip(p.next[i], p.Limit)
			if g.Jobs == 0 {
				p.after = min(p.after, p.next[i].Due)
				p.next[i].Due = math.MaxInt64
				break
			}
			p.due += int64(g.Jobs)
			p.Last = max(p.Last, g.Due)
			p.next[i] = p.shares[i].Next()
		}
	}
	return p.due
}

// Following is when the first group beyond the limit would be due, the largest time when
// the schedule ends before.
func (p *Plan) Following() time.Duration {
	after := p.after
	for _, g := range p.next {
		after = min(after, g.Due)
	}
	return after
}
