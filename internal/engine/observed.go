package engine

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/line"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
)

// overhear notes a message about an external job.
func (s *subscriber) overhear(message []byte) {
	at := s.r.now()
	end, ended := s.r.observer.Hear(message, time.Duration(at))
	if !ended {
		s.tally.Set(ledger.Unreadable, s.r.observer.Counts().Unreadable)
		if n := s.r.observer.Instead(); n >= enoughUnrecognized && s.r.observer.Counts().Ended() == 0 {
			s.r.unrecognized.endUnrecognized(n, s.r.observer.Odd())
		}
		return
	}
	if end.Failed {
		s.tally.Add(ledger.Failed, 1)
	}
	s.tally.Add(ledger.Notified, 1)
	s.shard.Heard(at, end)
}

// observe lets time pass while external workers work, until it is over or something
// ends it.
func (r *run) observe() string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return r.hardReason()
		case <-r.o.Stop:
			r.interrupt()
			return stopreason.Outside
		case <-tick.C:
			switch n := r.s.Load.Jobs; {
			case r.cut.Load() != never:
				return r.shortened()
			case n > 0 && r.rec.Completed() >= n:
				return stopreason.JobsEnded
			case r.now() >= r.rec.To:
				return stopreason.TimeOver
			}
		}
	}
}

// observed puts together what was seen; left is how many jobs wait at the end,
// absent when that is not known. All subscribers have ended.
func (r *run) observed(t ledger.Totals, left int64) {
	r.outcome.ledger = result.Ledger{Unreadable: t[ledger.Unreadable], Failed: t[ledger.Failed], LostByLeg: map[result.Leg]int64{}, Errors: r.errors, Reconnects: r.reconnects()}
	r.rec.Take(func(_, _ *record.StageSet) {})
	n := r.rec.Completed()
	to := max(min(r.rec.To, r.cut.Load()), r.rec.From)
	r.outcome.window = result.Window{FromNS: r.rec.From, ToNS: to, Scheduled: n, Completed: n}
	o := &result.Observation{
		Updates: r.observer.Counts(), Alone: r.observer.Alone(), Forgotten: r.observer.Forgotten(), Open: r.observer.Open(),
		Backlog: r.sampler.lengthsSeen(left),
	}
	if o.Updates.Running > 0 {
		o.Unpaired = n - r.rec.Window[record.Running].Count() + o.Forgotten + o.Open
	}
	if b, span := o.Backlog, time.Duration(to-r.rec.From).Seconds(); b.Last != nil && b.First != nil && span > 0 {
		o.ArrivedPerS = new(max(0, float64(n+*b.Last-*b.First)/span))
	}
	r.outcome.seen = o
	if odd := r.observer.Odd(); odd != nil {
		r.unrecognized.first, r.unrecognized.kind = odd, noStatus
		if o.Updates.Unreadable > 0 {
			r.unrecognized.kind = noUpdate
		}
		r.unrecognized.warnOfUnrecognized()
	}
	if o.Updates.Messages() == 0 {
		r.warn("no update was heard: %s", silenceHint(r.s))
	} else if o.Updates.Running == 0 && o.Updates.Ended() > 0 {
		r.warn("no worker said RUNNING, so how long a job takes is not known from outside")
	}
}

// lengthsSeen is the length of the queue in the window and at its end.
func (s *sampler) lengthsSeen(left int64) (b result.ObservedBacklog) {
	b.Mean, b.First = s.lengths.Mean(), s.firstLen
	var x, y []float64
	for _, row := range s.timeline {
		if row.Phase != "window" || row.QueueLen == nil {
			continue
		}
		b.Last = new(*row.QueueLen)
		x, y = append(x, row.ElapsedS), append(y, float64(*row.QueueLen))
	}
	if left != flight.Absent {
		b.Last, s.maxBacklog = new(left), max(s.maxBacklog, left)
	}
	b.Max = new(s.maxBacklog) // the length was asked for before anything began
	slope, clear := trend(x, y)
	if !clear {
		return b
	}
	b.PerS = &slope
	switch last := *b.Last; { // of rows there are some
	case last == 0:
		b.DrainS = new(0.0)
	case slope < 0:
		b.DrainS = new(float64(last) / -slope)
	}
	return b
}

// trend is the slope of y over x, and whether it is clear: a line through at least ten
// points that rises or falls by more than one, and by more than five times the standard
// error of its slope. The lengths of a queue in successive seconds are correlated, so
// the usual factor of two would find a trend in every other queue.
func trend(x, y []float64) (perS float64, clear bool) {
	through, ok := line.Through(x, y)
	if !ok || len(x) < 10 {
		return 0, false
	}
	var stray float64
	for i := range x {
		stray += math.Pow(through.Residual(x[i], y[i]), 2)
	}
	slope, stderr := through.Slope, math.Sqrt(stray/float64(len(x)-2)/through.XX)
	rise := math.Abs(slope) * (x[len(x)-1] - x[0])
	return slope, rise > 1 && math.Abs(slope) > 5*stderr
}
