package engine

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/scenario"
)

const nStages = 11

// The places of some stages in the order of [metric.Stages].
const (
	iLateness = 0
	iRunning  = 4
	iWork     = 5
	iEndToEnd = 9
)

// durations are a finished job's stages in the order of [metric.Stages], absent where
// one of the stamps is.
func durations(t *[flight.Stamps]int64) [nStages]int64 {
	work := span(t, flight.PoppedAt, flight.DoneAt)
	if work == flight.Absent {
		work = t[flight.WorkReported]
	}
	return [nStages]int64{
		t[flight.SentAt] - t[flight.DueAt],
		t[flight.AckedAt] - t[flight.SentAt],
		span(t, flight.SentAt, flight.PoppedAt),
		span(t, flight.DueAt, flight.RunningAt),
		span(t, flight.RunningAt, flight.NotifiedAt),
		work,
		span(t, flight.DoneAt, flight.PublishedAt),
		span(t, flight.DoneAt, flight.NotifiedAt),
		span(t, flight.DoneAt, flight.FirstAt),
		t[flight.NotifiedAt] - t[flight.DueAt],
		t[flight.NotifiedAt] - t[flight.SentAt],
	}
}

// span is the time between two stamps.
func span(t *[flight.Stamps]int64, from, to int) int64 {
	if t[from] == flight.Absent || t[to] == flight.Absent {
		return flight.Absent
	}
	return t[to] - t[from]
}

// stageSet is a histogram for each stage.
type stageSet [nStages]*latency.Histogram

func newStageSet() stageSet {
	var s stageSet
	for i := range s {
		s[i] = latency.New()
	}
	return s
}

func (s *stageSet) record(d *[nStages]int64) {
	for i, h := range s {
		if d[i] != flight.Absent {
			h.Record(d[i])
		}
	}
}

func (s *stageSet) merge(o *stageSet) {
	for i, h := range s {
		h.Merge(o[i])
	}
}

func (s *stageSet) reset() {
	for _, h := range s {
		h.Reset()
	}
}

// recorder gathers the finished jobs of all goroutines. Each goroutine writes
// into a shard of its own, whose lock nobody else wants but once a second; the
// histograms are behind a lock that is taken once for shardJobs jobs.
type recorder struct {
	from, to int64         // the window by due time; to is exclusive
	cut      *atomic.Int64 // where the load ended, when that is known
	mu       sync.Mutex
	window   stageSet           // all jobs of the window
	second   stageSet           // those of the window finished since the last take
	outside  stageSet           // the others finished since the last take
	spare    [2]stageSet        // what second and outside are swapped with
	total    *latency.Histogram // the headline of every job, for the progress
	shards   []*shard
	// lastNotified is when the last job of the window arrived.
	lastNotified int64
	lateLimit    int64
	held         int64 // jobs of the window with a lateness above lateLimit
	// queued and worked are the jobs' time in the queue and in a consumer's
	// hands as far as it lies in the window, whenever they were due.
	queued, worked int64
	bins           []bin // by due time, the warm-up included
	// late counts jobs of the window that were sent well after its end, negative
	// those with a stage of negative length. Of the jobs slower than the p99
	// so far, tail counts all and tailLate those whose time is mostly lateness.
	late, negative, tail, tailLate int64
	slow                           int64 // the p99 of end_to_end so far
	parts                          *breakdown
	// headline is the stage of total, by its place.
	headline int
	// first is the number of the first job that is not prefilled; prefilled is
	// when the last of those before it arrived.
	first, prefilled int64
	// departures and arrivals are when every job of the run was sent, and when its
	// notification came; course is the latency of the window's jobs over time.
	departures, arrivals timeCounts
	course               course
}

// binLength is the length of a bin of the series that steadiness is judged by.
const binLength = int64(100 * time.Millisecond)

// bin sums end_to_end of the jobs that were due in it.
type bin struct {
	sum   float64
	count int64
}

func newRecorder(s scenario.Scenario, sp *flight.Spread, from, to int64, cut *atomic.Int64) *recorder {
	return &recorder{
		parts: newBreakdown(s, sp), headline: slices.Index(metric.Stages(), s.Headline()), first: firstNumber(s),
		departures: newTimeCounts(), arrivals: newTimeCounts(),
		from: from, to: to, cut: cut, lateLimit: int64(lateLimit(s)),
		window: newStageSet(), second: newStageSet(), outside: newStageSet(),
		spare: [2]stageSet{newStageSet(), newStageSet()}, total: latency.New(),
	}
}

const shardJobs = 64

// shard holds jobs that one goroutine finished and has not handed on.
type shard struct {
	r    *recorder
	mu   sync.Mutex
	n    int
	jobs [shardJobs]finished
	// completed counts jobs of the window, all counts every job, handed on or not.
	completed, all atomic.Int64
	_              [64]byte // keeps two goroutines' shards off one cache line
}

// finished is a job that is over.
type finished struct {
	n     int64
	stamp [flight.Stamps]int64
}

// shard returns a new shard. All are made before the run begins.
func (r *recorder) shard() *shard {
	s := &shard{r: r}
	r.shards = append(r.shards, s)
	return s
}

// add records a finished job.
func (s *shard) add(n int64, t *[flight.Stamps]int64) {
	if t[flight.DueAt] >= s.r.from && t[flight.DueAt] < s.r.to {
		s.completed.Add(1)
	}
	s.all.Add(1)
	s.mu.Lock()
	s.jobs[s.n] = finished{n, *t}
	s.n++
	if s.n == shardJobs {
		s.hand()
	}
	s.mu.Unlock()
}

// hand moves what the shard holds into the histograms. The caller holds s.mu.
func (s *shard) hand() {
	r := s.r
	r.mu.Lock()
	for i := range s.n {
		n, t := s.jobs[i].n, &s.jobs[i].stamp
		d := durations(t)
		if t[flight.DueAt] >= r.from && t[flight.DueAt] < r.to {
			r.second.record(&d)
			r.parts.record(n, t[flight.DueAt], &d)
			r.course.add(t[flight.DueAt], d[iEndToEnd])
			r.lastNotified = max(r.lastNotified, t[flight.NotifiedAt])
			if t[flight.SentAt]-r.lateLimit > r.to {
				r.late++
			}
			if d[iLateness] > r.lateLimit {
				r.held++
			}
			if whole := d[iEndToEnd]; whole > r.slow && r.slow > 0 {
				r.tail++
				if d[iLateness] > whole/2 {
					r.tailLate++
				}
			}
		} else {
			r.outside.record(&d)
		}
		r.departures.add(t[flight.SentAt])
		r.arrivals.add(t[flight.NotifiedAt])
		if n < r.first {
			r.prefilled = max(r.prefilled, t[flight.NotifiedAt])
		}
		// A push takes effect about halfway through its round trip.
		if t[flight.PoppedAt] != flight.Absent {
			r.queued += r.inWindow(t[flight.SentAt]+d[1]/2, t[flight.PoppedAt])
			r.worked += r.inWindow(t[flight.PoppedAt], t[flight.PublishedAt])
		}
		if i := int(t[flight.DueAt] / binLength); t[flight.DueAt] >= 0 && i < maxBins {
			for len(r.bins) <= i {
				r.bins = append(r.bins, bin{})
			}
			r.bins[i].sum += float64(d[iEndToEnd])
			r.bins[i].count++
		}
		for _, v := range d {
			if v < 0 && v != flight.Absent {
				r.negative++
				break
			}
		}
	}
	r.mu.Unlock()
	s.n = 0
}

// heard records a job of somebody else that ended at a moment. Of such jobs
// there are as many as one subscriber hears, so there is no need to save locks.
func (s *shard) heard(at int64, end observe.End) {
	r := s.r
	inside := at >= r.from && at < min(r.to, r.cut.Load())
	if inside {
		s.completed.Add(1)
	}
	s.all.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	set := &r.outside
	if inside {
		set = &r.second
		r.lastNotified = max(r.lastNotified, at)
	}
	if end.Paired {
		set[iRunning].Record(int64(end.Running))
	}
	if end.Work > 0 {
		set[iWork].Record(int64(end.Work))
	}
}

// maxBins bounds the series to a day.
const maxBins = 24 * 3600 * 10

// inWindow is how much of the span lies in the window.
func (r *recorder) inWindow(from, to int64) int64 {
	return max(0, min(to, r.to, r.cut.Load())-max(from, r.from))
}

// completed is how many jobs of the window are finished.
func (r *recorder) completed() int64 {
	var n int64
	for _, s := range r.shards {
		n += s.completed.Load()
	}
	return n
}

// added is how many jobs were recorded at all.
func (r *recorder) added() int64 {
	var n int64
	for _, s := range r.shards {
		n += s.all.Load()
	}
	return n
}

// take brings everything up to date and hands the last interval to fn: what
// was finished of the window, and of all else. It is called by one goroutine at
// a time. The goroutines that record wait for no more than a swap.
func (r *recorder) take(fn func(window, outside *stageSet)) {
	for _, s := range r.shards {
		s.mu.Lock()
		s.hand()
		s.mu.Unlock()
	}
	r.mu.Lock()
	r.second, r.spare[0] = r.spare[0], r.second
	r.outside, r.spare[1] = r.spare[1], r.outside
	r.mu.Unlock()
	window, outside := &r.spare[0], &r.spare[1]
	fn(window, outside)
	r.window.merge(window)
	r.total.Merge(window[r.headline])
	r.total.Merge(outside[r.headline])
	window.reset()
	outside.reset()
	if q := quantile(r.total, 0.99, 0); q != nil {
		r.mu.Lock()
		r.slow = *q
		r.mu.Unlock()
	}
}

// lose tells the breakdown of a job of the window that will not arrive.
func (r *recorder) lose(n, due int64) {
	if r.parts == nil {
		return
	}
	r.mu.Lock()
	r.parts.lose(n, due)
	r.mu.Unlock()
}

// abandon tells the breakdown of a job of the window that was given up.
func (r *recorder) abandon(n, due int64) {
	if r.parts != nil {
		r.parts.of(n, due, func(p *part) { p.Abandoned++ })
	}
}
