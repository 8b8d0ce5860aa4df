package main

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/store"
)

// place is where a result is to go.
type place struct {
	dir string
	o   store.Reserving
}

// place is where a verb puts the result of a scenario. A name that is made up
// of the prefix and the time gives way to a directory that is there; one that was
// given does not.
func (r *running) place(verb, scenarioName, prefix string, now time.Time) place {
	out := r.out.or("results")
	at := place{o: store.Reserving{
		Owner: store.Owner{ID: flight.NewID(), Verb: verb, Name: scenarioName, StartedAt: now.UTC()},
		Force: r.force.get(),
	}}
	if r.name.given() {
		at.dir = filepath.Join(out, r.name.get())
		return at
	}
	at.dir = filepath.Join(out, prefix+"-"+now.UTC().Format("20060102-150405Z"))
	at.o.Generated, at.o.Force = true, false
	return at
}

// check says whether the place can be had, before anything is started.
func (p place) check() error { return store.Check(p.dir, p.o) }

// reserve makes the result directories the verb's own. It returns them all, or
// an error of the command line: another run was faster.
func (r *running) reserve(verb string, places ...place) ([]*store.Reservation, error) {
	var all []*store.Reservation
	var faults []fault
	for _, p := range places {
		reserved, err := store.Reserve(p.dir, p.o)
		if err != nil {
			faults = append(faults, faultOf(err))
			continue
		}
		all = append(all, reserved)
		if note := reserved.Note(); note != "" {
			r.p.console.note("%s: %s", verb, note)
		}
	}
	if len(faults) > 0 {
		release(all)
		return nil, usageErr(faults...)
	}
	return all, nil
}

// release ends reservations. Where nothing was stored, nothing is left: the first
// one made the directory above them, so it comes last.
func release(all []*store.Reservation) {
	for _, r := range slices.Backward(all) {
		r.Release()
	}
}

// keptIn is the directory that holds a result after it was stored with that
// error, empty when none does.
func keptIn(r *store.Reservation, err error) string {
	var e *store.Error
	switch {
	case err == nil:
		return r.Dir()
	case errors.As(err, &e):
		return e.Dir
	}
	return ""
}
