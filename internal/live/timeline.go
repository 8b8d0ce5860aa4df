package live

import (
	"maps"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

// Timeline keeps the rows of a run for viewers that come late, at most so many: when
// there are more, rows are joined, two at a time, and all that follow are as long as
// those. What it holds depends on the rows alone, and not on who looks when. It is not
// safe for concurrent use.
type Timeline struct {
	// Max is the number of rows, an even one.
	Max int

	rows []result.Second
	// ends are where the calls of Add ended, while rows are kept as they came.
	ends []int
	// each is how many calls a row holds, 0 while rows are kept as they came, and
	// pending the row that is not complete yet, with its calls.
	each    int
	pending []result.Second
}

// Rows are the rows by now. They never change, and must not be changed.
func (t *Timeline) Rows() []result.Second { return t.rows[:len(t.rows):len(t.rows)] }

// Add adds the rows of a second. It returns those that are new in Rows, and whether
// that is all that has changed: if not, rows from before have been joined.
func (t *Timeline) Add(rows []result.Second) (added []result.Second, onlyAdded bool) {
	if len(rows) == 0 {
		return nil, true
	}
	before := len(t.rows)
	if t.each == 0 {
		t.rows, t.ends = append(t.rows, rows...), append(t.ends, len(t.rows)+len(rows))
		if len(t.rows) < t.Max {
			return t.Rows()[before:], true
		}
		t.seconds()
	} else {
		t.pending = append(t.pending, join(rows))
		if len(t.pending) < t.each {
			return nil, true
		}
		t.rows, t.pending = append(t.rows, join(t.pending)), nil
		if len(t.rows) < t.Max {
			return t.Rows()[before:], true
		}
	}
	for len(t.rows) >= t.Max {
		t.halve()
	}
	return nil, false
}

// seconds joins the rows of each call.
func (t *Timeline) seconds() {
	var all []result.Second
	from := 0
	for _, to := range t.ends {
		all = append(all, join(t.rows[from:to]))
		from = to
	}
	t.rows, t.ends, t.each = all, nil, 1
}

// halve joins each two rows.
func (t *Timeline) halve() {
	half := make([]result.Second, 0, t.Max)
	for i := 0; i+1 < len(t.rows); i += 2 {
		half = append(half, join(t.rows[i:i+2]))
	}
	if len(t.rows)%2 == 1 {
		// Its calls are as many rows of one call: what is joined later is the same.
		left := make([]result.Second, t.each)
		left[0] = t.rows[len(t.rows)-1]
		t.pending = append(left, t.pending...)
	}
	t.rows, t.each = half, 2*t.each
}

// join is several rows as one: sums of jobs, the highest backlog, and of each quantile
// the largest.
func join(rows []result.Second) result.Second {
	var all result.Second
	for _, row := range rows {
		if row.LengthS == 0 {
			continue
		}
		all.ElapsedS, all.Phase, all.Backlog = row.ElapsedS, row.Phase, row.Backlog
		all.LengthS += row.LengthS
		all.Offered += row.Offered
		all.Sent += row.Sent
		all.Notified += row.Notified
		all.Lost += row.Lost
		all.BacklogMax = max(all.BacklogMax, row.Peak())
		if row.QueueLen != nil {
			all.QueueLen = row.QueueLen
		}
		if row.Blocked != nil {
			all.Blocked = row.Blocked
		}
		all.Stages = joinStages(all.Stages, row.Stages)
	}
	return all
}

func joinStages(a, b map[metric.Stage]*result.SecondStage) map[metric.Stage]*result.SecondStage {
	if len(a) == 0 || len(b) == 0 {
		if len(a) == 0 {
			return b
		}
		return a
	}
	out := maps.Clone(a)
	for stage, one := range b {
		other := out[stage]
		if other == nil {
			out[stage] = one
			continue
		}
		out[stage] = &result.SecondStage{
			Count: other.Count + one.Count, P50NS: larger(other.P50NS, one.P50NS), P90NS: larger(other.P90NS, one.P90NS),
			P99NS: larger(other.P99NS, one.P99NS), MaxNS: larger(other.MaxNS, one.MaxNS),
		}
	}
	return out
}

// larger is the larger of two values, of which each may be missing.
func larger(a, b *int64) *int64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}
