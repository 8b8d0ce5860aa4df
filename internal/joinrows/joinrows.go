// Package joinrows makes one row of several of a timeline. Begin reading at [Join].
package joinrows

import (
	"cmp"
	"maps"

	"github.com/queuedyno/queuedyno/result"
)

// Join is several rows as one: sums of jobs, the highest backlog, the last known length of
// the queue, and of each quantile the largest. Rows that are empty count for nothing. It
// may share what the rows point to.
func Join(rows []result.Second) result.Second {
	var all result.Second
	for _, row := range rows {
		if row.ElapsedS == 0 && row.LengthS == 0 {
			continue
		}
		Extend(&all, row)
		all.Stages = joinStages(all.Stages, row.Stages)
	}
	return all
}

// Extend makes a row longer by the one that follows it. Its stages stay what they were.
func Extend(s *result.Second, row result.Second) {
	s.ElapsedS, s.Phase, s.Backlog = row.ElapsedS, row.Phase, row.Backlog
	s.LengthS += row.LengthS
	s.Offered += row.Offered
	s.Sent += row.Sent
	s.Notified += row.Notified
	s.Lost += row.Lost
	s.BacklogMax = max(s.BacklogMax, row.Peak())
	if row.QueueLen != nil {
		s.QueueLen = row.QueueLen
	}
	if row.Blocked != nil {
		s.Blocked = row.Blocked
	}
}

func joinStages(a, b map[result.Stage]*result.SecondStage) map[result.Stage]*result.SecondStage {
	if len(a) == 0 {
		return b
	}
	out := maps.Clone(a)
	for stage, one := range b {
		other := out[stage]
		if one == nil || other == nil {
			out[stage] = cmp.Or(one, other)
			continue
		}
		out[stage] = &result.SecondStage{
			Count: other.Count + one.Count, P50NS: Larger(other.P50NS, one.P50NS), P90NS: Larger(other.P90NS, one.P90NS),
			P99NS: Larger(other.P99NS, one.P99NS), MaxNS: Larger(other.MaxNS, one.MaxNS),
		}
	}
	return out
}

// Larger is the larger of two values, of which each may be missing.
func Larger(a, b *int64) *int64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}
