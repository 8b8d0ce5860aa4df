package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/ring"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// entry is where jobs come in that are not pushed straight into the queue. Producers
// put every job into its line when the job is due, and its doors take them from there,
// as many at once as the entry has connections. So a slow Postgres or a slow API delays
// no due time: waiting for a free connection belongs to the stage store or request.
type entry struct {
	op    string // what its errors are counted as
	doors []door
	busy  atomic.Int32 // doors that take in a group

	mu     sync.Mutex // guards what follows
	some   *sync.Cond // something is in line, or nothing more will be
	line   ring.Ring[pace.Group]
	closed bool
}

// door takes in the jobs of one connection.
type door interface {
	// admit takes in a group of jobs that are due. What goes wrong with a job is
	// counted; an error ends the run.
	admit(ctx context.Context, g pace.Group) error
	// close closes the connection; a call of admit ends with an error.
	close()
}

func newEntry(op string) *entry {
	e := &entry{op: op}
	e.some = sync.NewCond(&e.mu)
	return e
}

// put puts groups in line.
func (e *entry) put(groups ...pace.Group) {
	e.mu.Lock()
	for _, g := range groups {
		e.line.Push(g)
	}
	e.mu.Unlock()
	if len(groups) == 1 {
		e.some.Signal()
	} else {
		e.some.Broadcast()
	}
}

// next is the first group in line. It waits for one; ok is false when no more will
// come.
func (e *entry) next() (g pace.Group, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if g, ok = e.line.Pop(); ok || e.closed {
			return g, ok
		}
		e.some.Wait()
	}
}

// end lets the doors finish what is in line, or nothing more with drop.
func (e *entry) end(drop bool) {
	e.mu.Lock()
	e.closed = true
	if drop {
		e.line.Clear()
	}
	e.mu.Unlock()
	e.some.Broadcast()
}

// serve lets jobs in through one door until no more come.
func (e *entry) serve(ctx context.Context, d door) error {
	for {
		g, ok := e.next()
		if !ok {
			return nil
		}
		e.busy.Add(1)
		err := d.admit(ctx, g)
		e.busy.Add(-1)
		if ctx.Err() != nil {
			continue // what becomes of a job now is no error of the run
		}
		if err != nil {
			return err
		}
	}
}

// close closes the connections of the doors.
func (e *entry) close() {
	if e == nil {
		return
	}
	for _, d := range e.doors {
		d.close()
	}
}

// openEntry opens what lets jobs in.
func (r *run) openEntry() error {
	switch r.s.Entry.Kind {
	case scenario.EntryPostgres:
		if err := r.openStore(); err != nil {
			return err
		}
		r.entry = newEntry("store")
		for range r.s.Entry.Postgres.Connections {
			d, err := r.openStoreDoor()
			if err != nil {
				return err
			}
			r.entry.doors = append(r.entry.doors, d)
		}
	case scenario.EntryHTTP:
		if err := r.openAPI(); err != nil {
			return err
		}
		r.entry = newEntry("request")
		for range r.s.Entry.HTTP.Connections {
			r.entry.doors = append(r.entry.doors, &apiDoor{r: r, tally: r.tally(), shard: r.rec.Shard()})
		}
	}
	return nil
}

// enter takes a group into flight. Its jobs go into the entry's line with the next
// [producer.send].
func (p *producer) enter(g pace.Group) {
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		p.slots = append(p.slots, p.r.start(n, int64(g.Due)))
	}
	p.groups = append(p.groups, g)
}

// watchable is a [Store] that says how busy it is.
type watchable interface {
	Facts() jobtable.Facts
	Pool() jobtable.Pool
	Sample(ctx context.Context) (jobtable.Activity, error)
}

// entryWatch samples how busy the entry is while the load is on: its doors, and the
// database where there is one.
type entryWatch struct {
	store watchable
	// Of the connections, and of pg_stat_activity.
	looks, samples      int
	doors, busy, active float64
	waits               map[string]float64
	failed              error
}

// watchEntry samples how busy the entry is until ctx ends. Where there is no entry it
// returns at once.
func (r *run) watchEntry(ctx context.Context) {
	if r.entry == nil {
		return
	}
	store, stores := r.store.(watchable)
	w := &entryWatch{store: store, waits: map[string]float64{}}
	r.entryWatch = w
	const looksPerSample = 50
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if r.now() < r.rec.From || r.now() > min(r.rec.To, r.cut.Load()) {
			continue
		}
		w.looks++
		w.doors += float64(r.entry.busy.Load()) / float64(len(r.entry.doors))
		if !stores {
			continue
		}
		p := store.Pool()
		w.busy += float64(p.Busy) / float64(p.Connections)
		if w.looks%looksPerSample != 0 || w.failed != nil {
			continue
		}
		a, err := store.Sample(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if r.faults == nil { // it may be a fault that ends
				w.failed = err
			}
			continue
		}
		w.samples++
		w.active += float64(a.Active)
		for on, n := range a.Waits {
			w.waits[on] += float64(n)
		}
	}
}

// postgres is what the run says of the database, nil without one.
func (r *assembly) postgres() *result.Postgres {
	w := r.entryWatch
	if w == nil || w.store == nil {
		return nil
	}
	f, p := w.store.Facts(), w.store.Pool()
	out := &result.Postgres{
		Kind: r.o.PostgresKind, Version: f.Version, Address: f.Address, Table: f.Table, Created: f.Created, Settings: f.Settings,
		Connections: p.Connections, MaxBusy: p.MaxBusy, Statements: p.Statements, Waits: p.Waits, Waited: p.Waited, Reconnects: p.Reconnects,
	}
	r.res.Warnings = append(r.res.Warnings, f.Cautions...)
	if w.looks > 0 {
		out.Busy = new(w.busy / float64(w.looks))
	}
	if w.samples > 0 {
		out.Active, out.WaitsFor = new(w.active/float64(w.samples)), map[string]float64{}
		for on, n := range w.waits {
			out.WaitsFor[on] = n / float64(w.samples)
		}
	}
	if w.failed != nil && r.ctx.Err() == nil {
		r.res.Warnings = append(r.res.Warnings, "what Postgres was busy with is not known: "+w.failed.Error())
	}
	return out
}
