package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/stuck"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// limits are what ends a load or holds it back: max_in_flight, max_backlog, and workers of
// which nothing is heard.
type limits struct {
	room  atomic.Int64 // how many more jobs may be sent
	lock  sync.Mutex
	limit string // which one stopped or held back the load, guarded by lock

	stuck     stuck.Watch // belongs to the sampler, as do the next three
	silent    string      // that no end is heard, empty before that is worth a warning
	missing   string      // the same, empty when one is heard by now
	remedy    string
	pointless atomic.Bool // the load was ended since no end was heard
}

// limitPeriod is how often the jobs on their way are counted.
const limitPeriod = 20 * time.Millisecond

// watchLimits counts how many more jobs may be sent, and ends the load when too many
// wait.
func (r *run) watchLimits(ctx context.Context) {
	if !r.s.Load.Open() && r.s.Load.MaxBacklog == 0 {
		return
	}
	tick := time.NewTicker(limitPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// What producers take between the two calls is forgotten for one period, so
		// they can exceed the bound by what they send in that moment.
		r.room.Store(plan.MaxInFlight(r.s) - r.outstanding())
		if limit := plan.MaxBacklog(r.s, r.o.Shared); limit > 0 {
			if waiting := r.waiting(); waiting > limit && r.cut.Load() == never {
				at := time.Duration(r.now())
				r.limited(fmt.Sprintf("the run was ended by max_backlog: at %.1f s more than %d jobs waited in the queue", at.Seconds(), limit))
				r.shorten(stopreason.MaxBacklog, at)
			}
		}
	}
}

// waiting is how many jobs wait in the queue: by the run's own account, or as the
// server last said where external workers take them.
func (r *run) waiting() int64 {
	if r.s.External {
		return r.sampler.length()
	}
	t := ledger.Sum(r.tallies)
	return t[ledger.Acked] - t[ledger.Popped]
}

// capped notes that the load was held back by the bound of jobs in flight.
func (r *run) capped() {
	r.limited(fmt.Sprintf("at %.1f s the load was held back by max_in_flight: %d jobs were on their way; from then on jobs were sent late, and the load was not the one requested",
		time.Duration(r.now()).Seconds(), plan.MaxInFlight(r.s)))
}

// limited notes which limit stopped or held back the load. The first one is kept.
func (l *limits) limited(by string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.limit == "" {
		l.limit = by
	}
}

// lookForEnds warns when no end of a job is heard from external workers for long, and ends
// the load when none can be expected any more. The sampler calls it once a second, with
// that second. In a closed loop the tokens end the load.
func (r *run) lookForEnds(second result.Second, t ledger.Totals) {
	r.missing = ""
	if !r.s.External || r.s.Load.Observed || r.cut.Load() != never || r.over() || r.endHeard() {
		return
	}
	at, seen := time.Duration(r.now()), stuck.Seen{
		At: time.Duration(second.ElapsedS * float64(time.Second)), Acked: t[ledger.Acked], Waiting: second.QueueLen,
		Begun:   r.unrecognized.atWork(),
		Excused: r.faults != nil || r.foreign.found > 0 || r.foreign.overheard.Load() > 0 || r.sampler.justStalled(),
	}
	if r.s.Entry.Kind == scenario.EntryHTTP {
		seen.Waiting = nil // what the API has done with a job is not known
	}
	warn, end := r.stuck.Look(seen)
	if warn != stuck.Nothing {
		r.silent, r.remedy = r.missingEnds(warn, seen)
		if end := seen.At - r.stuck.For(seen.At) + r.stuck.Until(); r.tokens == nil && !seen.Begun && int64(end) < r.rec.To {
			r.silent += fmt.Sprintf("; the run ends after %s of this", number.Span(r.stuck.Until()))
		}
		if r.o.Notice != nil {
			r.o.Notice(r.silent, r.remedy)
		}
	}
	r.missing = r.silent
	if !end || r.tokens != nil {
		return
	}
	if n := r.unrecognized.instead(); n > 0 {
		r.unrecognized.endUnrecognized(n, r.unrecognized.quoted())
		return
	}
	reason := stopreason.NoneEnded
	if r.stuck.Kind() == stuck.NoneTaken {
		reason = stopreason.NoneTaken
	}
	text, _ := r.missingEnds(r.stuck.Kind(), seen)
	r.limited(fmt.Sprintf("the run was ended at %.1f s: %s", at.Seconds(), text))
	r.pointless.Store(true)
	r.shorten(reason, at)
}

// endHeard reports whether any subscriber or WebSocket client heard of the end of a job.
// The last of them has to, for the job to be over.
func (r *run) endHeard() bool {
	heard := func(l *listener) bool { return l.last.Load() > 0 }
	return r.anyEnded() || slices.ContainsFunc(r.subscribers, func(s *subscriber) bool { return heard(&s.listener) }) ||
		r.readers != nil && slices.ContainsFunc(r.readers.each, heard)
}

// hopeless reports whether waiting for the jobs on their way is pointless.
func (r *run) hopeless() bool { return r.pointless.Load() || r.unrecognized.hopeless() }

// missingEnds says that no end of a job is heard, with what the queue and the channel
// show, and the remedy.
func (r *run) missingEnds(kind stuck.Kind, s stuck.Seen) (text, remedy string) {
	span, sent := number.Span(r.stuck.For(s.At).Round(time.Second)), number.Count(s.Acked)
	if kind == stuck.NoneTaken {
		text = fmt.Sprintf("no worker took a job for %s: %s were sent and wait in the queue", span, sent)
		if q, ok := r.b.(flight.Named); ok {
			text += fmt.Sprintf(" %q", library.Facts(r.s).Name(q.Queue()))
		}
		return text, takeHint
	}
	text, remedy = fmt.Sprintf("no end of a job was heard for %s: %s were sent", span, sent), silenceHint(r.s)+"; "+longHint
	switch n := r.unrecognized.instead(); {
	case n > 0:
		first := r.unrecognized.quoted()
		return fmt.Sprintf("no end of a job was understood for %s, in %s; the first: %s", span, number.Plural(n, "message"), first), observe.Hint(first)
	case s.Begun:
		return text + ", and workers have begun jobs", longHint
	case r.blackBox && r.readers.ignored.Load() > 0:
		text += fmt.Sprintf("; of %s that WebSocket clients read none was an update, the first: %s", number.Plural(r.readers.ignored.Load(), "message"), *r.readers.first.Load())
		return text, "the exit's id and status say where the messages hold them"
	case r.blackBox:
		return text, readHint
	case r.stuck.Taken():
		text += fmt.Sprintf(", and %s wait in the queue: workers take them", number.Count(r.sampler.length()))
	}
	return text, remedy
}

const (
	takeHint = "are the workers running, on this Redis and database, and do they take jobs from this queue?"
	readHint = "do the workers run, and do the clients ask for the jobs of the right tenant?"
	longHint = "if a job may take longer, raise --drain-timeout"
)
