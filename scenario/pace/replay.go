package pace

import (
	"slices"
	"time"
)

// Replay is a load as it was recorded: when each job is due, in ascending
// order, 8 bytes a job. [ReadReplay] reads one.
type Replay struct {
	Times []time.Duration
	// Unsorted is how many lines were earlier than the line before them. The
	// times are sorted nevertheless; whoever shows the load should say so.
	Unsorted int
}

// length is a nanosecond more than the last due time.
func (r *Replay) length() time.Duration {
	if len(r.Times) == 0 {
		return 0
	}
	return r.Times[len(r.Times)-1] + 1
}

// before is how many jobs are due before t.
func (r *Replay) before(t time.Duration) int {
	n, _ := slices.BinarySearch(r.Times, t)
	return n
}

// busiest is the most jobs that are due within any span of that length.
func (r *Replay) busiest(span time.Duration) int {
	most, from := 0, 0
	for i, t := range r.Times {
		for t-r.Times[from] >= span {
			from++
		}
		most = max(most, i+1-from)
	}
	return most
}
