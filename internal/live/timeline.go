package live

import (
	"github.com/queuedyno/queuedyno/internal/joinrows"
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
		t.pending = append(t.pending, joinrows.Join(rows))
		if len(t.pending) < t.each {
			return nil, true
		}
		t.rows, t.pending = append(t.rows, joinrows.Join(t.pending)), nil
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
		all = append(all, joinrows.Join(t.rows[from:to]))
		from = to
	}
	t.rows, t.ends, t.each = all, nil, 1
}

// halve joins each two rows.
func (t *Timeline) halve() {
	half := make([]result.Second, 0, t.Max)
	for i := 0; i+1 < len(t.rows); i += 2 {
		half = append(half, joinrows.Join(t.rows[i:i+2]))
	}
	if len(t.rows)%2 == 1 {
		// Its calls are as many rows of one call: what is joined later is the same.
		left := make([]result.Second, t.each)
		left[0] = t.rows[len(t.rows)-1]
		t.pending = append(left, t.pending...)
	}
	t.rows, t.each = half, 2*t.each
}
