package engine

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// plan is the schedule of an open loop as a pure sequence over all producers:
// what was due by when. It is walked once, forwards, while the load runs.
type plan struct {
	shares []*pace.Share
	next   []pace.Group
	limit  int64 // jobs
	due    int64 // jobs that were due so far
	last   time.Duration
	after  time.Duration // when the first group beyond the limit would be due
}

func newPlan(s scenario.Scenario) *plan {
	p := &plan{limit: jobLimit(s), after: never}
	for i := range s.Producers {
		sh := s.Schedule().Share(i, s.Producers)
		p.shares = append(p.shares, sh)
		p.next = append(p.next, sh.Next())
	}
	return p
}

// jobLimit is how many jobs may be sent at most.
func jobLimit(s scenario.Scenario) int64 {
	if s.Load.Jobs > 0 {
		return min(s.Load.Jobs, flight.MaxNumber)
	}
	return flight.MaxNumber
}

// firstNumber is the number of the schedule's first job. What is prefilled comes
// before it, in whole batches.
func firstNumber(s scenario.Scenario) int64 {
	batch := int64(max(1, s.Batch))
	return (s.Prefill + batch - 1) / batch * batch
}

// clip cuts a group at the limit of jobs; a group beyond it becomes empty.
func clip(g pace.Group, limit int64) pace.Group {
	g.Jobs = int(max(0, min(int64(g.Jobs), limit-g.First)))
	return g
}

// upTo is how many jobs were due at t or before. t never goes back.
func (p *plan) upTo(t time.Duration) int64 {
	for i := range p.shares {
		for p.next[i].Due <= t {
			g := clip(p.next[i], p.limit)
			if g.Jobs == 0 {
				p.after = min(p.after, p.next[i].Due)
				p.next[i].Due = math.MaxInt64
				break
			}
			p.due += int64(g.Jobs)
			p.last = max(p.last, g.Due)
			p.next[i] = p.shares[i].Next()
		}
	}
	return p.due
}

// following is when the first group beyond the limit would be due, never when
// the schedule ends before.
func (p *plan) following() time.Duration {
	after := p.after
	for _, g := range p.next {
		after = min(after, g.Due)
	}
	return after
}
