package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/joinrows"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/thin"
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
		Lost:   countedLost(&t) - countedLost(&s.totals),
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
	s.fresh = append(s.fresh, row)
	joinrows.Extend(&s.whole, row)
	s.offers.add(at, offered)
	s.at, s.offered, s.totals = at, offered, t
	return t
}

// countedLost is how many jobs were counted as lost when that happened.
func countedLost(t *ledger.Totals) (n int64) {
	for _, leg := range ledger.Legs() {
		if leg.Counted >= 0 {
			n += t[leg.Counted]
		}
	}
	return n
}

// lose adds a job that never arrived to the row in which it was due.
func (s *sampler) lose(due int64) {
	if len(s.timeline) == 0 {
		return
	}
	at := time.Duration(due).Seconds()
	k, _ := slices.BinarySearchFunc(s.timeline, at, func(row result.Second, at float64) int { return cmp.Compare(row.ElapsedS, at) })
	s.timeline[min(k, len(s.timeline)-1)].Lost++
}

// offeredBy is how many jobs were offered by that moment.
func (s *sampler) offeredBy(at time.Duration) float64 { return s.offers.by(at) }

// offers is how many jobs were offered in all by the ends of rows: by those of the last hour,
// and by every k-th of the whole run.
type offers struct {
	recent []offer
	whole  thin.Series[offer]
}

func newOffers() offers { return offers{whole: thin.New[offer](maxOffers)} }

type offer struct {
	at    time.Duration
	total int64
}

// maxOffers bounds both lists of [offers], each in 128 kB.
const maxOffers = 8192

func (o *offers) add(at time.Duration, total int64) {
	if len(o.recent) == maxOffers {
		o.recent = append(o.recent[:0], o.recent[maxOffers/2:]...)
	}
	o.recent = append(o.recent, offer{at, total})
	o.whole.Add(offer{at, total})
}

// by is how many were offered by that moment, interpolated between two ends.
func (o *offers) by(at time.Duration) float64 {
	if len(o.recent) == 0 {
		return 0
	}
	list, next := o.recent, o.recent[len(o.recent)-1]
	if at < list[0].at {
		list, next = o.whole.Kept, list[0]
	}
	k, _ := slices.BinarySearchFunc(list, at, func(one offer, at time.Duration) int { return cmp.Compare(one.at, at) })
	var before offer
	if k > 0 {
		before = list[k-1]
	}
	if k < len(list) {
		next = list[k]
	}
	if next.at <= before.at {
		return float64(before.total) // it was the last end
	}
	share := float64(at-before.at) / float64(next.at-before.at)
	return float64(before.total) + max(0, share)*float64(next.total-before.total)
}

// keep moves the rows of a second into the timeline: as separate rows, or into the last
// row, whose stages are those of all its seconds by then.
func (s *sampler) keep(joins bool) {
	if joins {
		last := &s.timeline[len(s.timeline)-1]
		for _, row := range s.fresh {
			joinrows.Extend(last, row)
		}
		last.Stages = map[metric.Stage]*result.SecondStage{} // snapshots hold the one before
		for i, stage := range metric.Stages() {
			if slices.Contains(s.stages, stage) {
				last.Stages[stage] = s.sum(stage, s.joined[i])
			}
		}
	} else {
		s.timeline = append(s.timeline, s.fresh...)
	}
	s.fresh = s.fresh[:0]
}

// joins reports whether the second that ends with that row belongs to the last row of the
// timeline. A row holds no seconds of two phases.
func (s *sampler) joins(row result.Second) bool {
	middle := time.Duration((row.ElapsedS - s.whole.LengthS/2) * float64(time.Second))
	before := s.slot
	s.slot = s.rows.Slot(middle)
	return before.Joins(s.slot) && s.timeline[len(s.timeline)-1].Phase == row.Phase
}

// join adds a second to the stages of the row that it belongs to.
func (s *sampler) join(joins bool, window, outside *record.StageSet) {
	if s.slot.Joined == 0 {
		return
	}
	if s.joined == nil {
		set := record.NewStageSet()
		s.joined = &set
	}
	if !joins {
		s.joined.Reset()
	}
	s.joined.Merge(window)
	s.joined.Merge(outside)
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
	row := &s.fresh[len(s.fresh)-1]
	joins := s.joins(*row)
	whole := s.whole
	s.whole = result.Second{}
	start := s.since
	s.since = at
	s.r.rec.Take(func(window, outside *record.StageSet) {
		s.live.merge(window)
		s.join(joins, window, outside)
		for i, stage := range metric.Stages() {
			if !slices.Contains(s.stages, stage) {
				continue
			}
			row.Stages[stage] = s.stage(stage, window[i], outside[i])
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
	rows := slices.Clone(s.fresh)
	s.keep(joins)
	s.live.look(whole, t)
	s.r.lookForEnds(whole, t)
	if s.r.o.Counted != nil {
		s.r.o.Counted(s.counted(t))
	}
	if s.r.o.Progress == nil && s.standing == nil {
		return
	}
	p := s.progress(whole, t)
	if s.r.o.Progress != nil {
		s.r.o.Progress(p)
	}
	s.snapshot(whole, rows, t, p)
}

// counted completes the counts with those that no goroutine counts, as far as they are
// known by now.
func (s *sampler) counted(t ledger.Totals) ledger.Totals {
	t[ledger.Scheduled] = t[ledger.Sent]
	if s.plan != nil {
		t[ledger.Scheduled] = max(t[ledger.Sent], s.r.filled+s.offered)
	}
	t[ledger.Lost], t[ledger.Prefilled], t[ledger.Errors] = t.Over(), s.r.filled, s.r.errorCount()
	return t
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
func (s *sampler) stage(stage metric.Stage, window, outside *latency.Histogram) *result.SecondStage {
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
	return s.sum(stage, h)
}

// sum sums up the values of a stage in a row.
func (s *sampler) sum(stage metric.Stage, h *latency.Histogram) *result.SecondStage {
	sum := record.Second(h)
	if !s.r.s.Shard.Whole() && stage == s.r.s.Headline() && sum.Count > 0 {
		sum.HDR = h.EncodePlain() // without it the second has no quantiles in a merged result
	}
	return sum
}

func (s *sampler) progress(row result.Second, t ledger.Totals) Progress {
	p := Progress{
		Phase: row.Phase, Elapsed: s.at, Total: s.r.s.Load.Duration, Jobs: min(s.r.s.Load.Jobs, plan.JobLimit(s.r.s)),
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
