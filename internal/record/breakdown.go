package record

import (
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// maxTenants is how many tenants have their own parts; all others share one.
const maxTenants = 20

// breakdown splits the jobs of the window by step, queue and tenant. It belongs
// to the recorder and is guarded by its lock.
type breakdown struct {
	spread *flight.Spread
	bounds []int64 // where each step ends; nil without steps
	parts  map[string][]*part
	whole  bool // the histograms of the parts are kept, for a result that is merged
}

// part gathers the jobs of one step, queue or tenant.
type part struct {
	result.Part
	lateness, endToEnd *latency.Histogram
	unsent             int64
}

// newBreakdown returns nil for a scenario whose jobs are all alike, or external.
func newBreakdown(s scenario.Scenario, sp *flight.Spread) *breakdown {
	if s.Load.Observed {
		return nil // what the jobs are is not known
	}
	b := &breakdown{spread: sp, parts: map[string][]*part{}, whole: !s.Shard.Whole()}
	add := func(d string, name string) {
		b.parts[d] = append(b.parts[d], &part{Part: result.Part{Name: name}})
	}
	if n := len(s.Queues); n > 1 {
		for i := range n {
			add("queue", fmt.Sprintf("%d (%s)", i, share(s.Queues, i)))
		}
	}
	if n := s.Tenants.Count; n > 1 {
		for i := range min(n, maxTenants) {
			add("tenant", flight.TenantName(i))
		}
		if n > maxTenants {
			add("tenant", fmt.Sprintf("%d others", n-maxTenants))
		}
	}
	b.steps(s, add)
	if len(b.parts) == 0 {
		return nil
	}
	return b
}

// share is the part of the i-th weight in all of them.
func share(weights []int, i int) string {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	return fmt.Sprintf("%.3g%%", 100*float64(weights[i])/float64(sum))
}

// of calls fn with every part that job n belongs to.
func (b *breakdown) of(n, due int64, fn func(*part)) {
	if all := b.parts["queue"]; all != nil {
		fn(all[b.spread.Queue(n)])
	}
	if all := b.parts["tenant"]; all != nil {
		fn(all[min(b.spread.Tenant(n), maxTenants)])
	}
	if all := b.parts["step"]; all != nil {
		i := 0
		for i < len(b.bounds)-1 && due >= b.bounds[i] {
			i++
		}
		fn(all[i])
	}
}

// record adds a finished job of the window.
func (b *breakdown) record(n, due int64, d *[nStages]int64) {
	if b == nil {
		return
	}
	b.of(n, due, func(p *part) {
		if p.endToEnd == nil {
			p.lateness, p.endToEnd = latency.New(), latency.New()
		}
		p.Completed++
		p.lateness.Record(d[Lateness])
		p.endToEnd.Record(d[EndToEnd])
	})
}

// lose adds a job of the window that was sent and did not arrive.
func (b *breakdown) lose(n, due int64) {
	if b != nil {
		b.of(n, due, func(p *part) { p.Lost++ })
	}
}

// unsent adds a job of the window that was due and not sent.
func (b *breakdown) unsent(n, due int64) { b.of(n, due, func(p *part) { p.unsent++ }) }

// Summary is the breakdown of a window, nil when the jobs are not split.
func (b *breakdown) Summary(w result.Window) map[string][]result.Part {
	if b == nil {
		return nil
	}
	out := map[string][]result.Part{}
	for d, parts := range b.parts {
		for i, p := range parts {
			p.Sent = p.Completed + p.Lost + p.Abandoned
			p.Scheduled = p.Sent + p.unsent
			if d == "step" {
				if i > 0 {
					p.FromNS = b.bounds[i-1]
				}
				if p.FromNS < w.FromNS && w.FromNS < b.bounds[i] {
					p.Name += ", after the warm-up"
				}
				p.FromNS, p.ToNS = max(p.FromNS, w.FromNS), min(b.bounds[i], w.ToNS)
				if p.FromNS >= p.ToNS {
					continue // wholly in the warm-up, or never reached
				}
			}
			if p.endToEnd == nil {
				p.lateness, p.endToEnd = latency.New(), latency.New()
			}
			missing := p.Scheduled - p.Completed
			p.Lateness, p.EndToEnd = b.brief(p.lateness, missing), b.brief(p.endToEnd, missing)
			out[d] = append(out[d], p.Part)
		}
	}
	return out
}

// brief is the summary of a part's stage, without its histogram unless the result is to be
// merged.
func (b *breakdown) brief(h *latency.Histogram, missing int64) *result.StageSummary {
	s := Figures(h, missing)
	if b.whole {
		s.HDR, _ = h.Encode()
		s.SumNS = Sum(h)
	}
	return s
}

// maxSteps is how many steps can have their own parts.
const maxSteps = 200

// steps adds the parts of a load of several steps.
func (b *breakdown) steps(s scenario.Scenario, add func(string, string)) {
	if n := len(s.Load.Steps); n < 2 || n > maxSteps {
		return
	}
	var end time.Duration
	for _, step := range s.Load.Steps {
		end += step.For
		b.bounds = append(b.bounds, int64(end))
		add("step", step.String())
	}
}
