package pace

import (
	"fmt"
	"slices"
	"time"
)

// Replay is a load as it was recorded: when each job is due, in ascending
// order, 8 bytes a job. [ReadReplay] reads one.
type Replay struct {
	Times []time.Duration
	// Unsorted is how many lines were earlier than the line before them. The
	// times are sorted nevertheless; a caller that shows the load should say so.
	Unsorted int
	// Source says where in the file the times were found and in which unit, for
	// people: `milliseconds since 1970 in column "timeStamp"`. Empty when the
	// times were not read from a file.
	Source string
	// Resolution is the step of which all recorded stamps are whole multiples,
	// at most a minute; 0 when the times were not read from a file.
	Resolution time.Duration
	// Spread says that jobs of one stamp were spread evenly over a Resolution.
	Spread bool
}

// length is the last due time and as much as usually lies between two: n jobs
// at an equal distance d last n*d, and ten seconds of whole-second stamps last
// ten seconds. Where all jobs are due in one instant it is a second.
func (r *Replay) length() time.Duration {
	if len(r.Times) == 0 {
		return 0
	}
	return r.Times[len(r.Times)-1] + r.step()
}

// step is the median time from one instant at which jobs are due to the next,
// from at most a thousand instants. It costs ~100 µs at most.
func (r *Replay) step() time.Duration {
	const samples = 1000
	n := len(r.Times)
	var gaps []time.Duration
	for k := range min(n, samples) {
		at := r.Times[k*n/min(n, samples)]
		next, _ := slices.BinarySearch(r.Times, at+1)
		if next < n {
			gaps = append(gaps, r.Times[next]-at)
		}
	}
	if len(gaps) == 0 {
		return time.Second
	}
	slices.Sort(gaps)
	return gaps[(len(gaps)-1)/2]
}

// Bounds of what is worth a warning, see [Replay.Bursts].
const (
	minBurstStep = 10 * time.Millisecond
	minBurst     = 100 // jobs due in one instant, whatever the resolution
)

// Bursts says that jobs are due in bursts because of how they were recorded:
// many in the same instant, as stamps in whole seconds have it. It is empty
// where jobs are due one after another.
func (r *Replay) Bursts() string {
	instants, run, largest := 0, 0, 0
	for i, t := range r.Times {
		if i == 0 || t != r.Times[i-1] {
			instants, run = instants+1, 0
		}
		run++
		largest = max(largest, run)
	}
	n := len(r.Times)
	coarse := n >= 2*instants && r.step() >= minBurstStep
	if n < 2 || !coarse && largest < minBurst {
		return ""
	}
	return fmt.Sprintf("the %d recorded jobs are due in only %d instants, up to %d jobs at once%s: the load replays as bursts",
		n, instants, largest, resolutionWords(r.Resolution))
}

// resolutionWords names the resolution of the stamps, where it is known.
func resolutionWords(d time.Duration) string {
	switch d {
	case 0:
		return ""
	case time.Minute:
		return " (the stamps are whole minutes)"
	case time.Second:
		return " (the stamps are whole seconds)"
	}
	return fmt.Sprintf(" (the stamps are whole multiples of %s)", d)
}

// resolution is the step of which all stamps are multiples. One stamp alone may
// be a whole minute by chance.
func resolution(stamps []time.Duration) time.Duration {
	var step time.Duration
	for _, t := range stamps {
		for t != 0 {
			step, t = t, step%t
		}
		if step == 1 {
			break
		}
	}
	switch {
	case step == 0:
		return time.Second
	case step%time.Minute == 0 && stamps[0] != stamps[len(stamps)-1]:
		return time.Minute
	case step%time.Second == 0:
		return time.Second
	}
	if step > time.Second {
		return resolution([]time.Duration{step, time.Second})
	}
	return step
}

// spread lays the jobs of each instant out evenly over a step, which is not
// longer than the time to the next instant. The times stay in order.
func spread(times []time.Duration, step time.Duration) {
	for from := 0; from < len(times); {
		to, t := from, times[from]
		for to < len(times) && times[to] == t {
			to++
		}
		for i := from; i < to; i++ {
			times[i] = t + time.Duration(float64(i-from)/float64(to-from)*float64(step))
		}
		from = to
	}
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
