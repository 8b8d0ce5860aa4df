package scenario

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/gate"
	"github.com/queuedyno/queuedyno/scenario/observe"
	"github.com/queuedyno/queuedyno/scenario/steady"
)

// Observation is what was seen of a load and of workers that are somebody else's.
type Observation struct {
	// Updates are those heard from the beginning to the end, warm-up included.
	Updates observe.Counts `json:"updates"`
	// Alone counts jobs that ended and whose RUNNING was not heard, Forgotten
	// those whose RUNNING was, too long ago to be remembered, and Open those that
	// had begun and not ended when the run was over.
	Alone     int64 `json:"ended_without_running"`
	Forgotten int64 `json:"forgotten"`
	Open      int64 `json:"open"`
	// Unpaired is how many jobs count as infinitely long in [Running]: those of
	// the window that ended and whose RUNNING was not heard, the forgotten and
	// the open ones. Where nobody says RUNNING at all it is zero.
	Unpaired int64 `json:"unpaired"`
	// Backlog is the length of the queue in the window.
	Backlog ObservedBacklog `json:"backlog"`
	// ArrivedPerS is about how many jobs came in each second of the window: those
	// that ended, and the backlog's last length less its first. By how much the
	// jobs in the workers' hands grew or shrank is not in it. Nil without a backlog.
	ArrivedPerS *float64 `json:"arrived_per_s"`
}

// ObservedBacklog is the length of a queue over a time. What could not be asked
// is nil.
type ObservedBacklog struct {
	// Mean is over samples at random moments, First the first of them, Last the
	// length at the end, and Max the highest there was, warm-up included.
	Mean  *float64 `json:"mean"`
	First *int64   `json:"first"`
	Last  *int64   `json:"last"`
	Max   *int64   `json:"max"`
	// PerS is by how much it grew each second (least squares), nil when that is no
	// more than it may seem to by chance; DrainS in how many seconds it will be
	// empty if that goes on, nil when it does not fall.
	PerS   *float64 `json:"per_s"`
	DrainS *float64 `json:"drain_s"`
}

// unoffered is why a load that is not open offers no rate.
func (l Load) unoffered() string {
	if l.Observed {
		return "the load is somebody else's, and what they offer is not known"
	}
	return "a closed loop offers no rate"
}

// unknowable says why the metric is one that nobody who only looks on can know,
// empty when it is not.
func (s Scenario) unknowable(metric string) string {
	if !s.Load.Observed {
		return ""
	}
	if count, isShare := gate.ShareOf(metric); isShare {
		metric = count
	}
	switch metric {
	case "lost", "duplicated", "out_of_order", "foreign", "corrupt":
		return "the jobs are somebody else's, and which there were is not known"
	}
	return ""
}

// onlooker checks that nothing is asked of an observed load that only one of
// our own has.
func (v *validator) onlooker() {
	with := []string{"producers"}
	none := func(field string, set bool) {
		if set {
			v.faultWith(field, with, "the producers are external, and so are the workers: a run that only looks on has no use for it; remove it")
		}
	}
	l := v.Load
	none("producers", v.Producers != 0)
	none("consumers", v.Consumers != 0)
	none("load.rate", !l.Rate.IsZero())
	none("load.stages", len(l.Steps) > 0)
	none("load.replay", l.Replay.given())
	none("load.arrivals", l.Arrivals != "")
	none("load.in_flight", l.InFlight != 0)
	none("load.max_in_flight", l.MaxInFlight != 0)
	none("load.max_backlog", l.MaxBacklog != 0)
	none("load.think", l.Think != 0)
	none("subscribers", v.Subscribers > 1)
	none("batch", v.Batch > 1)
	none("payload", v.Payload != 0)
	none("work", !v.Work.none())
	none("elements", v.Elements != "" && v.Elements != PlainElements)
	none("prefill", v.Prefill != 0)
	none("hold", v.Hold.For != 0)
	if v.Notify == jobqueue.NoNotify {
		v.faultWith("notify", with, "without notifications there is nothing to listen to; choose pubsub")
	}
}

// overhear takes in a message about a job of somebody else.
func (s *subscriber) overhear(message []byte) {
	at := s.r.now()
	end, ended := s.r.observer.Hear(message, time.Duration(at))
	if !ended {
		s.tally.unreadable.Store(s.r.observer.Counts().Unreadable)
		if n := s.r.observer.Instead(); n >= enoughOdd && s.r.observer.Counts().Ended() == 0 {
			s.r.endOdd(n, s.r.observer.Odd())
		}
		return
	}
	if end.Failed {
		s.tally.failed.Add(1)
	}
	s.tally.notified.Add(1)
	s.shard.heard(at, end)
}

// lookOn lets time pass while others work, until it is over or something ends
// it.
func (r *run) lookOn() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	reason := ""
	for reason == "" {
		select {
		case <-r.ctx.Done():
			reason = r.hardReason()
		case <-r.o.Stop:
			r.interrupt()
			reason = "stopped from outside"
		case <-tick.C:
			switch n := r.s.Load.Jobs; {
			case r.cut.Load() != never:
				r.mu.Lock()
				reason = cmp.Or(r.abortReason, r.braked)
				r.mu.Unlock()
			case n > 0 && r.rec.completed() >= n:
				reason = fmt.Sprintf("%d jobs had ended", n)
			case r.now() >= r.rec.to:
				reason = fmt.Sprintf("the time of %s was over", r.s.Load.Duration)
			}
		}
	}
	r.mu.Lock()
	r.stopReason = reason
	r.mu.Unlock()
	r.halt()
}

// observed puts together what was seen; left is how many jobs wait at the end,
// absent when that is not known. Everybody has ended who listened.
func (r *run) observed(t totals, left int64) {
	r.ledger = Ledger{Unreadable: t.unreadable, Failed: t.failed, LostByLeg: map[Leg]int64{}, Errors: r.faults, Reconnects: r.reconnects()}
	r.rec.take(func(_, _ *stageSet) {})
	n := r.rec.completed()
	to := max(min(r.rec.to, r.cut.Load()), r.rec.from)
	r.window = Window{FromNS: r.rec.from, ToNS: to, Scheduled: n, Completed: n}
	o := &Observation{
		Updates: r.observer.Counts(), Alone: r.observer.Alone(), Forgotten: r.observer.Forgotten(), Open: r.observer.Open(),
		Backlog: r.sampler.lengthsSeen(left),
	}
	if o.Updates.Running > 0 {
		o.Unpaired = n - r.rec.window[iRunning].Count() + o.Forgotten + o.Open
	}
	if b, span := o.Backlog, time.Duration(to-r.rec.from).Seconds(); b.Last != nil && b.First != nil && span > 0 {
		o.ArrivedPerS = ptr(max(0, float64(n+*b.Last-*b.First)/span))
	}
	r.seen = o
	if odd := r.observer.Odd(); odd != nil {
		r.odd.first, r.odd.kind = odd, noStatus
		if o.Updates.Unreadable > 0 {
			r.odd.kind = noUpdate
		}
		r.tellOdd()
	}
	if o.Updates.Messages() == 0 {
		r.warn("no update was heard: do the workers publish on the channel that is listened to?")
	} else if o.Updates.Running == 0 && o.Updates.Ended() > 0 {
		r.warn("no worker said RUNNING, so how long a job takes is not known from outside")
	}
}

// lengthsSeen is the length of the queue in the window, and at the end.
func (s *sampler) lengthsSeen(left int64) (b ObservedBacklog) {
	b.Mean, b.First = s.lengths.mean(), s.firstLen
	var x, y []float64
	for _, row := range s.timeline {
		if row.Phase != "window" || row.QueueLen == nil {
			continue
		}
		b.Last = ptr(*row.QueueLen)
		x, y = append(x, row.ElapsedS), append(y, float64(*row.QueueLen))
	}
	if left != absent {
		b.Last, s.maxBacklog = ptr(left), max(s.maxBacklog, left)
	}
	b.Max = ptr(s.maxBacklog) // the length was asked for before anything began
	slope, clear := trend(x, y)
	if !clear {
		return b
	}
	b.PerS = &slope
	switch last := *b.Last; { // of rows there are some
	case last == 0:
		b.DrainS = ptr(0.0)
	case slope < 0:
		b.DrainS = ptr(float64(last) / -slope)
	}
	return b
}

// trend is the slope of y over x, and whether it is clear: of ten points at the
// least, a line that rises or falls by more than one, and by more than five times
// the standard error of its slope. Lengths of a queue hang together from one second
// to the next, so the usual two would see trends in every other queue.
func trend(x, y []float64) (slope float64, clear bool) {
	slope, ok := steady.Slope(x, y)
	if !ok || len(x) < 10 {
		return 0, false
	}
	var stray, spread float64
	meanX, meanY := mean(x), mean(y)
	for i := range x {
		d := y[i] - meanY - slope*(x[i]-meanX)
		stray += d * d
		spread += (x[i] - meanX) * (x[i] - meanX)
	}
	stderr := math.Sqrt(stray / float64(len(x)-2) / spread)
	rise := math.Abs(slope) * (x[len(x)-1] - x[0])
	return slope, rise > 1 && math.Abs(slope) > 5*stderr
}
