package engine

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// settle accounts for every job that is not over, and completes the ledger.
func (r *run) settle() {
	// A server that hangs must not hold us up once for each question.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 2*time.Second)
	left, err := r.b.Len(ctx)
	cancel()
	readable := false
	if err == nil || redisconn.Withheld(err) {
		r.inspect(1)
		readable = err == nil && !r.s.Load.Observed && r.markQueued()
	}
	switch from, length, lasts := r.stalled(); {
	case length == 0:
		if err != nil && !redisconn.Withheld(err) && r.fatal() == nil {
			r.warn("the server did not answer after the load: %s", err)
		}
	case lasts:
		r.warn("the server stopped answering %.1f s into the run and had not answered again when it ended, %.1f s later: what was under way is lost, and how much of it the server carried out is not known", from.Seconds(), length.Seconds())
	default:
		r.warn("the server answered nothing for %.1f s, from %.1f s of the run on: the latencies and the backlog of that time are this stall", length.Seconds(), from.Seconds())
	}
	t := ledger.Sum(r.tallies)
	if r.s.Load.Observed {
		if err != nil {
			left = flight.Absent
		}
		r.observed(t, left)
		return
	}
	end := min(r.rec.to, r.cut.Load())
	l := result.NewLedger(&t)
	l.LostByLeg, l.Errors, l.Reconnects = map[result.Leg]int64{}, r.faults, r.reconnects()
	for _, leg := range result.Legs() {
		l.LostByLeg[leg] = 0
	}
	l.LostByLeg[result.LegNobody], l.LostByLeg[result.LegRefused] = t[ledger.Unheard], t[ledger.Refused]
	var unanswered, outside int64
	unplaced := r.odd.notUnderstood()
	var lost []lostJob
	r.flight.Each(func(n int64, j *flight.Job, marks uint64) {
		r.rec.departures.add(j.Stamp[flight.SentAt])
		switch { // they, too, were in the queue or in a consumer's hands
		case marks&flight.Popped != 0:
			r.rec.queued += r.rec.inWindow(j.Stamp[flight.SentAt], j.Stamp[flight.PoppedAt])
			r.rec.worked += r.rec.inWindow(j.Stamp[flight.PoppedAt], end)
		case marks&flight.Acked != 0 && marks&flight.Notified == 0:
			r.rec.queued += r.rec.inWindow(j.Stamp[flight.AckedAt], end)
		}
		leg, gone := legOf(marks, readable)
		if r.s.External && leg == result.LegVanished {
			leg = result.LegUnfinished // one of the workers outside has taken it
			if outside++; outside <= unplaced {
				leg = result.LegNotUnderstood
			}
		}
		if !gone && marks&flight.Popped == 0 && !r.s.External {
			r.strangers++
			return
		}
		if !gone {
			// It arrived, and only an answer to its push or publish is
			// missing, which the end of the connection took away.
			unanswered++
			r.rec.arrivals.add(j.Stamp[flight.NotifiedAt])
			return
		}
		due := j.Stamp[flight.DueAt]
		inside := due >= r.rec.from && due < r.rec.to
		if leg = r.abandon(leg, j); leg == Abandoned {
			l.Abandoned++
		} else {
			l.LostByLeg[leg]++
			lost = keepFirst(append(lost, lostJob{n, leg}))
		}
		if inside && leg == Abandoned {
			r.rec.abandon(n, due)
		} else if inside {
			r.rec.lose(n, due)
		}
	})
	l.LostJobs, l.Prefilled = r.named(lost), r.filled
	if r.s.External {
		// Of what happens outside, only that is known which has come to light.
		l.Popped, l.Finished, l.Published = t[ledger.Notified]+outside, t[ledger.Notified], t[ledger.Notified]
	}
	understood := !r.tellOdd()
	if n := l.LostByLeg[result.LegNotUnderstood]; n > 0 {
		r.warn("%d jobs have no end that was understood, and %d messages could not be understood: they are counted as lost on the leg %s, and their work may well be done",
			n, unplaced, result.LegNotUnderstood)
	}
	if n := l.LostByLeg[result.LegInQueue]; r.s.External && n > 0 && n == t[ledger.Sent] {
		r.warn("no worker took a job: do they look into the queue that is pushed to?")
	}
	if r.s.External && outside > 0 && t[ledger.Notified] == 0 && understood {
		r.warn("the workers took jobs from the queue, and nothing about them was heard: do they publish on the channel that is listened to?")
	}
	if n := t[ledger.Redelivered]; n > 0 {
		r.warn("%d jobs were given to a second worker, because the first gave no sign of life; the slowest of them took %.2f s from end to end",
			n, time.Duration(r.again.Load()).Seconds())
	}
	if unanswered > 0 {
		r.warn("%d jobs arrived, but the answer to their push or publish did not; they are in the ledger and not in the stages", unanswered)
	}
	l.Scheduled = l.Sent
	if r.s.Load.Open() {
		// What was due by the end of the load and not sent was lost by us, unless
		// we were told to stop.
		l.Scheduled = max(l.Sent, r.filled+newPlan(r.s).upTo(time.Duration(r.cut.Load())))
		if r.interrupted {
			l.Abandoned += l.Scheduled - l.Sent
		} else {
			l.LostByLeg[result.LegUnsent] = l.Scheduled - l.Sent
		}
	}
	for _, n := range l.LostByLeg {
		l.Lost += n
	}
	r.ledger = l
	r.window = r.measure(t)
	r.peaks()
	r.countUnsent()
}

// Abandoned stands for the leg of a job that was given up because we were told
// to stop at once: it was on its way, and nothing says that it would not have
// arrived.
const Abandoned result.Leg = "abandoned"

// overdue is how long before a stop at once a job must have got where it was last
// seen, to count as lost on a leg that takes no time.
const overdue = int64(time.Second)

// abandon is abandoned in place of the leg for a job that was on its way when the
// run was stopped at once. One that nobody listened for, that left the queue by
// itself, or whose notification was long due, is lost all the same.
func (r *run) abandon(leg result.Leg, j *flight.Job) result.Leg {
	if r.ctx.Err() == nil || r.fatal() != nil {
		return leg
	}
	since := int64(math.MinInt64)
	switch leg {
	case result.LegVanished:
		since = j.Stamp[flight.AckedAt]
	case result.LegUnnotified:
		since = j.Stamp[flight.PublishedAt]
	default:
		return Abandoned
	}
	if since != flight.Absent && since < r.carriedUntil-overdue {
		return leg
	}
	return Abandoned
}

// maxLostJobs bounds [result.Ledger.LostJobs].
const maxLostJobs = 1000

// lostJob is a job that did not arrive.
type lostJob struct {
	n   int64
	leg result.Leg
}

// keepFirst cuts the list down to the jobs with the lowest numbers, now and then.
func keepFirst(lost []lostJob) []lostJob {
	if len(lost) < 4*maxLostJobs {
		return lost
	}
	return firstLost(lost)
}

// firstLost are the jobs with the lowest numbers, in order.
func firstLost(lost []lostJob) []lostJob {
	slices.SortFunc(lost, func(a, b lostJob) int { return cmp.Compare(a.n, b.n) })
	return lost[:min(len(lost), maxLostJobs)]
}

// named are the lost jobs by their ids.
func (r *run) named(lost []lostJob) []result.LostJob {
	var out []result.LostJob
	for _, l := range firstLost(lost) {
		out = append(out, result.LostJob{ID: string(flight.AppendJobID(nil, r.format.Run, l.n)), Leg: l.leg})
	}
	return out
}

// legOf is where a job that is not over was lost. When the queue could not be
// read, a job that was pushed and not popped is taken to be in it still.
func legOf(marks uint64, readable bool) (leg result.Leg, lost bool) {
	switch {
	case marks&flight.Notified != 0:
		return "", false
	case marks&flight.Nobody != 0:
		return result.LegNobody, true
	case marks&flight.Published != 0:
		return result.LegUnnotified, true
	case marks&flight.Done != 0:
		return result.LegUnpublished, true
	case marks&flight.Popped != 0:
		return result.LegUnfinished, true
	case marks&flight.Queued != 0, marks&flight.Acked != 0 && !readable:
		return result.LegInQueue, true
	case marks&flight.Acked != 0:
		return result.LegVanished, true
	}
	return result.LegUnacknowledged, true
}

// markQueued looks for our jobs in what is left of the queue. It reports whether
// that could be read to its end.
func (r *run) markQueued() bool {
	p, ok := r.b.(peeker)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 30*time.Second)
	defer cancel()
	if n, err := r.b.Len(ctx); err != nil || n == 0 {
		return err == nil
	}
	err := r.eachQueued(ctx, p, func(_ string, n int64) {
		if _, j := r.flight.Find(n); j != nil {
			j.Mark(n, flight.Queued)
		}
	})
	if err != nil {
		r.warn("what is left in the queue could not be read: %s", err)
	}
	return err == nil
}

// eachQueued calls fn for each job of ours that is left in the queue.
func (r *run) eachQueued(ctx context.Context, p peeker, fn func(element string, n int64)) error {
	page := int64(max(1, min(10_000, (8<<20)/r.format.Most)))
	for from := int64(0); ; from += page {
		elements, err := p.Peek(ctx, from, page)
		if err != nil {
			return err
		}
		for _, e := range elements {
			if _, n, o := r.format.Read([]byte(e)); o == flight.Ours {
				fn(e, n)
			}
		}
		if int64(len(elements)) < page {
			return nil
		}
	}
}

// measure is the window as it came out.
func (r *run) measure(t ledger.Totals) result.Window {
	r.rec.take(func(_, _ *stageSet) {})
	w := result.Window{FromNS: r.rec.from, Completed: r.rec.completed(), Scheduled: t[ledger.WindowSent]}
	to := r.rec.to
	if cut := r.cut.Load(); cut != never {
		to = min(to, cut+1) // what was due at the cut was still sent
	}
	switch {
	case r.tokens != nil && (r.s.Load.Duration == 0 || r.numbers.Load() >= jobLimit(r.s)):
		to = min(to, max(r.rec.lastNotified, r.rec.from))
	case r.tokens == nil && r.s.Load.Jobs > 0:
		// The load ends when the job after the last one would have been due.
		p := newPlan(r.s)
		if p.upTo(time.Duration(to)) >= p.limit {
			switch next := p.following(); {
			case r.s.Load.Arrivals == pace.Poisson:
				to = int64(p.last)
			case r.s.Load.Varies() && next < never:
				to = min(to, int64(next))
			case !r.s.Load.Varies():
				to = int64(r.s.Load.Rate.At(p.limit))
			}
		}
	}
	if to == math.MaxInt64 {
		to = max(r.rec.lastNotified, r.rec.from)
	}
	w.ToNS = max(to, r.rec.from)
	if r.tokens == nil {
		before := newPlan(r.s).upTo(time.Duration(r.rec.from) - 1)
		w.Scheduled = max(w.Scheduled, newPlan(r.s).upTo(time.Duration(w.ToNS)-1)-before)
	}
	w.DrainNS = max(0, r.rec.lastNotified-w.ToNS)
	return w
}
