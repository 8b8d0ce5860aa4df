package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/level"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/rowlength"
	"github.com/queuedyno/queuedyno/internal/silence"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// sampler samples the run and writes the timeline.
type sampler struct {
	r        *run
	plan     *plan.Plan // nil in a closed loop
	rows     rowlength.Rows
	timeline []result.Second
	fresh    []result.Second  // of the second that goes on, not in the timeline yet
	slot     rowlength.Slot   // of the timeline's last row
	joined   *record.StageSet // all stages of that row; nil while rows are not joined
	offers   offers
	stages   []metric.Stage
	scratch  *latency.Histogram
	wait     waiter.Waiter   // of poll
	live     *liveThresholds // nil when no threshold has to be looked at meanwhile
	standing *standing       // nil when no one asked for snapshots or checkpoints
	saveAt   time.Duration   // when the next checkpoint is due

	// As of the last row.
	at      time.Duration
	offered int64
	totals  ledger.Totals
	// whole is the second that goes on, of which there may be several rows.
	whole result.Second
	since time.Duration // when it began

	samples
}

// samples are what the sampler sees between two rows, and in the window.
type samples struct {
	mu         sync.Mutex // guards what follows
	queueLen   *int64     // since the last row; nil when no answer came
	lastLen    int64      // the last answer there was
	firstLen   *int64     // the first answer in the window
	asked      int64      // questions to the server
	silence    silence.Silence
	stallEnd   int64 // when the sampler last knew of it
	maxBacklog int64
	peak       int64 // the highest backlog since the last row
	// Sampled in the window: the length of the queue, and the share of the
	// consumers that had a job.
	lengths, busy level.Level
	heard         ledger.Totals // as of the last sample in the window
	// waiting are the connections that wait in a blocking command, sampled at the
	// end of each row of the window.
	waiting struct {
		n   int64
		sum float64
	}
	// recovered is how long it took after a hold, or from the beginning of a
	// prefilled load, until the queue held no more jobs than there are
	// consumers; absent before that.
	recovered int64
}

// recoversFrom is the moment from which the recovery of the queue is measured.
func recoversFrom(s scenario.Scenario) (at time.Duration, measured bool) {
	return s.Hold.From + s.Hold.For, s.Hold.For > 0 || s.Prefill > 0
}

func newSampler(r *run) (*sampler, error) {
	wait, err := r.waiter()
	if err != nil {
		return nil, err
	}
	s := &sampler{
		r: r, rows: rowlength.Of(r.s, r.o.MostRows), scratch: latency.New(), wait: wait, stages: r.s.Measured(),
		live: newLiveThresholds(r), standing: newStanding(r), saveAt: r.o.CheckpointEvery,
		offers:  newOffers(),
		samples: samples{recovered: flight.Absent, lastLen: r.foreign.found, maxBacklog: r.foreign.found},
	}
	if r.s.Load.Open() {
		s.plan = plan.New(r.s)
	}
	return s, nil
}

// lookPeriod is how often the backlog is sampled, which takes about a microsecond for
// 10 goroutines that count.
func (s *sampler) lookPeriod() time.Duration {
	return 10 * time.Millisecond * time.Duration(1+len(s.r.tallies)/500)
}

// loop samples until ctx ends, and then once more.
func (s *sampler) loop(ctx context.Context) {
	var polling sync.WaitGroup
	defer polling.Wait()
	polling.Go(func() { s.poll(ctx) })
	look := s.lookPeriod()
	row, nextRow, nextSecond := s.rows.Fine(), s.rows.Fine(), time.Second
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		at := time.Duration(s.r.now())
		wait.Reset(min(nextRow-at, (at/look+1)*look-at))
		select {
		case <-wait.C:
		case <-ctx.Done():
			at := time.Duration(s.r.now())
			s.second(at, at)
			return
		}
		at = time.Duration(s.r.now())
		switch {
		case at < nextRow:
			s.glance(at)
		case at >= nextSecond:
			s.second(at, dueBefore(nextSecond, at))
		default:
			s.row(at, dueBefore(nextRow, at))
		}
		for nextRow <= at { // a row that comes late is longer
			nextRow += row
		}
		for nextSecond <= at {
			nextSecond += time.Second
		}
	}
}

// dueBefore is until when jobs are due that a row offers: until the moment at
// which it was to end, if it ended not much later. A second of 100 jobs/s then
// offers 100 jobs, and not the first of the next second too.
func dueBefore(end, at time.Duration) time.Duration {
	if at-end < 10*time.Millisecond {
		return end - 1
	}
	return at
}

// waiting are the counters of a backlog, in the order in which they are read.
var waiting = append(append([]ledger.Counter{ledger.Notified}, ledger.Gone...), ledger.Sent)

// glance notes the backlog.
func (s *sampler) glance(at time.Duration) {
	t := ledger.SumOf(s.r.tallies, waiting...)
	s.mu.Lock()
	backlog := s.backlog(t)
	s.note(backlog)
	s.mu.Unlock()
	if s.r.o.Sampled != nil {
		s.r.o.Sampled(at, backlog)
	}
}

// note notes a backlog. The caller holds mu.
func (s *sampler) note(backlog int64) {
	s.peak, s.maxBacklog = max(s.peak, backlog), max(s.maxBacklog, backlog)
}

// poll asks for the length of the queue again and again. When the server does
// not answer, the rows of that time say so.
func (s *sampler) poll(ctx context.Context) {
	stop := context.AfterFunc(ctx, s.wait.Stop)
	defer stop()
	// Go's timers are checked whenever something wakes the process, which is a job
	// most of the time: samples taken by them would find the workers busy too often.
	// A kernel timer wakes the process by itself.
	for {
		planned := level.SamplePeriod/2 + rand.N(level.SamplePeriod)
		began := s.r.now()
		if !s.wait.Wait(planned) {
			return
		}
		at := s.r.now()
		late := time.Duration(at-began) - planned
		// The workers are sampled before the server is asked: its answer wakes this
		// process, together with whatever else arrived.
		s.mu.Lock()
		if s.inWindow(at) {
			s.busy.Add(at, s.r.busyShare(), 1, min(1, s.moved(late)/float64(max(1, s.r.s.Consumers))))
		}
		s.mu.Unlock()
		ask, cancel := context.WithTimeout(ctx, time.Second)
		n, err := s.r.b.Len(ask)
		cancel()
		at = s.r.now()
		t := ledger.Sum(s.r.tallies)
		s.mu.Lock()
		s.asked++
		if err == nil {
			s.queueLen, s.lastLen = &n, n
			s.silence.Answer(at)
		} else if ctx.Err() == nil {
			s.silence.GiveUp(err)
		}
		s.stallEnd = at
		s.note(s.backlog(t))
		if err == nil {
			if from, has := recoversFrom(s.r.s); has && s.recovered == flight.Absent && at >= int64(from) && n <= int64(max(1, s.r.s.Consumers)) {
				s.recovered = at - int64(from)
			}
			if s.inWindow(at) {
				s.look(at, n, t, late)
			}
		}
		s.mu.Unlock()
	}
}

// inWindow reports whether the moment is in the window.
func (s *sampler) inWindow(at int64) bool {
	return at >= s.r.rec.From && at < min(s.r.rec.To, s.r.cut.Load())
}

// moved is how many jobs go their way in so long a time, at the rate until now. The
// caller holds mu.
func (s *sampler) moved(d time.Duration) float64 {
	if s.lengths.At <= 0 || d <= 0 {
		return 0
	}
	return float64(s.heard[ledger.Sent]-s.r.filled) / float64(s.lengths.At) * float64(d)
}

// look notes how long the queue was at a moment in the window, with what this
// process had sent and taken by then. The caller holds mu.
func (s *sampler) look(at, n int64, t ledger.Totals, late time.Duration) {
	if s.firstLen == nil {
		s.firstLen = &n
	}
	most := math.Inf(1)
	if s.r.s.Load.Closed() {
		most = float64(plan.InFlight(s.r.s))
	}
	s.lengths.Add(at, float64(n), min(most, float64(max(0, t[ledger.Sent]-s.heard[ledger.Sent]))), min(most, s.moved(late)))
	s.heard = t
	// A push whose answer is not here may be in the queue, and what a pop brings
	// has left it. The server and this count cannot differ by more than these.
	apart := max(n-(t[ledger.Acked]-t[ledger.Popped]), (t[ledger.Acked]-t[ledger.Popped])-n)
	s.lengths.Transit += float64(min(apart, t[ledger.Sent]-t[ledger.Acked]+int64(s.r.s.Consumers*s.r.s.Batch)))
}

// backlog is how many jobs wait: sent and not yet over, and of an observed
// load those that are in the queue. The caller holds mu.
func (s *sampler) backlog(t ledger.Totals) int64 {
	if s.r.s.Load.Observed {
		return s.lastLen
	}
	return t[ledger.Sent] - t[ledger.Notified] - t.Over()
}

// length is how many jobs the server last said to wait in the queue.
func (s *sampler) length() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLen
}

// busyShare is the share of the consumers that have jobs at this moment.
func (p *pools) busyShare() float64 {
	if len(p.consumers) == 0 {
		return 0
	}
	n := 0
	for _, c := range p.consumers {
		if c.busy.Load() {
			n++
		}
	}
	return float64(n) / float64(len(p.consumers))
}

// stall is the longest stall of the server that no fault of the scenario caused, nil
// without one.
func (r *run) stall() *result.Stall {
	from, length, lasts := r.sampler.stalled()
	if length == 0 || r.faults.away(from) || r.faults.ended() {
		return nil
	}
	return &result.Stall{FromNS: int64(from), ToNS: int64(from + length), Lasted: lasts}
}

// justStalled reports whether the server stands still, or did so moments ago: nothing can
// have been heard meanwhile, and what it held up is heard now.
func (s *sampler) justStalled() bool {
	const moments = 3 * time.Second
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silence.Within(moments, s.r.now())
}

// stalled is the longest time in which the server answered nothing, 0 when there
// was none of a second or more.
func (s *sampler) stalled() (from, length time.Duration, lasts bool) {
	if s == nil {
		return 0, 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silence.Longest(s.stallEnd)
}
