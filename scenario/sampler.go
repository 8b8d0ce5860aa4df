package scenario

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/scenario/latency"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// samplePeriod is how often, on average, the length of the queue is asked for.
// It is sampled beside the load, so that it can be held against what the jobs'
// own stamps say, and at random moments: a fixed period would see a load with a
// constant rate always in the same phase.
const samplePeriod = 50 * time.Millisecond

// sampler looks at the run from the side, once a second, and writes the
// timeline.
type sampler struct {
	r        *run
	plan     *plan // nil in a closed loop
	timeline []Second
	stages   []Stage
	scratch  *latency.Histogram
	wait     pace.Waiter // of poll
	watch    *watch      // nil when no threshold has to be looked at meanwhile

	// As of the last row.
	at      time.Duration
	offered int64
	totals  totals

	mu         sync.Mutex // guards what follows
	queueLen   *int64     // since the last row; nil when no answer came
	lastLen    int64      // the last answer there was
	firstLen   *int64     // the first answer in the window
	asked      int64      // questions to the server
	maxBacklog int64
	// Sampled in the window: the length of the queue, and the share of the
	// consumers that had work in hands.
	lengths, busy level
	heard         totals // as of the last sample in the window
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
func (s Scenario) recoversFrom() (at time.Duration, measured bool) {
	return s.Hold.From + s.Hold.For, s.Hold.For > 0 || s.Prefill > 0
}

func newSampler(r *run) (*sampler, error) {
	wait, err := r.waiter()
	if err != nil {
		return nil, err
	}
	s := &sampler{r: r, scratch: latency.New(), wait: wait, stages: r.s.Measured(), recovered: absent, watch: newWatch(r), lastLen: r.found, maxBacklog: r.found}
	if r.s.Load.Open() {
		s.plan = newPlan(r.s)
	}
	return s, nil
}

// loop samples until ctx ends, and then once more.
func (s *sampler) loop(ctx context.Context) {
	var polling sync.WaitGroup
	defer polling.Wait()
	polling.Go(func() { s.poll(ctx) })
	for next := time.Second; ; next += time.Second {
		wait := time.NewTimer(time.Until(s.r.epoch.Add(next)))
		select {
		case <-wait.C:
			s.row(time.Duration(s.r.now()))
		case <-ctx.Done():
			wait.Stop()
			s.row(time.Duration(s.r.now()))
			return
		}
	}
}

// poll asks for the length of the queue again and again. When the server does
// not answer, the rows of that time say so.
func (s *sampler) poll(ctx context.Context) {
	stop := context.AfterFunc(ctx, s.wait.Stop)
	defer stop()
	// The language's own timers are looked at whenever something wakes the
	// process, and that is a job, most of the time: samples taken by them find
	// the workers busy too often. A kernel timer wakes it by itself.
	for {
		planned := samplePeriod/2 + rand.N(samplePeriod)
		began := s.r.now()
		if !s.wait.Wait(planned) {
			return
		}
		at := s.r.now()
		late := time.Duration(at-began) - planned
		// The workers are looked at before the server is asked: its answer wakes
		// this process, and what else arrived with it does so too.
		s.mu.Lock()
		if s.inWindow(at) {
			s.busy.add(at, s.r.busy(), 1, late)
		}
		s.mu.Unlock()
		ask, cancel := context.WithTimeout(ctx, time.Second)
		n, err := s.r.b.Len(ask)
		cancel()
		at = s.r.now()
		t := sum(s.r.tallies)
		s.mu.Lock()
		s.asked++
		if err == nil {
			s.queueLen, s.lastLen = &n, n
		}
		s.maxBacklog = max(s.maxBacklog, s.backlog(t))
		if err == nil {
			if from, has := s.r.s.recoversFrom(); has && s.recovered == absent && at >= int64(from) && n <= int64(max(1, s.r.s.Consumers)) {
				s.recovered = at - int64(from)
			}
			if s.inWindow(at) {
				s.look(at, n, t, late)
			}
		}
		s.mu.Unlock()
	}
}

// inWindow reports whether the moment belongs to the window.
func (s *sampler) inWindow(at int64) bool {
	return at >= s.r.rec.from && at < min(s.r.rec.to, s.r.cut.Load())
}

// look notes how long the queue was at a moment in the window, beside what this
// process had sent and taken by then. The caller holds mu.
func (s *sampler) look(at, n int64, t totals, late time.Duration) {
	if s.firstLen == nil {
		s.firstLen = &n
	}
	s.lengths.add(at, float64(n), float64(max(0, t.sent-s.heard.sent)), late)
	s.heard = t
	// A push whose answer is not here may be in the queue, and what a pop brings
	// has left it. By more than these the server and our count cannot differ.
	apart := max(n-(t.acked-t.popped), (t.acked-t.popped)-n)
	s.lengths.transit += float64(min(apart, t.sent-t.acked+int64(s.r.s.Consumers*s.r.s.Batch)))
}

// backlog is how many jobs wait: sent and not yet heard of, and of an observed
// load those that are in the queue. The caller holds mu.
func (s *sampler) backlog(t totals) int64 {
	if s.r.s.Load.Observed {
		return s.lastLen
	}
	return t.sent - t.notified - t.nobody
}

// length is how many jobs the server last said to wait in the queue.
func (s *sampler) length() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLen
}

// phase is the part of the run that the moment belongs to.
func (s *sampler) phase(at time.Duration) string {
	switch {
	case int64(at)-int64(10*time.Millisecond) <= s.r.rec.from:
		return "warmup"
	case int64(at)-int64(10*time.Millisecond) <= min(s.r.rec.to, s.r.cut.Load()):
		return "window"
	}
	return "drain"
}

// row writes the timeline's next row, which ends now.
func (s *sampler) row(at time.Duration) {
	length := at - s.at
	if length <= 0 {
		return
	}
	t := sum(s.r.tallies)
	row := Second{
		ElapsedS: at.Seconds(), LengthS: length.Seconds(), Phase: s.phase(at),
		Sent: t.sent - s.totals.sent, Notified: t.notified - s.totals.notified,
		Stages: map[Stage]*SecondStage{},
	}
	offered := t.sent
	if s.plan != nil {
		offered = s.plan.upTo(min(at, time.Duration(s.r.cut.Load())))
	}
	row.Offered = offered - s.offered
	s.mu.Lock()
	row.QueueLen, s.queueLen = s.queueLen, nil
	row.Backlog = s.backlog(t)
	s.maxBacklog = max(s.maxBacklog, row.Backlog)
	s.mu.Unlock()
	s.r.rec.take(func(window, outside *stageSet) {
		s.watch.merge(window)
		for i, stage := range Stages() {
			if !slices.Contains(s.stages, stage) {
				continue
			}
			row.Stages[stage] = s.stage(window[i], outside[i])
			if s.r.o.Interval != nil {
				s.r.o.Interval(Interval{
					Stage: stage, From: s.r.epoch.Add(s.at).Round(0),
					Start: s.at, Length: length, Histogram: window[i],
				})
			}
		}
	})
	// The server may take its time to answer; what completed meanwhile is the next
	// row's.
	row.Blocked = s.blocked(at)
	s.timeline = append(s.timeline, row)
	s.watch.look(row, t)
	s.at, s.offered, s.totals = at, offered, t
	if s.r.o.Progress != nil {
		s.r.o.Progress(s.progress(row, t))
	}
}

// blocked asks how many connections wait in a blocking command: the idle workers.
func (s *sampler) blocked(at time.Duration) *int64 {
	b, ok := s.r.b.(interface {
		Blocked(ctx context.Context) (int64, error)
	})
	if !ok || s.r.ctx.Err() != nil || int64(at) > s.r.cut.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.r.ctx, time.Second)
	defer cancel()
	n, err := b.Blocked(ctx)
	s.mu.Lock()
	s.asked++
	s.mu.Unlock()
	if err != nil {
		return nil
	}
	if int64(at) >= s.r.rec.from {
		s.mu.Lock()
		s.waiting.n++
		s.waiting.sum += float64(n)
		s.mu.Unlock()
	}
	return &n
}

// stage sums up one stage of a row.
func (s *sampler) stage(window, outside *latency.Histogram) *SecondStage {
	h := window
	if outside.Count() > 0 {
		h = outside
		if window.Count() > 0 {
			s.scratch.Reset()
			s.scratch.Merge(window)
			s.scratch.Merge(outside)
			h = s.scratch
		}
	}
	return &SecondStage{
		Count: h.Count(),
		P50NS: quantile(h, 0.5, 0), P90NS: quantile(h, 0.9, 0), P99NS: quantile(h, 0.99, 0),
		MaxNS: extreme(h, h.Max()),
	}
}

func (s *sampler) progress(row Second, t totals) Progress {
	p := Progress{
		Phase: row.Phase, Elapsed: s.at, Total: s.r.s.Load.Duration, Jobs: s.r.s.Load.Jobs,
		Sent: t.sent, Notified: t.notified, Backlog: row.Backlog,
		AchievedPerS: float64(row.Notified) / row.LengthS,
	}
	if s.r.s.Load.Observed {
		p.Sent = s.r.rec.completed() // of Jobs
	}
	if s.plan != nil {
		p.OfferedPerS = float64(row.Offered) / row.LengthS
	}
	s.r.mu.Lock()
	for _, n := range s.r.faults {
		p.Errors += n
	}
	s.r.mu.Unlock()
	if q := quantile(s.r.rec.total, 0.5, 0); q != nil {
		p.P50 = time.Duration(*q)
	}
	if q := quantile(s.r.rec.total, 0.99, 0); q != nil {
		p.P99 = time.Duration(*q)
	}
	return p
}

// quantile is the q-quantile, nil when the values cannot carry it.
func quantile(h *latency.Histogram, q float64, missing int64) *int64 {
	v, err := h.Quantile(q, missing)
	if err != nil {
		return nil
	}
	return &v
}

// extreme is v, nil when h is empty.
func extreme[T any](h *latency.Histogram, v T) *T {
	if h.Count() == 0 {
		return nil
	}
	return &v
}
