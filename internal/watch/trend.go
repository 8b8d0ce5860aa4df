package watch

import (
	"math"

	"github.com/queuedyno/queuedyno/internal/line"
)

// trend is the backlog at the last few looks.
type trend struct{ at, backlog []float64 }

const (
	// trendOver is over how many looks a trend reaches: few, since a user who watches
	// wants to see that something has changed.
	trendOver = 5
	// manyJobs is a change of the backlog that is more than the ups and downs of a
	// queue on which nothing changes.
	manyJobs = 3
)

// add takes in the backlog of one more look. What came before a standstill, and
// before the end of one, says nothing of what comes after it and is forgotten.
func (t *trend) add(at, backlog float64) {
	if n := len(t.at); n >= 2 {
		slope, _ := t.slope()
		foretold, step := slope*(at-t.at[n-1]), backlog-t.backlog[n-1]
		stopped := math.Abs(foretold) >= manyJobs && math.Abs(step) < math.Abs(foretold)/10
		moved := slope == 0 && math.Abs(step) >= manyJobs && t.still()
		if stopped || moved {
			t.at, t.backlog = t.at[n-1:], t.backlog[n-1:]
		}
	}
	t.at, t.backlog = append(t.at, at), append(t.backlog, backlog)
	if len(t.at) > trendOver {
		t.at, t.backlog = t.at[1:], t.backlog[1:]
	}
}

// still reports whether the backlog was the same at all of the looks.
func (t *trend) still() bool {
	for _, b := range t.backlog {
		if b != t.backlog[0] {
			return false
		}
	}
	return true
}

// fell reports whether the backlog was lower at the last look than at the one
// before it.
func (t *trend) fell() bool {
	n := len(t.backlog)
	return n >= 2 && t.backlog[n-1] < t.backlog[n-2]
}

// slope is that of the straight line with the least squares; false while there
// are too few points for one.
func (t *trend) slope() (perS float64, known bool) {
	through, known := line.Through(t.at, t.backlog)
	return through.Slope, known
}
