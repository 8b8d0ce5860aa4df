// Package engine runs a scenario against a job queue and accounts for every job.
//
// A run prepares (connects, subscribes, waits until all of that is acknowledged;
// nothing is pushed), does its load, drains until every job of the window is
// accounted for or the timeout is over, and closes. Begin reading at [Run].
package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// lead is the time between the end of the preparations and the epoch, so that
// the first job is not late.
const lead = 20 * time.Millisecond

// never is a moment that does not come.
const never = math.MaxInt64

// Run runs the scenario against the backend. It returns a result whenever the
// load was started, also together with an error: then the result holds what was
// measured until the error, and says so. Bad scenarios are refused before
// anything is touched.
func Run(ctx context.Context, s scenario.Scenario, b jobqueue.Backend, o Options) (*result.Result, error) {
	if err := s.Open(); err != nil {
		return nil, err
	}
	s = s.WithDefaults()
	if faults := s.Validate(); len(faults) > 0 {
		return nil, &scenario.InvalidError{Faults: faults}
	}
	if o.ID == "" {
		o.ID = flight.NewID()
	}
	tag, ok := flight.ParseRunID(o.ID)
	if !ok {
		return nil, fmt.Errorf("run id %q: want 15 hexadecimal digits, as NewID draws them", o.ID)
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64()>>11 | 1 // at most 53 bits: a whole number in JSON everywhere
	}
	if o.Waiter == nil {
		o.Waiter = pace.NewWaiter
	}
	if q, ok := b.(flight.Named); ok && !runname.IsQueue(strings.TrimPrefix(q.Queue(), scenario.SidekiqPrefix)) {
		o.Shared = true
	}
	form, err := flight.NewSidekiq(s, b)
	if err != nil {
		return nil, err
	}
	r := newRun(s, b, o, tag)
	r.format.As(form)
	if n := s.Load.InFlight; s.Load.Closed() && n%s.Batch != 0 {
		r.warn("of %d in flight %d are used: jobs are sent in batches of %d", n, n-n%s.Batch, s.Batch)
	}
	for _, caution := range s.Load.Replay.Cautions() {
		r.warn("%s", caution)
	}
	hard, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.ctx, r.cancel = hard, cancel
	if err := r.prepare(); err != nil {
		return nil, errors.Join(err, r.release())
	}
	r.do()
	r.settle()
	r.dismiss()
	// The result may be written down before the connections are gone, but the
	// keys are removed first: whoever sees the result sees a clean Redis.
	err = r.release()
	return r.result(err), errors.Join(r.fatal(), err, r.worked.failure())
}

// run is one run in progress.
type run struct {
	s      scenario.Scenario
	b      jobqueue.Backend
	o      Options
	format flight.Format
	// form is how the updates look that are read, ownChannel whether nobody else
	// publishes on the channel.
	form       updates.Mapping
	ownChannel bool
	// redelivers is whether the queue may give a job out twice.
	redelivers bool
	spread     flight.Spread
	filled     int64 // jobs that were prefilled
	base       int64 // the number of the schedule's first job; those before are prefilled
	// complete are the marks of a job about which nothing is missing.
	complete uint64

	ctx    context.Context // ends at the hard stop
	cancel context.CancelCauseFunc
	epoch  time.Time
	// started and ended are wall-clock times, for people.
	started, ended time.Time

	flight  *flight.Table
	rec     *recorder
	tokens  *tokens // nil in an open loop
	rest    *rest   // of tokens, nil without a time to think
	hold    *hold   // nil without one
	numbers atomic.Int64
	passed  sync.WaitGroup // a producer leaves it when it has passed the window
	cut     atomic.Int64   // no job due after it is sent

	producers   []*producer
	consumers   []*consumer
	subscribers []*subscriber
	waiters     []pace.Waiter
	tallies     []*ledger.Tally
	sampler     *sampler

	mu           sync.Mutex // guards what follows
	faults       map[string]int64
	firstFault   error
	faultAt      time.Duration
	kept         [][]byte // elements of somebody else
	keptBytes    int
	unreturned   [][]byte // those that could not be put back
	interrupted  bool
	stopReason   string
	aborted      string // the threshold that ended the load, empty when none did
	cutBy        string // the limit or the threshold that ended the load, see shorten
	cutAt        time.Duration
	notes        notes
	reconnected  map[string]*reconnected // by operation
	away         error                   // of a connection that nobody could open again before the run was over
	lostPops     int64                   // jobs that may have been handed to connections that were lost
	resubscribed atomic.Int64
	unconfirmed  atomic.Int64 // subscriptions that did not answer at the end
	again        atomic.Int64 // the longest end_to_end of a job that was given out twice

	// As of before and after the load.
	facts   [2]*redisfacts.Facts
	factsAt [2]time.Time
	cpu     [2]time.Duration
	worked  Worked
	strain  hoststat.Strain
	probes  probe.Findings
	braked  string // guarded by mu
	// poolTimeouts is the backend's count before the load.
	poolTimeouts int64
	room         atomic.Int64

	observer *observe.Observer // nil unless the load is observed; its subscriber's
	seen     *result.Observation
	odd      odd
	made     bool  // something may have made the queue's key
	found    int64 // jobs of others that waited before it began

	ledger result.Ledger
	window result.Window
	// carriedUntil is when the drain was over: jobs still on their way were
	// abandoned then.
	carriedUntil int64
	strangers    int64 // jobs that came home without having been popped by us
}

func newRun(s scenario.Scenario, b jobqueue.Backend, o Options, tag uint64) *run {
	to := int64(never)
	if s.Load.Duration > 0 {
		to = int64(s.Load.Duration)
	}
	r := &run{
		s: s, b: b, o: o,
		flight: flight.New(s.Subscribers, flight.DirBlocks),
		faults: map[string]int64{}, reconnected: map[string]*reconnected{},
		spread: flight.NewSpread(s), complete: flight.Complete,
		redelivers: s.Design == jobqueue.ReliableList || s.Design == jobqueue.Stream,
	}
	r.format = flight.NewFormat(tag, s, &r.spread)
	r.form, _ = s.Mapping() // it was validated
	c, named := b.(interface{ Channel() string })
	r.ownChannel = !named || runname.IsChannel(c.Channel())
	if s.External {
		r.complete = flight.Outside
	}
	if s.Load.Observed {
		r.observer = observe.Mapped(r.form)
	}
	if s.Load.Closed() {
		r.tokens = newTokens(s.Load.InFlight, s.Batch)
	}
	r.cut.Store(never)
	r.rec = newRecorder(s, &r.spread, int64(s.Warmup), to, &r.cut)
	r.base = firstNumber(s)
	r.numbers.Store(r.base)
	r.room.Store(int64(s.Load.MaxInFlight))
	return r
}

// now is the time since the epoch in nanoseconds, on the monotonic clock.
func (r *run) now() int64 { return int64(time.Since(r.epoch)) }

func (r *run) tally() *ledger.Tally {
	t := &ledger.Tally{}
	r.tallies = append(r.tallies, t)
	return t
}

func (r *run) waiter() (pace.Waiter, error) {
	w, err := r.o.Waiter()
	if err == nil {
		r.waiters = append(r.waiters, w)
	}
	return w, err
}

// total is the sum of one counter.
func (r *run) total(c ledger.Counter) int64 {
	sum := ledger.SumOf(r.tallies, c)
	return sum[c]
}

// finish closes a job that has every mark of a complete one, and records it.
// Of all that come to finish a job, one does.
func (r *run) finish(b *flight.Block, j *flight.Job, n int64, marks uint64, s *shard) {
	if marks&r.complete != r.complete {
		return
	}
	if _, first, here := j.Mark(n, flight.Closed); here && first {
		if marks&flight.Again != 0 {
			r.slowest(j.Stamp[flight.NotifiedAt] - j.Stamp[flight.DueAt])
		}
		s.add(n, &j.Stamp)
		r.flight.Close(b)
	}
}

// slowest keeps the longest end_to_end of a job that was given out twice.
func (r *run) slowest(took int64) {
	for {
		was := r.again.Load()
		if took <= was || r.again.CompareAndSwap(was, took) {
			return
		}
	}
}

// unheard closes a job that the server says it published to no subscriber.
func (r *run) unheard(b *flight.Block, j *flight.Job, n int64, t *ledger.Tally) {
	r.surelyLost(b, j, n, t, ledger.Unheard)
}

// refused closes a job whose push the server answered with an error: it is sure
// not to be in the queue.
func (r *run) refused(b *flight.Block, j *flight.Job, n int64, t *ledger.Tally) {
	r.surelyLost(b, j, n, t, ledger.Refused)
}

// surelyLost closes a job of which it is certain that it will not arrive, and counts
// it where it belongs.
func (r *run) surelyLost(b *flight.Block, j *flight.Job, n int64, t *ledger.Tally, as ledger.Counter) {
	due := j.Stamp[flight.DueAt]
	if _, first, here := j.Mark(n, flight.Closed); !here || !first {
		return
	}
	t.Add(as, 1)
	if due >= r.rec.from && due < r.rec.to {
		t.Add(ledger.WindowLost, 1)
		r.rec.lose(n, due)
	}
	r.free(n)
	r.flight.Close(b)
}

// fault counts an error that the run survives, and quotes it with its remedy.
func (r *run) fault(op string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[op]++
	hint := ""
	var known *redisconn.Error
	if errors.As(err, &known) {
		hint = known.Hint()
	}
	r.notes.addAt(time.Since(r.epoch), fmt.Sprintf("%s: %s", op, err), hint)
}

// fail ends the run because of an error. The first one is the reason; those
// that follow from it are counted.
func (r *run) fail(op string, err error) {
	if err == nil || errors.Is(err, jobqueue.ErrClosed) || r.ctx.Err() != nil && errors.Is(err, context.Cause(r.ctx)) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[op]++
	if r.firstFault != nil || r.ctx.Err() != nil {
		return
	}
	r.faultAt = time.Since(r.epoch)
	r.firstFault = fmt.Errorf("at %.3f s of the run: %w", r.faultAt.Seconds(), err)
	r.cancel(r.firstFault)
}

// fatal is the error that ended the run, nil when none did.
func (r *run) fatal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.firstFault
}

// warn notes something that every report has to say.
func (r *run) warn(format string, args ...any) {
	r.mu.Lock()
	r.notes.add(fmt.Sprintf(format, args...))
	r.mu.Unlock()
}

// swap replaces a subscriber's connection.
func (r *run) swap(s *subscriber, conn jobqueue.Subscriber) {
	r.mu.Lock()
	old := s.conn
	s.conn = conn
	r.mu.Unlock()
	old.Close()
}
