package engine

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/result"
)

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
			w.failed = err
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
	for _, caution := range f.Cautions {
		r.res.Warnings = append(r.res.Warnings, caution)
	}
	if w.looks > 0 {
		out.Busy = ptr(w.busy / float64(w.looks))
	}
	if w.samples > 0 {
		out.Active, out.WaitsFor = ptr(w.active/float64(w.samples)), map[string]float64{}
		for on, n := range w.waits {
			out.WaitsFor[on] = n / float64(w.samples)
		}
	}
	if w.failed != nil && r.ctx.Err() == nil {
		r.res.Warnings = append(r.res.Warnings, "what Postgres was busy with is not known: "+w.failed.Error())
	}
	return out
}
