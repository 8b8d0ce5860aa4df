package engine

import (
	"context"
	"errors"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/recovery"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// faults are what a run breaks on purpose. nil without any.
type faults struct {
	r        *run
	plan     []scenario.Fault
	schedule *fault.Schedule
	fills    bool          // one of them limits the server's memory, so that it refuses pushes
	gone     atomic.Bool   // the server was ended for good
	noStore  atomic.Bool   // the Postgres was killed, and is not there again
	slow     atomic.Uint64 // by how much work is slowed down, as bits; 0 for not at all

	mu      sync.Mutex // guards what follows
	last    int        // the fault that began last, -1 before the first
	effects []effect
}

// effect is what a run knows of one fault besides when it was carried out.
type effect struct {
	before     counted        // when it began
	firstError int64          // recovery.Never without one
	until      func(to int64) // ends the excuse for late jobs; nil without one
}

// counted are what is counted of the effects of faults, up to a moment.
type counted struct {
	errors                              map[string]int64
	duplicated, refused, unknown, found int64
}

// errNoServer is why a run refuses a fault: nothing can break the server.
var errNoServer = errors.New("a fault of this scenario breaks the server, and this run has no server that it may break")

// impossible is why a run refuses a fault: it has nothing that can carry it out.
func (r *run) impossible(f scenario.Fault) error {
	_, breakable := r.o.Workers.(fault.Workers)
	switch {
	case f.OnServer() && r.o.Server == nil:
		return errNoServer
	case f.Target == scenario.PostgresTarget && f.Kind != scenario.DisconnectFault && r.o.Database == nil:
		return errNoDatabase
	case f.Target == scenario.WorkersTarget && r.s.External && (!breakable || f.Kind == scenario.SlowFault):
		return errNoWorkers
	case f.Kind == scenario.NetworkFault && r.o.Network == nil:
		return errNoNetwork
	}
	return nil
}

// newFaults prepares the faults of the scenario.
func newFaults(r *run) error {
	if len(r.s.Faults) == 0 {
		return nil
	}
	f := &faults{r: r, plan: r.s.Faults, last: -1, effects: make([]effect, len(r.s.Faults))}
	var planned []fault.Planned
	for i, one := range f.plan {
		special, can := fault.On(r.o.Server, one)
		if fault.Special(one) && !can {
			return errNoServer
		}
		if err := r.impossible(one); err != nil {
			return err
		}
		if special == nil {
			special = f.injector(one)
		}
		end, ends := one.End()
		planned = append(planned, fault.Planned{At: one.At, Until: end, Stays: !ends && one.OnServer(), What: string(one.Target), Injector: special})
		f.fills = f.fills || one.Kind == scenario.MemoryFault
		f.effects[i].firstError = recovery.Never
	}
	f.schedule = fault.NewSchedule(planned)
	f.schedule.Now = func() time.Duration { return time.Duration(r.now()) }
	f.schedule.Allowed = func() bool { return r.cut.Load() == never }
	f.schedule.Begins, f.schedule.Ends = f.begins, f.ends
	r.faults, r.losses, r.rec.Track = f, newLosses(), record.NewTrack()
	r.problems.noticed = f.noticed
	return nil
}

// start carries the faults out. repair ends them: it returns when what was broken is
// repaired. A stop from outside does so as well.
func (f *faults) start(ctx context.Context, stop <-chan struct{}) (repair func()) {
	if f == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-stop:
			cancel()
		case <-done:
		}
	}()
	go func() {
		defer close(done)
		f.schedule.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// ended reports whether a fault has ended the server for good.
func (f *faults) ended() bool { return f != nil && f.gone.Load() }

// storeGone reports whether a fault has ended the Postgres, and nothing has started it
// again.
func (f *faults) storeGone() bool { return f != nil && f.noStore.Load() }

// slowed is how long work takes that would take d.
func (f *faults) slowed(d time.Duration) int64 {
	if f != nil {
		if bits := f.slow.Load(); bits != 0 {
			return int64(float64(d) * math.Float64frombits(bits))
		}
	}
	return int64(d)
}

// full reports whether an error is that of a server without memory, to which a fault may
// have brought it: it refuses the command, and takes it again when there is memory.
func (f *faults) full(err error) bool {
	return f != nil && f.fills && err != nil && resp.OutOfMemory(err)
}

// holds reports whether a fault keeps producers from sending.
func holds(f scenario.Fault) bool { return f.Away() || f.Target == scenario.ProducersTarget }

// begins is called right before the i-th fault begins.
func (f *faults) begins(i int) {
	now := f.count()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last, f.effects[i].before = i, now
	if holds(f.plan[i]) {
		f.effects[i].until = f.r.rec.Excuse(f.r.now())
	}
}

// catchingUp is for how long jobs may be sent late after the producers have their
// connections again.
const catchingUp = 100 * time.Millisecond

// ends is called right after the i-th fault has ended.
func (f *faults) ends(i int) {
	f.mu.Lock()
	until := f.effects[i].until
	f.mu.Unlock()
	if until == nil {
		return
	}
	f.r.await(f.r.patience(), func() bool {
		for _, p := range f.r.producers {
			if p.broken.Load() && !p.finished.Load() {
				return false
			}
		}
		return true
	})
	until(f.r.now() + int64(catchingUp))
}

// noticed is called for each error.
func (f *faults) noticed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last >= 0 {
		e := &f.effects[f.last]
		e.firstError = min(e.firstError, f.r.now())
	}
}

// count is what was counted until now.
func (f *faults) count() counted {
	t := ledger.SumOf(f.r.tallies, ledger.Refused, ledger.Duplicated, ledger.Unknown)
	c := counted{duplicated: t[ledger.Duplicated], refused: t[ledger.Refused], unknown: t[ledger.Unknown], found: f.r.found.Load()}
	f.r.problems.mu.Lock()
	c.errors = maps.Clone(f.r.problems.errors)
	f.r.problems.mu.Unlock()
	return c
}

// until is what was counted between two moments.
func (c counted) until(later counted) counted {
	d := counted{
		errors: map[string]int64{}, duplicated: later.duplicated - c.duplicated,
		refused: later.refused - c.refused, unknown: later.unknown - c.unknown, found: later.found - c.found,
	}
	for op, n := range later.errors {
		if n -= c.errors[op]; n > 0 {
			d.errors[op] = n
		}
	}
	return d
}

// away reports whether a fault had the server away at a moment, or for a while before it
// came back to all.
func (f *faults) away(at time.Duration) bool {
	if f == nil {
		return false
	}
	for i, o := range f.schedule.Outcomes() {
		if f.plan[i].Away() && o.Begun && at >= o.Began-time.Second && (!o.Over || at <= o.Ended+time.Second) {
			return true
		}
	}
	return false
}

// endServer ends the load, since the server was ended for good.
func (f *faults) endServer() {
	f.gone.Store(true)
	f.r.shorten(stopreason.ServerKilled, time.Duration(f.r.now()))
}

// losses are when the lost jobs were due, by leg. It is safe for concurrent use; nil
// keeps nothing.
type losses struct {
	mu sync.Mutex
	at map[int64]map[result.Leg]int64 // by due time, in units of bin
	// bin is how exactly the due time of a lost job is kept, in nanoseconds.
	bin int64
}

// Due times of lost jobs are kept to 10 ms, and when there are too many different ones less
// exactly.
const (
	lossBin  = int64(10 * time.Millisecond)
	maxLossy = 1 << 15
)

func newLosses() *losses { return &losses{at: map[int64]map[result.Leg]int64{}, bin: lossBin} }

// widen makes bins twice as long. The caller holds mu.
func (l *losses) widen() {
	old := l.at
	l.at, l.bin = map[int64]map[result.Leg]int64{}, 2*l.bin
	for bin, legs := range old {
		if l.at[bin/2] == nil {
			l.at[bin/2] = legs
			continue
		}
		for leg, n := range legs {
			l.at[bin/2][leg] += n
		}
	}
}

func (l *losses) add(due int64, leg result.Leg) { l.addMany(due, leg, 1) }

func (l *losses) addMany(due int64, leg result.Leg, n int64) {
	if l == nil || n == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bin := due / l.bin
	if l.at[bin] == nil {
		l.at[bin] = map[result.Leg]int64{}
	}
	l.at[bin][leg] += n
	for len(l.at) > maxLossy {
		l.widen()
	}
}

// by are the lost jobs of each fault, by leg. of says to which one a job belongs that was
// due at that moment, -1 for none.
func (l *losses) by(faults int, of func(due int64) int) []map[result.Leg]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]map[result.Leg]int64, faults)
	for i := range all {
		all[i] = map[result.Leg]int64{}
	}
	for bin, legs := range l.at {
		i := of(bin * l.bin)
		for leg, n := range legs {
			if i >= 0 {
				all[i][leg] += n
			}
		}
	}
	return all
}

// legCounted is the leg whose jobs a counter counts.
func legCounted(c ledger.Counter) result.Leg {
	for _, leg := range ledger.Legs() {
		if leg.Counted == c {
			return result.Leg(leg.Key)
		}
	}
	return ""
}
