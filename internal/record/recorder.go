// Package record gathers the finished jobs of a run: a histogram for each stage, the
// counts of late and slow ones, and how latency and backlog developed. It records
// without allocation and without a lock that is contended. Begin reading at
// [Recorder].
package record

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

const nStages = 15

// The places of some stages in the order of [metric.Stages].
const (
	Lateness = 0
	Enqueue  = 3
	Running  = 6
	Work     = 7
	EndToEnd = 13
)

// durations are a finished job's stages in the order of [metric.Stages], absent where
// one of the stamps is. A job is requested when its push is the answer of the user's API.
func durations(t *[flight.Stamps]int64, requested bool) [nStages]int64 {
	work := span(t, flight.PoppedAt, flight.DoneAt)
	if work == flight.Absent {
		work = t[flight.WorkReported]
	}
	published, ended := flight.DoneAt, flight.Ended(t)
	if t[flight.SavedAt] != flight.Absent {
		published = flight.SavedAt
	}
	pushed := flight.PushedAt(t)
	enqueue, request, queue := int64(flight.Absent), int64(flight.Absent), int64(flight.Absent)
	if t[flight.AckedAt] != flight.Absent { // it is known that the push was acknowledged
		enqueue = t[flight.AckedAt] - pushed
	}
	if t[flight.PoppedAt] != flight.Absent {
		queue = t[flight.PoppedAt] - pushed
	}
	if requested {
		enqueue, request = flight.Absent, t[flight.AckedAt]-t[flight.DueAt]
	}
	return [nStages]int64{
		t[flight.SentAt] - t[flight.DueAt],
		request,
		span(t, flight.SentAt, flight.StoredAt),
		enqueue,
		queue,
		span(t, flight.DueAt, flight.RunningAt),
		span(t, flight.RunningAt, flight.NotifiedAt),
		work,
		span(t, flight.DoneAt, flight.SavedAt),
		span(t, published, flight.PublishedAt),
		span(t, published, flight.NotifiedAt),
		span(t, published, flight.FirstAt),
		span(t, flight.NotifiedAt, flight.BroadcastAt),
		ended - t[flight.DueAt],
		ended - t[flight.SentAt],
	}
}

// span is the time between two stamps.
func span(t *[flight.Stamps]int64, from, to int) int64 {
	if t[from] == flight.Absent || t[to] == flight.Absent {
		return flight.Absent
	}
	return t[to] - t[from]
}

// StageSet is a histogram for each stage.
type StageSet [nStages]*latency.Histogram

// NewStageSet returns empty histograms.
func NewStageSet() StageSet {
	var s StageSet
	for i := range s {
		s[i] = latency.New()
	}
	return s
}

// record records the stages at those places.
func (s *StageSet) record(places []int, d *[nStages]int64) {
	for _, i := range places {
		if d[i] != flight.Absent {
			s[i].Record(d[i])
		}
	}
}

// Merge adds everything in o.
func (s *StageSet) Merge(o *StageSet) {
	for i, h := range s {
		h.Merge(o[i])
	}
}

// Reset empties the histograms.
func (s *StageSet) Reset() {
	for _, h := range s {
		h.Reset()
	}
}

// Recorder gathers the finished jobs of all goroutines. Each goroutine writes into its
// own shard, whose lock is contended only once a second; the histograms are behind a
// lock that is taken once for shardJobs jobs.
type Recorder struct {
	From, To int64         // the window by due time; To is exclusive
	cut      *atomic.Int64 // where the load ended, when that is known
	Mu       sync.Mutex
	sets
	Counts
	shards    []*Shard
	lateLimit int64
	slow      int64 // the p99 of end_to_end so far
	Bins      Bins  // by due time, the warm-up included
	Parts     *breakdown
	// Departures and Arrivals are when every job of the run was sent, and when its
	// notification arrived; Course is the latency of the window's jobs over time.
	Departures, Arrivals timeCounts
	Course               course
	first                int64 // the number of the first job that is not prefilled
	requested            bool  // jobs come in through the user's API
	measured             []int // the places of the stages that the scenario measures
	faulted                    // what a run with faults keeps besides
}

// sets are the histograms of a recorder.
type sets struct {
	Window   StageSet           // all jobs of the window
	second   StageSet           // those of the window finished since the last take
	outside  StageSet           // the others finished since the last take
	spare    [2]StageSet        // what second and outside are swapped with
	Total    *latency.Histogram // the headline of every job, for the progress
	headline int                // the stage of Total, by its place
}

// Counts are what a recorder counts besides the stages.
type Counts struct {
	// LastNotified is when the last job of the window arrived, and prefilled when the
	// last of the prefilled jobs did.
	LastNotified, prefilled int64
	// Queued and Worked are the jobs' time in the queue and with a consumer, as far
	// as it lies in the window, whenever they were due.
	Queued, Worked int64
	// Held counts jobs of the window that were sent more than the limit late, Late
	// those that were sent well after its end, and Negative those with a stage of
	// negative length. Of the jobs slower than the p99 so far, Tail counts all and
	// TailLate those whose time is mostly lateness. Excused jobs are late because of a
	// fault, and are in none of these but Negative.
	Held, Late, Negative, Tail, TailLate, Excused int64
}

func NewRecorder(s scenario.Scenario, sp *flight.Spread, first, from, to int64, cut *atomic.Int64) *Recorder {
	var measured []int
	for _, stage := range s.Measured() {
		measured = append(measured, slices.Index(metric.Stages(), stage))
	}
	return &Recorder{
		measured:  measured,
		requested: s.Entry.Kind == scenario.EntryHTTP,
		Parts:     newBreakdown(s, sp), first: first, Departures: NewTimeCounts(), Arrivals: NewTimeCounts(), Course: newCourse(),
		From: from, To: to, cut: cut, lateLimit: int64(LateLimit(s)),
		sets: sets{
			Window: NewStageSet(), second: NewStageSet(), outside: NewStageSet(), spare: [2]StageSet{NewStageSet(), NewStageSet()},
			Total: latency.New(), headline: slices.Index(metric.Stages(), s.Headline()),
		},
		Bins: Bins{Length: int64(100 * time.Millisecond)},
	}
}

const shardJobs = 64

// Shard holds the jobs that one goroutine finished and has not passed on.
type Shard struct {
	r    *Recorder
	mu   sync.Mutex
	n    int
	jobs [shardJobs]finished
	// Completed counts jobs of the window, all counts every job, passed on or not.
	completed, all atomic.Int64
	_              [64]byte // keeps two goroutines' shards off one cache line
}

// finished is a job that is over.
type finished struct {
	n     int64
	stamp [flight.Stamps]int64
}

// Shard returns a new shard. All are made before the run begins.
func (r *Recorder) Shard() *Shard {
	s := &Shard{r: r}
	r.shards = append(r.shards, s)
	return s
}

// Add records a finished job.
func (s *Shard) Add(n int64, t *[flight.Stamps]int64) {
	if t[flight.DueAt] >= s.r.From && t[flight.DueAt] < s.r.To {
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
func (s *Shard) hand() {
	r := s.r
	r.Mu.Lock()
	for i := range s.n {
		n, t := s.jobs[i].n, &s.jobs[i].stamp
		d := durations(t, r.requested)
		if t[flight.DueAt] >= r.From && t[flight.DueAt] < r.To {
			r.second.record(r.measured, &d)
			r.Parts.record(n, t[flight.DueAt], &d)
			r.Course.add(t[flight.DueAt], d[EndToEnd])
			r.LastNotified = max(r.LastNotified, flight.Ended(t))
			excused := r.excused(t[flight.DueAt])
			if t[flight.SentAt]-r.lateLimit > r.To && !excused {
				r.Late++
			}
			if d[Lateness] > r.lateLimit && excused {
				r.Excused++
			} else if d[Lateness] > r.lateLimit {
				r.Held++
			}
			if whole := d[EndToEnd]; whole > r.slow && r.slow > 0 && !excused {
				r.Tail++
				if d[Lateness] > whole/2 {
					r.TailLate++
				}
			}
		} else {
			r.outside.record(r.measured, &d)
		}
		r.Departures.Add(t[flight.SentAt])
		r.Arrivals.Add(flight.Ended(t))
		if n >= r.first {
			r.Track.add(t[flight.DueAt], flight.Ended(t))
		}
		if n < r.first {
			r.prefilled = max(r.prefilled, flight.Ended(t))
		}
		// A push takes effect about halfway through its round trip.
		if t[flight.PoppedAt] != flight.Absent {
			published := t[flight.PublishedAt]
			if published == flight.Absent {
				published = flight.Ended(t) // its answer was lost
			}
			r.Queued += r.InWindow(flight.PushedAt(t)+max(0, d[Enqueue])/2, t[flight.PoppedAt])
			r.Worked += r.InWindow(t[flight.PoppedAt], published)
		}
		r.Bins.Add(t[flight.DueAt], d[EndToEnd])
		for _, v := range d {
			if v < 0 && v != flight.Absent {
				r.Negative++
				break
			}
		}
	}
	r.Mu.Unlock()
	s.n = 0
}

// Heard records an external job that ended at that moment. There are only as many as
// one subscriber receives, so there is no need to save locks.
func (s *Shard) Heard(at int64, end observe.End) {
	r := s.r
	inside := at >= r.From && at < min(r.To, r.cut.Load())
	if inside {
		s.completed.Add(1)
	}
	s.all.Add(1)
	r.Mu.Lock()
	defer r.Mu.Unlock()
	set := &r.outside
	if inside {
		set = &r.second
		r.LastNotified = max(r.LastNotified, at)
	}
	if end.Paired {
		set[Running].Record(int64(end.Running))
	}
	if end.Work > 0 {
		set[Work].Record(int64(end.Work))
	}
}

// InWindow is how much of the span lies in the window.
func (r *Recorder) InWindow(from, to int64) int64 {
	return max(0, min(to, r.To, r.cut.Load())-max(from, r.From))
}

// Completed is how many jobs of the window are finished.
func (r *Recorder) Completed() int64 {
	var n int64
	for _, s := range r.shards {
		n += s.completed.Load()
	}
	return n
}

// Added is how many jobs were recorded at all.
func (r *Recorder) Added() int64 {
	var n int64
	for _, s := range r.shards {
		n += s.all.Load()
	}
	return n
}

// Take brings everything up to date and hands the last interval to fn: what
// was finished of the window, and of all else. It is called by one goroutine at
// a time. The goroutines that record wait for no more than a swap.
func (r *Recorder) Take(fn func(window, outside *StageSet)) {
	for _, s := range r.shards {
		s.mu.Lock()
		s.hand()
		s.mu.Unlock()
	}
	r.Mu.Lock()
	r.second, r.spare[0] = r.spare[0], r.second
	r.outside, r.spare[1] = r.spare[1], r.outside
	r.Mu.Unlock()
	window, outside := &r.spare[0], &r.spare[1]
	fn(window, outside)
	r.Window.Merge(window)
	r.Total.Merge(window[r.headline])
	r.Total.Merge(outside[r.headline])
	window.Reset()
	outside.Reset()
	if q := Quantile(r.Total, 0.99, 0); q != nil {
		r.Mu.Lock()
		r.slow = *q
		r.Mu.Unlock()
	}
}

// Lose adds a job of the window that will not arrive to the breakdown.
func (r *Recorder) Lose(n, due int64) {
	if r.Parts == nil {
		return
	}
	r.Mu.Lock()
	r.Parts.lose(n, due)
	r.Mu.Unlock()
}

// Abandon adds a job of the window that was given up to the breakdown.
func (r *Recorder) Abandon(n, due int64) {
	if r.Parts != nil {
		r.Parts.of(n, due, func(p *part) { p.Abandoned++ })
	}
}

// HasParts reports whether the jobs are split by step, queue or tenant.
func (r *Recorder) HasParts() bool { return r.Parts != nil }

// Unsent adds a job of the window that was due and not sent.
func (r *Recorder) Unsent(n, due int64) { r.Parts.unsent(n, due) }
