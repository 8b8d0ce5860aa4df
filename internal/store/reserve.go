// Package store writes results to directories and reads them again.
//
// A directory belongs to one run from its start ([Reserve]) and holds one document
// ([Reservation.Write]), whose record is written first. A result is never lost
// while there is a place for it: if the directory cannot be written, the result goes
// next to it. The content of the files comes from package render.
//
// Begin reading at [Reserve], and for reading at [Load].
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/queuedyno/queuedyno/internal/render"
)

// Reserving says how a result directory is to be reserved.
type Reserving struct {
	// Owner is written into the directory for as long as the run has not
	// finished.
	Owner Owner
	// Generated is set for a generated name. The first free one of NAME, NAME-2,
	// NAME-3 and so on is used.
	Generated bool
	// Force lets the result replace an older one of the same kind, which stays
	// until the new one is complete.
	Force bool
	// Update is set for a run that continues the result in the directory. Its files
	// are replaced one by one.
	Update bool
}

// record is the file that makes a directory a result of the owner's kind.
func (o Reserving) record() string { return recordOf(o.Owner.Verb) }

// Reservation is a result directory that belongs to one run from its start.
// Making the directory is the atomic act that decides between two runs, and a
// file in it names the owner until [Reservation.Release].
//
// Its methods are not safe for concurrent use.
type Reservation struct {
	owner Owner
	dir   string // as the caller wrote it, or where the result went instead
	lock  *os.File
	// madeDir is set where the directory was made here, made are the
	// directories above it that were.
	madeDir bool
	made    []string
	// replace is set while an older result is in the directory.
	replace bool
	stored  bool
	note    string
	// checkpoint is the file of [Reservation.Checkpoint], empty before the first.
	checkpoint string
}

// Reserve makes the result directory of a run that is about to start, or takes
// one that may be replaced. It returns an error that matches [fs.ErrExist] when
// the directory belongs to another run, or holds something already.
func Reserve(dir string, o Reserving) (*Reservation, error) {
	var r *Reservation
	err := o.named(dir, func(dir string) (err error) {
		r, err = reserve(dir, o)
		return err
	})
	return r, err
}

// Check says whether [Reserve] would work and leaves nothing behind.
func Check(dir string, o Reserving) error {
	return o.named(dir, func(dir string) error { return check(dir, o) })
}

// named tries a directory, and where its name was generated the next ones, until one is free.
func (o Reserving) named(dir string, try func(dir string) error) error {
	for n := 1; ; n++ {
		if err := try(numbered(dir, n)); !o.Generated || !errors.Is(err, fs.ErrExist) || n == mostNames {
			return err
		}
	}
}

// mostNames bounds the search for a free name.
const mostNames = 10000

// numbered is the nth name of a directory.
func numbered(dir string, n int) string {
	if n == 1 {
		return dir
	}
	return fmt.Sprintf("%s-%d", filepath.Clean(dir), n)
}

// Dir is the result directory. It changes when the result had to go elsewhere.
func (r *Reservation) Dir() string { return r.dir }

// Note is one sentence that the user should read, or "".
func (r *Reservation) Note() string { return r.note }

func reserve(dir string, o Reserving) (*Reservation, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("result directory %q: %w", dir, err)
	}
	r := &Reservation{owner: o.Owner.filled(), dir: dir, made: missingParents(abs)}
	err = mkdir(abs)
	r.madeDir = err == nil
	switch {
	case err == nil:
		err = r.mark()
	case errors.Is(err, fs.ErrExist):
		err = r.take(o)
	default:
		err = fmt.Errorf("make directory %q for results: %w; choose another with --out", dir, cause(err))
	}
	if err != nil {
		r.removeMade()
		return nil, err
	}
	syncDir(filepath.Dir(abs))
	return r, nil
}

// mark writes the owner into the directory. The file is locked before it has
// content: a reader of its name finds the lock held.
func (r *Reservation) mark() error {
	lock, err := r.owner.write(r.dir, os.O_EXCL)
	switch {
	case errors.Is(err, fs.ErrExist):
		return taken(r.dir, "another run has just reserved it", "")
	case err != nil:
		return fmt.Errorf("reserve the result directory %q: %w; choose another with --out", r.dir, cause(err))
	}
	r.lock = lock
	return nil
}

// take reserves a directory that exists.
func (r *Reservation) take(o Reserving) error {
	found, err := inspect(r.dir, o)
	if err != nil {
		return err
	}
	r.replace = found.holdsRecord && !o.Update
	if !found.marked {
		return r.mark()
	}
	lock, old, err := takeOver(r.dir, r.owner, o.Force || o.Update)
	if err != nil {
		return err
	}
	r.lock = lock
	if !found.holdsRecord {
		r.note = fmt.Sprintf("%q was left by a run that ended without a result (%s); it is replaced", r.dir, old)
	}
	return nil
}

// Release ends the reservation: the name of the owner is removed, and where
// nothing was stored, the directory too. It is safe on nil and may be called
// again.
func (r *Reservation) Release() {
	if r == nil || r.owner.ID == "" {
		return
	}
	r.unmark()
	r.removeCheckpoint()
	if !r.stored {
		r.removeMade()
	}
	r.owner.ID = ""
}

// unmark removes the marker from the directory, if it is this run's.
func (r *Reservation) unmark() {
	if owner, err := readOwner(r.dir); err == nil && owner.ID == r.owner.ID {
		// Removed before it is unlocked, so that it is never found abandoned.
		_ = os.Remove(filepath.Join(r.dir, markerFile))
	}
	if r.lock != nil {
		_ = r.lock.Close()
		r.lock = nil
	}
}

// removeMade removes the directories that were made, as far as they are empty.
func (r *Reservation) removeMade() {
	if r.madeDir {
		removeEmpty(r.dir)
	}
	for _, m := range r.made {
		removeEmpty(m)
	}
}

// removeEmpty removes a directory unless it is in use again, or no longer a directory.
func removeEmpty(dir string) {
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		_ = os.Remove(dir)
	}
}

// check is Check for one name.
func check(dir string, o Reserving) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("result directory %q: %w", dir, err)
	}
	if _, err := os.Lstat(abs); !errors.Is(err, fs.ErrNotExist) {
		if _, err := inspect(dir, o); err != nil {
			return err
		}
	}
	missing := missingParents(abs)
	defer func() {
		for _, m := range missing {
			os.Remove(m) // stays where it is used by now
		}
	}()
	temp, err := partial(abs)
	if err != nil {
		return err
	}
	if err := os.Remove(temp); err != nil {
		return fmt.Errorf("remove %q: %w", temp, cause(err))
	}
	return nil
}

// existing is what a directory holds that is to be taken.
type existing struct {
	marked      bool // a run has reserved it
	holdsRecord bool
}

// inspect is what an existing path holds, or the reason why it must not be used.
func inspect(dir string, o Reserving) (found existing, err error) {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return found, fmt.Errorf("result directory %q: %w", dir, cause(err))
	case !info.IsDir():
		return found, fmt.Errorf("result directory %q: a file is in the way; choose another name", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return found, fmt.Errorf("result directory %q: %w", dir, cause(err))
	}
	foreign := false
	for _, e := range entries {
		switch name := e.Name(); {
		case name == markerFile:
			found.marked = true
		case name == o.record(), name == render.Run.File():
			found.holdsRecord = true
		case name != partialName(o.record()):
			foreign = true
		}
	}
	if found.marked {
		if o.Generated {
			return found, taken(dir, "a run has reserved it", "")
		}
		owner, unread := readOwner(dir)
		running, known := held(filepath.Join(dir, markerFile))
		switch {
		case unread != nil:
			// Not by force either: a marker without content is just being written.
			return found, taken(dir, "a run has just reserved it", "choose another name, or remove "+markerFile+" in it if no run is in progress")
		case running, !known && !o.Force:
			return found, taken(dir, "it belongs to a run that has not finished"+owner.inBrackets(), "choose another name")
		}
	}
	switch {
	case o.Force || o.Update:
		// Force is for results. It is not for a home directory given by mistake.
		if foreign && !found.holdsRecord {
			return found, fmt.Errorf("result directory %q: holds files but no %s, so it is not replaced; choose another name", dir, o.record())
		}
	case !found.marked || found.holdsRecord || foreign:
		return found, taken(dir, fs.ErrExist.Error(), "choose another name, or replace it with --force")
	}
	return found, nil
}

// existError is the error of a directory that cannot be taken. It matches
// [fs.ErrExist].
type existError string

func (e existError) Error() string        { return string(e) }
func (e existError) Is(target error) bool { return target == fs.ErrExist }

func taken(dir, what, remedy string) error {
	text := fmt.Sprintf("result directory %q: %s", dir, what)
	if remedy != "" {
		text += "; " + remedy
	}
	return existError(text)
}
