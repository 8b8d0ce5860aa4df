package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/queuedyno/queuedyno/internal/render"
)

// markerFile is in a result directory for as long as its run has not finished.
const markerFile = "unfinished.json"

// Owner is the run that a result directory belongs to. It is the content of
// unfinished.json.
type Owner struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"` // "unfinished"
	// ID is that of the run, or any unique text.
	ID string `json:"id"`
	// Verb is run, capacity, compare or calibrate, Name that of the scenario.
	Verb string `json:"verb"`
	Name string `json:"name"`
	PID  int    `json:"pid"`
	Host string `json:"host"`
	// StartedAt is when the directory was reserved.
	StartedAt time.Time `json:"started_at"`
}

// Marker describes the unfinished run of a reserved directory.
type Marker struct {
	Owner
	// Running is false when the run ended without a result, as after a kill -9.
	// It is true if that is unknown.
	Running bool
}

// String says it in a few words.
func (m Marker) String() string {
	if m.Running {
		return "it has not finished" + m.inBrackets()
	}
	return "it ended without a result" + m.inBrackets()
}

// LoadMarker reads the owner of a reserved directory. It returns an error that
// matches [fs.ErrNotExist] when no one has.
func LoadMarker(dir string) (Marker, error) {
	owner, err := readOwner(dir)
	if err != nil {
		return Marker{}, err
	}
	running, known := held(filepath.Join(dir, markerFile))
	return Marker{Owner: owner, Running: running || !known}, nil
}

// recordOf is the record that a verb writes.
func recordOf(verb string) string {
	switch verb {
	case "capacity":
		return render.Search.File()
	case "compare", "calibrate":
		return render.Comparison.File()
	}
	return render.Run.File()
}

// filled completes an owner.
func (o Owner) filled() Owner {
	o.Schema, o.Kind, o.PID = 1, "unfinished", os.Getpid()
	if o.ID == "" {
		o.ID = rand.Text()
	}
	if host, err := os.Hostname(); err == nil && o.Host == "" {
		o.Host = host
	}
	return o
}

// inBrackets names the owner as far as it is known, after a space.
func (o Owner) inBrackets() string {
	if o.PID == 0 {
		return ""
	}
	return " (" + o.String() + ")"
}

// String names the owner in a few words.
func (o Owner) String() string {
	text := fmt.Sprintf("process %d", o.PID)
	if host, err := os.Hostname(); err == nil && o.Host != "" && o.Host != host {
		text += " on " + o.Host
	}
	if !o.StartedAt.IsZero() {
		text += ", started " + o.StartedAt.UTC().Format("2006-01-02 15:04:05Z")
	}
	return text
}

// write writes the marker of a directory and returns the file, locked, where the
// system has locks. The flag may be os.O_EXCL.
func (o Owner) write(dir string, flag int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, markerFile), os.O_CREATE|os.O_RDWR|flag, 0o666)
	if err != nil {
		return nil, err
	}
	return o.fill(f)
}

// fill locks an open marker and gives it its content.
func (o Owner) fill(f *os.File) (*os.File, error) {
	if err := lockFile(f, true); err != nil && !errors.Is(err, errNoLocks) {
		return nil, errors.Join(err, f.Close())
	}
	text, err := json.MarshalIndent(o, "", "  ")
	if err = errors.Join(err, f.Truncate(0)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// The content is only for messages, so it may be missing on a full disk.
	_, _ = f.WriteAt(append(text, '\n'), 0)
	if locks {
		return f, nil
	}
	return nil, f.Close() // an open file would keep the directory from being renamed
}

// readOwner reads the marker of a directory.
func readOwner(dir string) (Owner, error) {
	var o Owner
	data, err := os.ReadFile(filepath.Join(dir, markerFile))
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("read %q: %w", filepath.Join(dir, markerFile), err)
	}
	return o, nil
}

// takeOver gives the marker of a run that has ended to the owner; with force also
// if it is unknown whether that run has ended.
func takeOver(dir string, owner Owner, force bool) (*os.File, Owner, error) {
	old, err := readOwner(dir)
	if err != nil {
		return nil, old, taken(dir, "a run has just reserved it", "choose another name")
	}
	running := taken(dir, "it belongs to a run that has not finished"+old.inBrackets(), "choose another name")
	path := filepath.Join(dir, markerFile)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, old, running // it has ended this very moment
	}
	if err != nil {
		return nil, old, fmt.Errorf("reserve the result directory %q: %w; choose another with --out", dir, cause(err))
	}
	err = lockFile(f, false)
	if errors.Is(err, errNoLocks) && force {
		err = nil
	}
	if err == nil && !sameFile(f, path) { // its owner has removed it by now
		err = fs.ErrExist
	}
	if err == nil {
		old, err = readOwner(dir) // without content it is just being written
	}
	if err != nil {
		f.Close()
		return nil, old, running
	}
	lock, err := owner.fill(f)
	if err != nil {
		return nil, old, fmt.Errorf("reserve the result directory %q: %w; choose another with --out", dir, cause(err))
	}
	return lock, old, nil
}

// held reports whether a marker is locked by a run, and whether that is known.
func held(path string) (locked, known bool) {
	f, err := os.Open(path)
	if err != nil {
		return false, errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	err = lockFile(f, false)
	return err != nil, !errors.Is(err, errNoLocks)
}

func sameFile(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// errNoLocks is returned where a file cannot be locked at all.
var errNoLocks = errors.New("files cannot be locked here")
