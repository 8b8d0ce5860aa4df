// Package engine runs a scenario against a job queue and accounts for every job.
//
// A run prepares (connects, subscribes, waits until all of that is acknowledged;
// nothing is pushed), does its load, drains until every job of the window is
// accounted for or the timeout is over, and closes. Begin reading at [Run].
package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/idmatch"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/pause"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/shard"
	"github.com/queuedyno/queuedyno/internal/token"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
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
	if problems := s.Validate(); len(problems) > 0 {
		return nil, &scenario.InvalidError{Problems: problems}
	}
	blackBox := b == nil
	if blackBox {
		if s.Entry.Kind != scenario.EntryHTTP || !s.Exit.Given() {
			return nil, errors.New("without a queue a scenario needs an HTTP entry and a WebSocket exit")
		}
		b = memory.New() // stays empty
	}
	if blackBox {
		s.Subscribers = 0
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
		o.Waiter = waiter.Precise
	}
	facts := library.Facts(s)
	if q, ok := b.(flight.Named); ok && !runname.IsQueue(strings.TrimPrefix(facts.Name(q.Queue()), facts.NamePrefix)) {
		o.Shared = true
	}
	ids := string(flight.AppendIDPrefix(nil, tag))
	if s.Load.Observed || s.Entry.Kind == scenario.EntryHTTP {
		ids = "" // those of others
	}
	b, err := library.Over(s, b, ids)
	if err != nil {
		return nil, err
	}
	var thresholds []string
	if !s.Shard.Whole() {
		if err := shard.Check(s); err != nil {
			return nil, err
		}
		thresholds, s.Thresholds = s.Thresholds, shard.Aborting(s.Thresholds)
	}
	hard, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := newRun(s, b, o, tag)
	if err != nil {
		return nil, err
	}
	r.thresholds = thresholds
	r.ctx, r.cancel = hard, cancel
	if n := plan.InFlight(s); s.Load.Closed() && n%s.Batch != 0 {
		r.warn("of %d in flight %d are used: jobs are sent in batches of %d", n, n-n%s.Batch, s.Batch)
	}
	for _, caution := range s.Load.Replay.Cautions() {
		r.warn("%s", caution)
	}
	if err := r.prepare(); err != nil {
		return nil, errors.Join(err, r.close(), r.closeStore())
	}
	crew, err := r.do()
	if err != nil {
		r.stopWorkers() // what they write after that would remain
		return nil, errors.Join(err, r.close(), r.closeStore())
	}
	r.drain(crew)
	r.reconcile()
	r.stopWorkers()
	// The keys are removed before the result is there: readers of the result find a
	// clean Redis.
	err = errors.Join(r.close(), r.closeStore())
	return r.result(err), errors.Join(r.fatal(), err, r.worked.failure())
}

// run is one run in progress: what is run, and the parts that know what happens.
type run struct {
	setup
	*clock
	*problems
	*ending
	*account
	pools
	server
	machine
	limits
	unrecognized unrecognized
	foreign      foreign
	pause        *pause.Pause     // nil without one
	api          API              // nil without an HTTP entry
	ids          *idmatch.Matcher // nil where the ids of jobs are those of the run
	entry        *entry           // nil where jobs are pushed straight into the queue
	store        Store            // nil without one
	saving       context.Context  // ends when no row is updated any more
	entryWatch   *entryWatch
	sampler      *sampler
	observer     *observe.Observer // nil unless the load is observed; belongs to its subscriber
	faults       *faults           // nil without faults
	outcome      outcome
}

// setup is what is run. It does not change during the run.
type setup struct {
	s          scenario.Scenario
	b          jobqueue.Backend
	o          Options
	format     flight.Format
	mapping    updates.Mapping // of the updates that are read
	ownChannel bool            // no other client publishes on the channel
	redelivers bool            // the queue may give a job out twice
	spread     flight.Spread
	base       int64 // the number of the schedule's first job; those before are prefilled
	// thresholds are those of the scenario when this run sends one shard of it, which
	// cannot decide them.
	thresholds []string
}

// clock is the time of the run. All moments count from its epoch.
type clock struct {
	ctx    context.Context // ends at the hard stop
	cancel context.CancelCauseFunc
	epoch  time.Time
	cut    atomic.Int64 // no job due after it is sent
	// started and ended are wall-clock times, for people.
	started, ended time.Time
}

// now is the time since the epoch in nanoseconds, on the monotonic clock.
func (c *clock) now() int64 { return int64(time.Since(c.epoch)) }

// machine is what the run used of this host, as of before and after the load.
type machine struct {
	cpu      [2]time.Duration
	worked   Worked
	hoststat hoststat.Stat
	probes   probe.Findings
}

// outcome is what the run amounts to once it is over.
type outcome struct {
	ledger result.Ledger
	window result.Window
	// drained is when the drain was over. Jobs still on their way were abandoned then.
	drained    int64
	strangers  int64 // jobs that arrived without having been popped by this run
	seen       *result.Observation
	failure    atomic.Pointer[[]byte] // the first update that said that a job failed
	unreturned [][]byte               // elements of other clients that could not be put back
}

// noteFailure keeps the first update that says that a job failed.
func (o *outcome) noteFailure(message []byte) {
	if o.failure.Load() == nil {
		kept := bytes.Clone(message)
		o.failure.CompareAndSwap(nil, &kept)
	}
}

func newRun(s scenario.Scenario, b jobqueue.Backend, o Options, tag uint64) (*run, error) {
	to := int64(never)
	if s.Load.Duration > 0 {
		to = int64(s.Load.Duration)
	}
	c := &clock{}
	c.cut.Store(never)
	r := &run{
		setup: setup{
			s: s, b: b, o: o, spread: flight.NewSpread(s), base: plan.FirstNumber(s),
			redelivers: s.Design == jobqueue.ReliableList || s.Design == jobqueue.Stream,
		},
		clock: c, ending: &ending{},
		problems: &problems{clock: c, errors: map[string]int64{}, reconnected: map[string]*reconnected{}},
	}
	var err error
	if r.format, err = flight.NewFormat(tag, s, &r.spread, b); err != nil {
		return nil, err
	}
	if r.mapping, err = library.Mapping(s); err != nil {
		return nil, err
	}
	named, ok := b.(interface{ Channel() string })
	r.ownChannel = !ok || runname.IsChannel(named.Channel())
	if s.Load.Observed {
		r.observer = observe.Mapped(r.mapping)
	}
	r.account = &account{
		flight: flight.New(s.Subscribers, listening(s), flight.DirBlocks), complete: flight.Complete, first: r.base, observed: s.Load.Observed,
		rec: record.NewRecorder(s, &r.spread, r.base, int64(s.Warmup), to, &c.cut),
	}
	r.tenant = r.spread.Tenant
	r.blackBox = s.Subscribers == 0 && s.Exit.Given()
	if s.External {
		r.complete = flight.Outside
	}
	if s.Exit.Given() && !r.blackBox {
		r.complete |= flight.Broadcast
	}
	if s.Entry.Kind == scenario.EntryPostgres {
		r.complete |= flight.Stored
	}
	if s.Entry.Kind == scenario.EntryPostgres && !s.External {
		r.complete |= flight.Saved
	}
	if s.Load.Closed() {
		r.tokens = token.NewPool(plan.InFlight(s), s.Batch)
	}
	if s.Entry.Kind == scenario.EntryHTTP {
		r.ids = idmatch.New(idmatch.Options{})
	}
	r.unrecognized.r, r.stuck.Drain = r, s.DrainTimeout
	r.numbers.Store(r.base)
	r.room.Store(plan.MaxInFlight(s))
	return r, newFaults(r)
}
