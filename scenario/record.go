package scenario

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/scenario/latency"
)

const nStages = 8

// durations are a finished job's stages in the order of [Stages].
func durations(t *[stamps]int64) [nStages]int64 {
	return [nStages]int64{
		t[tSent] - t[tDue],
		t[tAcked] - t[tSent],
		t[tPopped] - t[tSent],
		t[tDone] - t[tPopped],
		t[tPublished] - t[tDone],
		t[tNotified] - t[tDone],
		t[tNotified] - t[tDue],
		t[tNotified] - t[tSent],
	}
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
		h.Record(d[i])
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
	total    *latency.Histogram // end_to_end of every job, for the progress
	shards   []*shard
	// lastNotified is when the last job of the window arrived.
	lastNotified int64
	lateLimit    int64
	held         int64 // jobs of the window with a lateness above lateLimit
	// queued and worked are the jobs' time in the queue and in a consumer's
	// hands as far as it lies in the window, whenever they were due.
	queued, worked int64
	bins           []bin // by due time, the warm-up included
	// late counts jobs of the window that were sent after its end, negative
	// those with a stage of negative length. Of the jobs slower than the p99
	// so far, tail counts all and tailLate those whose time is mostly lateness.
	late, negative, tail, tailLate int64
	slow                           int64 // the p99 of end_to_end so far
}

// binLength is the length of a bin of the series that steadiness is judged by.
const binLength = int64(100 * time.Millisecond)

// bin sums end_to_end of the jobs that were due in it.
type bin struct {
	sum   float64
	count int64
}

func newRecorder(s Scenario, from, to int64, cut *atomic.Int64) *recorder {
	return &recorder{
		from: from, to: to, cut: cut, lateLimit: int64(s.lateLimit()),
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
	jobs [shardJobs][stamps]int64
	// completed counts jobs of the window, all counts every job, handed on or not.
	completed, all atomic.Int64
	_              [64]byte // keeps two goroutines' shards off one cache line
}

// shard returns a new shard. All are made before the run begins.
func (r *recorder) shard() *shard {
	s := &shard{r: r}
	r.shards = append(r.shards, s)
	return s
}

// add records a finished job.
func (s *shard) add(t *[stamps]int64) {
	if t[tDue] >= s.r.from && t[tDue] < s.r.to {
		s.completed.Add(1)
	}
	s.all.Add(1)
	s.mu.Lock()
	s.jobs[s.n] = *t
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
		t := &s.jobs[i]
		d := durations(t)
		if t[tDue] >= r.from && t[tDue] < r.to {
			r.second.record(&d)
			r.lastNotified = max(r.lastNotified, t[tNotified])
			if t[tSent] > r.to {
				r.late++
			}
			if d[0] > r.lateLimit {
				r.held++
			}
			if d[6] > r.slow && r.slow > 0 {
				r.tail++
				if d[0] > d[6]/2 {
					r.tailLate++
				}
			}
		} else {
			r.outside.record(&d)
		}
		// A push takes effect about halfway through its round trip.
		r.queued += r.inWindow(t[tSent]+d[1]/2, t[tPopped])
		r.worked += r.inWindow(t[tPopped], t[tPublished])
		if i := int(t[tDue] / binLength); i < maxBins {
			for len(r.bins) <= i {
				r.bins = append(r.bins, bin{})
			}
			r.bins[i].sum += float64(d[6])
			r.bins[i].count++
		}
		if d[0] < 0 || d[2] < 0 || d[3] < 0 || d[5] < 0 {
			r.negative++
		}
	}
	r.mu.Unlock()
	s.n = 0
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
	const endToEnd = 6
	r.total.Merge(window[endToEnd])
	r.total.Merge(outside[endToEnd])
	window.reset()
	outside.reset()
	if q := quantile(r.total, 0.99, 0); q != nil {
		r.mu.Lock()
		r.slow = *q
		r.mu.Unlock()
	}
}
