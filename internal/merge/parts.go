package merge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/queuedyno/queuedyno/internal/joinrows"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/result"
)

// part is one step, queue or tenant of all shards.
type part struct {
	result.Part
	lateness, endToEnd distribution
}

// distribution is a distribution that is added up.
type distribution struct {
	buckets  latency.Sparse
	min, max *int64
	total    latency.Total
	overflow int64
}

// readParts reads the breakdown of one result.
func (m *Merger) readParts(breakdown map[string][]result.Part) (map[string][]*part, error) {
	all := map[string][]*part{}
	var faults []error
	for by, parts := range breakdown {
		for _, p := range parts {
			one := &part{Part: p}
			if err := errors.Join(m.read(&one.lateness, p.Lateness), m.read(&one.endToEnd, p.EndToEnd)); err != nil {
				faults = append(faults, fmt.Errorf("breakdown by %s: %s: %w", by, p.Name, err))
			}
			one.Lateness, one.EndToEnd = nil, nil
			all[by] = append(all[by], one)
		}
	}
	return all, errors.Join(faults...)
}

// read reads a summary that has its histogram.
func (m *Merger) read(d *distribution, s *result.StageSummary) error {
	if s == nil || s.Count == 0 {
		return nil
	}
	d.note(s)
	return m.reader.Collect(s.HDR, &d.buckets)
}

// note adds what a summary says besides its histogram.
func (d *distribution) note(s *result.StageSummary) {
	if s == nil || s.Count == 0 {
		return
	}
	d.min, d.max = smaller(d.min, s.MinNS), joinrows.Larger(d.max, s.MaxNS)
	switch {
	case s.SumNS != nil:
		d.total.Add(*s.SumNS)
	case s.MeanNS != nil:
		d.total.AddRounded(*s.MeanNS * float64(s.Count))
	}
	d.overflow += s.Overflow
}

func (d *distribution) add(o *distribution) {
	d.buckets.Add(&o.buckets)
	d.min, d.max = smaller(d.min, o.min), joinrows.Larger(d.max, o.max)
	d.total.Merge(o.total)
	d.overflow += o.overflow
}

// summary is the summary of the distribution with its histogram.
func (m *Merger) summary(d *distribution, missing int64) (*result.StageSummary, error) {
	e := latency.Exact{Total: d.total, Overflow: d.overflow}
	if d.min != nil && d.max != nil {
		e.Min, e.Max = *d.min, *d.max
	}
	d.buckets.Into(m.scratch(), e)
	s, err := record.Summarize(m.scratch(), missing)
	s.SumNS = record.Sum(m.scratch())
	return s, err
}

// addParts adds parts of the same name. All shards have the same parts, but for steps that
// a shard did not reach.
func (m *Merger) addParts(parts map[string][]*part) {
	for by, all := range parts {
		for _, one := range all {
			i := slices.IndexFunc(m.parts[by], func(p *part) bool { return p.Name == one.Name })
			if i < 0 {
				m.parts[by] = append(m.parts[by], one)
				continue
			}
			sum := m.parts[by][i]
			sum.Scheduled += one.Scheduled
			sum.Sent += one.Sent
			sum.Completed += one.Completed
			sum.Lost += one.Lost
			sum.Abandoned += one.Abandoned
			sum.FromNS, sum.ToNS = min(sum.FromNS, one.FromNS), max(sum.ToNS, one.ToNS)
			sum.lateness.add(&one.lateness)
			sum.endToEnd.add(&one.endToEnd)
		}
		// Steps come by their time; the others have none and stay where they are.
		slices.SortStableFunc(m.parts[by], func(a, b *part) int { return cmp.Compare(a.FromNS, b.FromNS) })
	}
}

// breakdown is the merged breakdown, nil without one.
func (m *Merger) breakdown() (map[string][]result.Part, error) {
	var out map[string][]result.Part
	var faults []error
	for by, all := range m.parts {
		for _, one := range all {
			p, missing := one.Part, one.Scheduled-one.Completed
			var err1, err2 error
			p.Lateness, err1 = m.summary(&one.lateness, missing)
			p.EndToEnd, err2 = m.summary(&one.endToEnd, missing)
			faults = append(faults, err1, err2)
			if out == nil {
				out = map[string][]result.Part{}
			}
			out[by] = append(out[by], p)
		}
	}
	return out, errors.Join(faults...)
}
