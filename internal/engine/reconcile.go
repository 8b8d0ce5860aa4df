package engine

import (
	"cmp"
	"context"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// reconciliation accounts for every job that is not over when the run is.
type reconciliation struct {
	*run
	totals   ledger.Totals
	ledger   result.Ledger
	readable bool  // what is left in the queue could be read to its end
	end      int64 // of the window
	// unanswered jobs arrived, but the answer to their push or publish did not.
	// external ones were taken by external workers, and unplaced is how many messages
	// may be about their ends. unread ones were published, and not all WebSocket clients
	// read that.
	unanswered, external, unplaced, unread int64
	lost                                   []lostJob
}

// reconcile accounts for every job that is not over, and completes the ledger.
func (r *run) reconcile() {
	// A server that hangs must not delay the end once for each question.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 2*time.Second)
	left, err := r.b.Len(ctx)
	cancel()
	c := &reconciliation{run: r, end: min(r.rec.To, r.cut.Load()), unplaced: r.unrecognized.notUnderstood()}
	if err == nil || redisconn.Withheld(err) {
		r.inspect(1)
		c.readable = err == nil && !r.s.Load.Observed && c.markQueued()
	}
	c.warnOfStall(err)
	c.totals = ledger.Sum(r.tallies)
	if r.s.Load.Observed {
		if err != nil {
			left = flight.Absent
		}
		r.observed(c.totals, left)
		return
	}
	if r.ids != nil {
		seen := r.ids.Counts()
		c.totals[ledger.Foreign] += seen.Waiting + seen.Evicted
	}
	c.ledger = ledgerOf(&c.totals)
	c.ledger.LostByLeg, c.ledger.Errors, c.ledger.Reconnects = countedLegs(&c.totals), r.errors, r.reconnects()
	r.flight.Each(c.close)
	c.ledger.LostJobs, c.ledger.Prefilled = c.named(), r.filled
	if r.s.External {
		// Of what happens outside, only what was reported is known.
		over := c.totals[ledger.Notified] + c.unread
		c.ledger.Popped, c.ledger.Finished, c.ledger.Published = over+c.external, over, over
	}
	c.warn()
	c.countUnsent()
	for _, n := range c.ledger.LostByLeg {
		c.ledger.Lost += n
	}
	r.outcome.ledger = c.ledger
	r.outcome.window = c.measure()
	r.peaks()
	c.attributeUnsent()
}

// close accounts for one job that is not over.
func (c *reconciliation) close(n int64, j *flight.Job, marks uint64) {
	c.rec.Departures.Add(j.Stamp[flight.SentAt])
	switch { // it, too, was in the queue or with a consumer
	case marks&flight.Popped != 0:
		c.rec.Queued += c.rec.InWindow(flight.PushedAt(&j.Stamp), j.Stamp[flight.PoppedAt])
		c.rec.Worked += c.rec.InWindow(j.Stamp[flight.PoppedAt], c.end)
	case marks&flight.Acked != 0 && marks&flight.Notified == 0:
		c.rec.Queued += c.rec.InWindow(j.Stamp[flight.AckedAt], c.end)
	}
	if c.blackBox && marks&flight.Acked != 0 && marks&flight.Notified == 0 {
		marks |= flight.Notified // all that is known: the API has the job
		c.complete |= flight.Broadcast
	}
	leg, gone := legOf(marks, c.complete, c.readable)
	if c.s.External && leg == ledger.LegVanished {
		leg = ledger.LegUnfinished // an external worker has taken it
		if c.external++; c.external <= c.unplaced {
			leg = ledger.LegNotUnderstood
		}
	}
	if c.s.External && !c.blackBox && leg == ledger.LegUnbroadcast {
		c.unread++
	}
	if !gone && marks&flight.Popped == 0 && !c.s.External {
		c.outcome.strangers++
		return
	}
	if !gone {
		// It arrived, and only the answer to its push or publish is missing, which
		// was lost with the connection.
		c.unanswered++
		c.rec.Arrivals.Add(flight.Ended(&j.Stamp))
		return
	}
	due := j.Stamp[flight.DueAt]
	inside := due >= c.rec.From && due < c.rec.To
	if leg = c.abandon(leg, j); leg == Abandoned {
		c.ledger.Abandoned++
	} else {
		c.ledger.LostByLeg[leg]++
		c.lost = keepFirst(append(c.lost, lostJob{n, leg}))
		c.sampler.lose(due)
		c.losses.add(due, leg)
		c.rec.Gone(due)
	}
	if inside && leg == Abandoned {
		c.rec.Abandon(n, due)
	} else if inside {
		c.rec.Lose(n, due)
	}
}

// warnOfStall warns when the server answered nothing for a while. err is that of the
// last question.
func (c *reconciliation) warnOfStall(err error) {
	switch from, length, lasts := c.sampler.stalled(); {
	case c.faults.away(from) || c.faults.ended():
		// The scenario asked for it.
	case length == 0:
		if err != nil && !redisconn.Withheld(err) && c.fatal() == nil {
			c.run.warn("the server did not answer after the load: %s", err)
		}
	case lasts:
		c.run.warn("the server stopped answering %.1f s into the run and had not answered again when it ended, %.1f s later: what was under way is lost, and how much of it the server carried out is not known", from.Seconds(), length.Seconds())
	default:
		c.run.warn("the server answered nothing for %.1f s, from %.1f s of the run on: the latencies and the backlog of that time are this stall", length.Seconds(), from.Seconds())
	}
}

// warn notes what is conspicuous about the jobs that did not arrive.
func (c *reconciliation) warn() {
	warn, t, legs := c.run.warn, &c.totals, c.ledger.LostByLeg
	c.warnOfReaders()
	understood := !c.unrecognized.warnOfUnrecognized()
	if n := legs[ledger.LegNotUnderstood]; n > 0 {
		warn("%d jobs have no end that was understood, and %d messages could not be understood: they are counted as lost on the leg %s, and their work may well be done",
			n, c.unplaced, ledger.LegNotUnderstood)
	}
	if n := legs[ledger.LegInQueue]; c.s.External && n > 0 && n == t[ledger.Sent] {
		warn("no worker took a job: %s", takeHint)
	}
	if c.blackBox && t[ledger.Acked] > 0 && t[ledger.Notified] == 0 && c.readers.ignored.Load() == 0 {
		warn("the API accepted jobs, and no WebSocket client read anything: %s", readHint)
	}
	if c.s.External && c.external > 0 && t[ledger.Notified] == 0 && understood {
		warn("the workers took jobs from the queue, and nothing about them was heard: %s",
			silenceHint(c.s))
	}
	if first := c.outcome.failure.Load(); first != nil {
		warn("%s of the %s that ended failed; the first update that said so: %s",
			number.Count(t[ledger.Failed]), number.Plural(t[ledger.Notified], "job"), observe.Excerpt(string(*first)))
	}
	if n := t[ledger.Redelivered]; n > 0 {
		why := "were given to a second worker, because the first gave no sign of life"
		if library.Facts(c.s).Announces() {
			why = "began a second time: the library gave them out again, or they were retried"
		}
		warn("%d jobs %s; the slowest of them took %.2f s from end to end", n, why, time.Duration(c.again.Load()).Seconds())
	}
	if c.unanswered > 0 {
		asked := "push or publish"
		if c.s.Entry.Kind == scenario.EntryPostgres {
			asked = "INSERT, push, UPDATE or publish"
		}
		warn("%d jobs arrived, but the answer to their %s did not; they are in the ledger and not in the stages", c.unanswered, asked)
	}
}

// countUnsent counts the jobs that were due by the end of the load and not sent. They
// are lost, unless the run was stopped from outside.
func (c *reconciliation) countUnsent() {
	l := &c.ledger
	l.Scheduled = l.Sent
	if !c.s.Load.Open() {
		return
	}
	l.Scheduled = max(l.Sent, c.filled+plan.New(c.s).UpTo(time.Duration(c.cut.Load())))
	if c.interrupted {
		l.Abandoned += l.Scheduled - l.Sent
	} else {
		l.LostByLeg[ledger.LegUnsent] = l.Scheduled - l.Sent
		c.losses.addMany(min(c.cut.Load(), c.rec.To), ledger.LegUnsent, l.Scheduled-l.Sent)
	}
}

// Abandoned takes the place of the leg for a job that was given up because the run was
// stopped at once: it was on its way and might have arrived.
const Abandoned result.Leg = "abandoned"

// overdue is how long before a stop at once a job must have got where it was last
// seen, to count as lost on a leg that takes no time.
const overdue = int64(time.Second)

// abandon is [Abandoned] in place of the leg for a job that was on its way when the run
// was stopped at once. A job that left the queue by itself, or whose notification was
// long due, is lost anyway.
func (r *reconciliation) abandon(leg result.Leg, j *flight.Job) result.Leg {
	if r.ctx.Err() == nil || r.fatal() != nil {
		return leg
	}
	since := int64(math.MinInt64)
	switch leg {
	case ledger.LegVanished:
		since = j.Stamp[flight.AckedAt]
	case ledger.LegUnnotified:
		since = j.Stamp[flight.PublishedAt]
	default:
		return Abandoned
	}
	if since != flight.Absent && since < r.outcome.drained-overdue {
		return leg
	}
	return Abandoned
}

// legOf is where a job that is not over was lost. When the queue could not be read, a
// job that was pushed and not popped is assumed to be in it still. need are the marks of
// a complete job.
func legOf(marks, need uint64, readable bool) (leg result.Leg, lost bool) {
	switch {
	case marks&flight.Broadcast != 0 && marks&flight.Notified == 0:
		return ledger.LegUnnotified, true // WebSocket clients read its end, and a subscriber did not
	case marks&flight.Notified != 0 && need&flight.Broadcast != 0 && marks&flight.Broadcast == 0:
		return ledger.LegUnbroadcast, true
	case marks&flight.Notified != 0:
		return "", false
	case marks&flight.Unheard != 0:
		return ledger.LegUnheard, true
	case marks&flight.Published != 0:
		return ledger.LegUnnotified, true
	case marks&flight.Done != 0 && need&flight.Saved != 0 && marks&flight.Saved == 0:
		return ledger.LegUnsaved, true
	case marks&flight.Done != 0:
		return ledger.LegUnpublished, true
	case marks&flight.Popped != 0:
		return ledger.LegUnfinished, true
	case marks&flight.Queued != 0, marks&flight.Acked != 0 && !readable:
		return ledger.LegInQueue, true
	case marks&flight.Acked != 0:
		return ledger.LegVanished, true
	}
	if need&flight.Stored != 0 && marks&flight.Stored == 0 {
		return ledger.LegUnstored, true
	}
	return ledger.LegUnacknowledged, true
}

// markQueued looks for this run's jobs in what is left of the queue. It reports whether
// that could be read to its end.
func (r *reconciliation) markQueued() bool {
	p, ok := r.b.(peeker)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 30*time.Second)
	defer cancel()
	if n, err := r.b.Len(ctx); err != nil || n == 0 {
		return err == nil
	}
	queued := func(n int64) {
		if _, j := r.flight.Find(n); j != nil {
			j.Mark(n, flight.Queued)
		}
	}
	var err error
	if r.ids != nil {
		err = r.eachElement(ctx, p, func(e string) {
			if n, ok := r.requested(e); ok && n != probeJob {
				queued(n)
			}
		})
	} else {
		err = r.eachQueued(ctx, p, func(_ string, n int64) { queued(n) })
	}
	if err != nil {
		r.run.warn("what is left in the queue could not be read: %s", err)
	}
	return err == nil
}

// measure is the window as it turned out.
func (r *reconciliation) measure() result.Window {
	r.rec.Take(func(_, _ *record.StageSet) {})
	w := result.Window{FromNS: r.rec.From, Completed: r.rec.Completed(), Scheduled: r.totals[ledger.WindowSent]}
	to := r.rec.To
	if cut := r.cut.Load(); cut != never {
		to = min(to, cut+1) // what was due at the cut was still sent
	}
	switch {
	case r.tokens != nil && (r.s.Load.Duration == 0 || r.numbers.Load() >= plan.JobLimit(r.s)):
		to = min(to, max(r.rec.LastNotified, r.rec.From))
	case r.tokens == nil && r.s.Load.Jobs > 0:
		// The load ends when the job after the last one would have been due.
		p := plan.New(r.s)
		if p.UpTo(time.Duration(to)) >= p.Limit {
			switch next := p.Following(); {
			case r.s.Load.Arrivals == pace.Poisson:
				to = int64(p.Last)
			case r.s.Load.Varies() && next < never:
				to = min(to, int64(next))
			case !r.s.Load.Varies():
				to = int64(r.s.Load.Rate.At(plan.WholeLimit(r.s)))
			}
		}
	}
	if to == math.MaxInt64 {
		to = max(r.rec.LastNotified, r.rec.From)
	}
	w.ToNS = max(to, r.rec.From)
	if r.tokens == nil {
		before := plan.New(r.s).UpTo(time.Duration(r.rec.From) - 1)
		w.Scheduled = max(w.Scheduled, plan.New(r.s).UpTo(time.Duration(w.ToNS)-1)-before)
	}
	w.DrainNS = max(0, r.rec.LastNotified-w.ToNS)
	return w
}

// attributeUnsent walks the schedule and adds to the breakdown the jobs that were due
// in the window and not sent.
func (r *reconciliation) attributeUnsent() {
	if !r.rec.HasParts() || !r.s.Load.Open() || r.outcome.ledger.LostByLeg[ledger.LegUnsent] == 0 && r.outcome.ledger.Abandoned == 0 {
		return
	}
	// What was not sent are the last jobs of each producer.
	for i, p := range r.producers {
		sh := r.s.Schedule().Share(i, r.s.Producers)
		for {
			g := plan.Clip(sh.Next(), plan.JobLimit(r.s))
			if g.Jobs == 0 || int64(g.Due) >= min(r.outcome.window.ToNS, r.cut.Load()+1) {
				break
			}
			if int64(g.Due) < r.outcome.window.FromNS || g.Due <= p.sentUpTo {
				continue
			}
			for n := g.First; n < g.First+int64(g.Jobs); n++ {
				r.rec.Unsent(n+r.base, int64(g.Due))
			}
		}
	}
}

// ledgerOf is the ledger that shows the totals. Its maps are empty.
func ledgerOf(totals *ledger.Totals) (l result.Ledger) {
	for _, row := range ledger.Rows() {
		l.SetCount(row.Key, totals[row.Counter])
	}
	return l
}

// countedLegs are the lost jobs by leg that were counted when that happened.
func countedLegs(t *ledger.Totals) map[result.Leg]int64 {
	legs := map[result.Leg]int64{}
	for _, leg := range ledger.Legs() {
		n := int64(0)
		if leg.Counted >= 0 {
			n = t[leg.Counted]
		}
		if leg.Always || n > 0 {
			legs[result.Leg(leg.Key)] = n
		}
	}
	return legs
}

// silenceHint says what to look at when nothing is heard of the ends of jobs.
func silenceHint(s scenario.Scenario) string {
	silence := "do the workers publish on the channel that is listened to?"
	if form, err := library.Mapping(s); err == nil && form.Source() != nil {
		silence = "are the " + form.Source().Words() + " what the workers use, and is the status where the update mapping says?"
	}
	return cmp.Or(library.Facts(s).Silence, silence)
}
