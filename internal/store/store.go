package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/render"
)

// Error is the error of a result that could not be written, or not completely, to
// its directory. The saved part is in Dir.
type Error struct {
	// Wished is the directory that was reserved, Dir the one that holds the
	// result. Dir is empty if it could not be saved anywhere.
	Wished, Dir string
	// Err says why the result is not in Wished; nil when it is.
	Err error
	// Missing are the files that are not in Dir, Errs why, one for each.
	Missing []string
	Errs    []error
	record  string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "write results to %q: ", e.Wished)
	if e.Err != nil {
		b.WriteString(e.Err.Error())
		if e.Dir == "" {
			return b.String() + "; they could not be saved anywhere else and are lost"
		}
		fmt.Fprintf(&b, "; they are in %q instead", e.Dir)
		if len(e.Missing) > 0 {
			b.WriteString(": ")
		}
	}
	for i, err := range e.Errs {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	if len(e.Errs) > 0 {
		fmt.Fprintf(&b, "; %s is complete", e.record)
	}
	return b.String()
}

// Hint is the remedy.
func (e *Error) Hint() string {
	switch {
	case e.Dir == "":
		return "free some space, or choose another place with --out, and run it again"
	case slices.ContainsFunc(e.Missing, remakable):
		hint := fmt.Sprintf("when there is room again, make the missing files from %s: queuedyno report %s --redraw", e.record, e.Dir)
		if slices.Contains(e.Missing, render.IntervalsFile) {
			hint += " (" + render.IntervalsFile + " will hold the whole window as one interval)"
		}
		return hint
	case len(e.Missing) > 0:
		return "free some space before the next run"
	}
	return fmt.Sprintf("queuedyno report %s shows them; move the directory to where you want it", e.Dir)
}

// remakable is whether a file can be made from the record.
func remakable(name string) bool {
	return !strings.HasPrefix(name, "calibration.") && !strings.Contains(name, "/")
}

func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return e.Errs
	}
	return append([]error{e.Err}, e.Errs...)
}

// store writes the files, of which the first is the record: all others but an
// interval log and the results of single runs can be made from it. The record
// goes to the reserved directory, else to one next to it, else to the temporary
// directory; the rest goes with it as far as that is possible. What happens is noted in
// e, which is the error where something went wrong.
func (r *Reservation) store(files []render.File, e *Error) error {
	e.record = files[0].Name
	if r.replace {
		e.Err = r.renew(files, e)
	} else {
		e.Err = r.fill(files, e)
	}
	if e.Err != nil && e.Dir == "" {
		r.elsewhere(files, e)
	}
	if e.Dir != "" {
		r.stored = true
		r.dir = e.Dir
		r.replace = false
	}
	if e.Err == nil && len(e.Missing) == 0 {
		return nil
	}
	return e
}

// fill writes the files into the reserved directory. Its error is that of the
// record, without which there is no result.
func (r *Reservation) fill(files []render.File, e *Error) error {
	if err := r.stillOurs(); err != nil {
		return err
	}
	if err := e.save(r.dir, files); err != nil {
		return err
	}
	syncDir(filepath.Dir(r.dir))
	return nil
}

// save writes the files into a directory. Its error is that of the record; then nothing is
// in the directory.
func (e *Error) save(dir string, files []render.File) error {
	if err := writeFile(dir, files[0].Name, files[0].Encode); err != nil {
		return err
	}
	e.Dir = dir
	e.rest(files)
	syncDir(dir)
	return nil
}

// rest writes all files but the record, as far as that is possible.
func (e *Error) rest(files []render.File) {
	for _, f := range files[1:] {
		if err := writeFile(e.Dir, f.Name, f.Encode); err != nil {
			e.Missing, e.Errs = append(e.Missing, f.Name), append(e.Errs, err)
		}
	}
}

// stillOurs checks that the directory is the reserved one. A removed directory is
// made again; the directory of another run is left alone.
func (r *Reservation) stillOurs() error {
	owner, err := readOwner(r.dir)
	switch {
	case err == nil && owner.ID == r.owner.ID:
		return nil
	case err == nil:
		return errors.New("the directory was removed, and belongs to another run now")
	}
	if _, err := os.Lstat(r.dir); !errors.Is(err, fs.ErrNotExist) {
		if info, err := os.Stat(r.dir); err != nil || !info.IsDir() {
			return errors.New("it is no longer a directory")
		}
		if sameFile(r.lock, filepath.Join(r.dir, markerFile)) {
			return nil // a full disk kept the content of the marker out
		}
		if entries, err := os.ReadDir(r.dir); err == nil && len(entries) > 0 && !r.stored {
			return errors.New("the directory was removed, and another is in its place")
		}
		return nil // its marker was removed
	}
	r.made = append(missingParents(r.dir), r.made...)
	if err := mkdir(r.dir); err != nil {
		return fmt.Errorf("the directory was removed, and cannot be made again: %w", cause(err))
	}
	r.madeDir = true
	return nil
}

// renew makes a new directory and replaces the old one by it. If that fails, or if
// not all files could be written, the old one stays and the new
// one is put next to it.
func (r *Reservation) renew(files []render.File, e *Error) error {
	abs, err := filepath.Abs(r.dir)
	if err != nil {
		return err
	}
	temp, err := partial(abs)
	if err != nil {
		return err
	}
	if err := e.save(temp, files); err != nil {
		os.RemoveAll(temp)
		return err
	}
	if len(e.Missing) > 0 {
		err = errors.New("not all files could be written, so the old results stay")
	} else if err = r.replaceBy(temp, abs); err == nil {
		e.Dir = r.dir
		syncDir(filepath.Dir(abs))
		return nil
	}
	for n := 2; n < mostNames; n++ {
		nearby := numbered(r.dir, n)
		if _, there := os.Lstat(nearby); !errors.Is(there, fs.ErrNotExist) {
			continue
		}
		if os.Rename(temp, nearby) == nil {
			e.Dir = nearby
		}
		break
	}
	return err
}

// replaceBy replaces the directory by temp, with the marker in it, since the run
// may store more.
func (r *Reservation) replaceBy(temp, dir string) error {
	lock, err := r.owner.write(temp, os.O_EXCL)
	if err != nil {
		return err
	}
	if err := swap(temp, dir); err != nil {
		if lock != nil {
			lock.Close()
		}
		os.Remove(filepath.Join(temp, markerFile))
		return err
	}
	if r.lock != nil {
		r.lock.Close()
	}
	r.lock = lock
	return nil
}

// elsewhere keeps the result in the next best place.
func (r *Reservation) elsewhere(files []render.File, e *Error) {
	try := func(dir string) bool {
		err := e.save(dir, files)
		if err != nil {
			os.Remove(dir)
		}
		return err == nil
	}
	r.unmark() // so that no reader waits for a result there
	if r.madeDir {
		removeEmpty(r.dir)
	}
	for n := 2; n < mostNames; n++ {
		nearby := numbered(r.dir, n)
		err := os.Mkdir(nearby, 0o777)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil && try(nearby) {
			return
		}
		break
	}
	if dir, err := os.MkdirTemp("", "queuedyno-"+filepath.Base(r.dir)+"-*"); err == nil {
		try(dir)
	}
}
