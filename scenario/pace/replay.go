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

// length is the last due time and the distance to the next that would follow:
// n jobs at equal distances d take n*d. It is a nanosecond where all are due at
// one moment.
func (r *Replay) length() time.Duration {
	if len(r.Times) == 0 {
		return 0
	}
	return r.Times[len(r.Times)-1] + max(1, r.distance())
}

// distance is the median time from one due moment to the next, estimated from at
// most a thousand of them; 0 when there is one moment only.
func (r *Replay) distance() time.Duration {
	const most = 1000
	var all []time.Duration
	for i := 0; i < len(r.Times); i += 1 + len(r.Times)/most {
		next, _ := slices.BinarySearch(r.Times, r.Times[i]+1)
		if next < len(r.Times) {
			all = append(all, r.Times[next]-r.Times[i])
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
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
