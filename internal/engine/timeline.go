package engine

import (
	"context"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/result"
)

// phase is the part of the run that the moment belongs to.
func (s *sampler) phase(at time.Duration) string {
	switch {
	case int64(at)-int64(10*time.Millisecond) <= s.r.rec.From:
		return "warmup"
	case int64(at)-int64(10*time.Millisecond) <= min(s.r.rec.To, s.r.cut.Load()):
		return "window"
	}
	return "drain"
}

// row writes the timeline's next row, which ends now: what was counted in it.
// It offers what was due by that moment. The stages are in the rows that end a
// second.
func (s *sampler) row(at, due time.Duration) ledger.Totals {
	length := at - s.at
	t := ledger.Sum(s.r.tallies)
	row := result.Second{
		ElapsedS: at.Seconds(), LengthS: length.Seconds(), Phase: s.phase(at),
		Sent: t[ledger.Sent] - s.totals[ledger.Sent], Notified: t[ledger.Notified] - s.totals[ledger.Notified],
		Stages: map[metric.Stage]*result.SecondStage{},
	}
	offered := t[ledger.Sent]
	if s.plan != nil {
		offered = s.plan.UpTo(min(due, time.Duration(s.r.cut.Load())))
	}
	row.Offered = offered - s.offered
	s.mu.Lock()
	row.QueueLen, s.queueLen = s.queueLen, nil
	row.Backlog = s.backlog(t)
	s.note(row.Backlog)
	// The next row begins with the backlog that this one ends with.
	row.BacklogMax, s.peak = s.peak, row.Backlog
	s.mu.Unlock()
	if s.r.o.Sampled != nil {
		s.r.o.Sampled(at, row.Backlog)
	}
	s.timeline = append(s.timeline, row)
	extend(&s.whole, row)
	s.at, s.offered, s.totals = at, offered, t
	return t
}

// offeredBy is how many jobs were offered by that moment, interpolated between
// the rows of the timeline.
func (s *sampler) offeredBy(at time.Duration) float64 {
	var n float64
	for _, row := range s.timeline {
		missing := row.ElapsedS - at.Seconds()
		if missing > 0 {
			if missing < row.LengthS {
				n += float64(row.Offered) * (1 - missing/row.LengthS)
			}
			break
		}
		n += float64(row.Offered)
	}
	return n
}

// extend makes a row longer by the one that follows it.
func extend(s *result.Second, row result.Second) {
	s.ElapsedS, s.Phase, s.Backlog = row.ElapsedS, row.Phase, row.Backlog
	s.LengthS += row.LengthS
	s.Offered += row.Offered
	s.Sent += row.Sent
	s.Notified += row.Notified
	s.BacklogMax = max(s.BacklogMax, row.BacklogMax)
}

// second writes the row that ends a second, and reports that second.
func (s *sampler) second(at, due time.Duration) {
	t := s.totals
	if at > s.at {
		t = s.row(at, due)
	}
	if s.whole.LengthS == 0 {
		return
	}
	row := &s.timeline[len(s.timeline)-1]
	whole := s.whole
	s.whole = result.Second{}
	start := s.since
	s.since = at
	s.r.rec.Take(func(window, outside *record.StageSet) {
		s.live.merge(window)
		for i, stage := range metric.Stages() {
			if !slices.Contains(s.stages, stage) {
				continue
			}
			row.Stages[stage] = s.stage(window[i], outside[i])
			if s.r.o.Interval != nil {
				s.r.o.Interval(latency.Interval{
					Stage: stage, From: s.r.epoch.Add(start).Round(0),
					Start: start, Length: at - start, Histogram: window[i],
				})
			}
		}
	})
	// The server may take a while to answer; what completes meanwhile belongs to the
	// next row.
	row.Blocked = s.blocked(at)
	s.live.look(whole, t)
	if s.r.o.Progress != nil {
		s.r.o.Progress(s.progress(whole, t))
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
	if int64(at) >= s.r.rec.From {
		s.mu.Lock()
		s.waiting.n++
		s.waiting.sum += float64(n)
		s.mu.Unlock()
	}
	return &n
}

// stage sums up one stage of a row.
func (s *sampler) stage(window, outside *latency.Histogram) *result.SecondStage {
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
	return &result.SecondStage{
		Count: h.Count(),
		P50NS: record.Quantile(h, 0.5, 0), P90NS: record.Quantile(h, 0.9, 0), P99NS: record.Quantile(h, 0.99, 0),
		MaxNS: record.Extreme(h, h.Max()),
	}
}

func (s *sampler) progress(row result.Second, t ledger.Totals) Progress {
	p := Progress{
		Phase: row.Phase, Elapsed: s.at, Total: s.r.s.Load.Duration, Jobs: s.r.s.Load.Jobs,
		Sent: t[ledger.Sent], Notified: t[ledger.Notified], Backlog: row.Backlog,
		AchievedPerS: float64(row.Notified) / row.LengthS,
	}
	if s.r.s.Load.Observed {
		p.Sent = s.r.rec.Completed() // of Jobs
	}
	if s.plan != nil {
		p.OfferedPerS = float64(row.Offered) / row.LengthS
	}
	p.Errors = s.r.errorCount()
	if q := record.Quantile(s.r.rec.Total, 0.5, 0); q != nil {
		p.P50 = time.Duration(*q)
	}
	if q := record.Quantile(s.r.rec.Total, 0.99, 0); q != nil {
		p.P99 = time.Duration(*q)
	}
	return p
}
