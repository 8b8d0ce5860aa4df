package engine

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/result"
)

// mostCountBins bounds a [timeCounts]: 2 MB, and bins of less than 10 ms in a
// run of an hour.
const mostCountBins = 1 << 19

// timeCounts counts events in bins of equal length. The bins are as short as
// mostCountBins allows: they are a microsecond long at first, and when an event
// lies beyond the last bin, neighbours are merged in pairs.
type timeCounts struct {
	shift uint // a bin is 1<<shift nanoseconds long
	bins  []uint32
}

func newTimeCounts() timeCounts { return timeCounts{shift: 10, bins: make([]uint32, 0, mostCountBins)} }

// add counts an event at that moment. One before the epoch counts as at it.
func (c *timeCounts) add(at int64) {
	at = max(0, at)
	for at>>c.shift >= mostCountBins {
		c.merge()
	}
	i := int(at >> c.shift)
	if i >= len(c.bins) {
		c.bins = append(c.bins, make([]uint32, i+1-len(c.bins))...)
	}
	c.bins[i]++
}

// merge doubles the length of a bin.
func (c *timeCounts) merge() {
	half := (len(c.bins) + 1) / 2
	for i := range half {
		n := c.bins[2*i]
		if 2*i+1 < len(c.bins) {
			n += c.bins[2*i+1]
		}
		c.bins[i] = n
	}
	clear(c.bins[half:])
	c.bins = c.bins[:half]
	c.shift++
}

// between is how many events lie in [from, to). An event is attributed to the
// beginning of its bin at both edges, so that events at equal distances are
// counted exactly, whatever their phase.
func (c *timeCounts) between(from, to int64) int64 {
	i, j := max(0, from)>>c.shift, max(0, to)>>c.shift
	j = min(j, int64(len(c.bins)))
	var n int64
	for ; i < j; i++ {
		n += int64(c.bins[i])
	}
	return n
}

// mostCourse bounds the jobs that a [course] keeps.
const mostCourse = 1 << 13

// coursePoint is when a job was due, and its latency.
type coursePoint struct{ due, latency int64 }

// course is the latency of the window's jobs over their due times: of all of
// them, or of every k-th when there are many.
type course struct {
	points []coursePoint
	every  int64
	seen   int64
}

func (c *course) add(due, latency int64) {
	c.every = max(1, c.every)
	c.seen++
	if c.seen%c.every != 0 {
		return
	}
	if len(c.points) == mostCourse {
		kept := c.points[:0]
		for i := 1; i < len(c.points); i += 2 {
			kept = append(kept, c.points[i])
		}
		c.points, c.every = kept, 2*c.every
		if c.seen%c.every != 0 {
			return
		}
	}
	if c.points == nil {
		c.points = make([]coursePoint, 0, mostCourse)
	}
	c.points = append(c.points, coursePoint{due, latency})
}

// growth is by how much latency grew from the beginning to the end of a span of
// that length: the line through the medians of the first and the last tenth of
// the jobs. It is 0 for fewer than 3 jobs.
func (c *course) growth(length int64) float64 {
	n := len(c.points)
	if n < 3 {
		return 0
	}
	points := slices.Clone(c.points)
	slices.SortFunc(points, func(a, b coursePoint) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.latency, b.latency))
	})
	zone := max(n/10, min(n/3, 10))
	due0, first := middle(points[:zone])
	due1, last := middle(points[n-zone:])
	if due1 <= due0 {
		return 0
	}
	return (last - first) / (due1 - due0) * float64(length)
}

// middle is the mean due time of the points and their median latency.
func middle(points []coursePoint) (due, latency float64) {
	all := make([]int64, len(points))
	for i, p := range points {
		due += float64(p.due) / float64(len(points))
		all[i] = p.latency
	}
	slices.Sort(all)
	return due, float64(all[len(all)/2]+all[(len(all)-1)/2]) / 2
}

// carried is how many jobs a second the system carried in the window of an open
// loop. The latency of the jobs has no part in it.
//
// It counts the notifications, of any job of the run, in the window shifted by
// the median latency of its jobs. Under constant latency that is exactly the
// offered rate, and in overload it is the service rate. But where no load runs
// before or after the window, the count misses jobs at its edges when latency
// varies, and an edge may cut a batch. A second estimate has no edges: jobs at
// rate R whose latency grows by g over the time T leave at R*T/(T+g). The figure
// departs from the rate of the window's own jobs only as far as both agree.
func (r *run) carried() float64 {
	w, span := r.window, float64(r.window.ToNS-r.window.FromNS)
	if span <= 0 {
		return 0
	}
	arrived := float64(w.Completed)
	shift := quantile(r.rec.window[iEndToEnd], 0.5, 0)
	if shift == nil {
		shift = extreme(r.rec.window[iEndToEnd], int64(r.rec.window[iEndToEnd].Mean()))
	}
	if shift == nil {
		return 0
	}
	from, to := w.FromNS+*shift, w.ToNS+*shift
	if end := r.carriedUntil; to > end && r.unheardOf() {
		// The run ended before the shifted window did. What was heard until then
		// tells the rate, if that is a good part of the window.
		if end-from < (to-from)/10 {
			return perSecond(arrived, span)
		}
		return perSecond(float64(r.rec.arrivals.between(from, end)), float64(end-from))
	}
	shifted := float64(r.rec.arrivals.between(from, to))
	grown := math.Inf(1) // latency fell by more than the window is long
	if g := r.rec.course.growth(w.ToNS - w.FromNS); span+g > 0 {
		grown = arrived * span / (span + g)
	}
	a, b := shifted-arrived, grown-arrived
	switch {
	case a > 0 && b > 0:
		arrived += min(a, b)
	case a < 0 && b < 0:
		arrived += max(a, b)
	}
	return perSecond(arrived, span)
}

// unheardOf reports whether jobs were still on their way when the run ended.
func (r *run) unheardOf() bool {
	t := ledger.Sum(r.tallies)
	return t[ledger.Sent] > t[ledger.Notified]+t[ledger.Unheard]
}

func perSecond(n, ns float64) float64 { return n / (ns / float64(time.Second)) }

// rates are jobs per second in the window.
func (r *run) rates() result.Rates {
	w := r.window
	var out result.Rates
	span := float64(w.ToNS - w.FromNS)
	if span <= 0 {
		return out
	}
	switch {
	case r.s.Load.Observed:
		out.AchievedPerS = perSecond(float64(w.Completed), span)
	case r.s.Load.Closed():
		to := w.ToNS
		if to == r.rec.lastNotified {
			to += 1 << r.rec.arrivals.shift // the window ends with its last job, which is in it
		}
		out.AchievedPerS = perSecond(float64(r.rec.arrivals.between(w.FromNS, to)), span)
	default:
		offered := perSecond(float64(w.Scheduled), span)
		out.OfferedPerS, out.AchievedPerS = &offered, r.carried()
		if offered > 0 {
			out.AchievedRatio = ptr(out.AchievedPerS / offered)
		}
	}
	return out
}

// peaks completes the highest backlog of each row by what the jobs' stamps say:
// no look at the run in progress sees every burst.
func (r *run) peaks() {
	sent, heard := &r.rec.departures, &r.rec.arrivals
	for sent.shift < heard.shift {
		sent.merge()
	}
	for heard.shift < sent.shift {
		heard.merge()
	}
	var backlog int64
	next := int64(0)
	for k := range r.sampler.timeline {
		row := &r.sampler.timeline[k]
		end := int64(row.ElapsedS*float64(time.Second)) >> sent.shift
		for ; next < end; next++ {
			if int(next) < len(sent.bins) {
				backlog += int64(sent.bins[next])
			}
			if int(next) < len(heard.bins) {
				backlog -= int64(heard.bins[next])
			}
			row.BacklogMax = max(row.BacklogMax, backlog)
		}
		r.sampler.maxBacklog = max(r.sampler.maxBacklog, row.BacklogMax)
	}
}
