package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/result"
)

// Load reads a stored document of any kind from a result directory or from the
// record in it. Its errors name the file, the position if known, and the remedy;
// without a record they match [fs.ErrNotExist]. Unknown keys are ignored; a newer
// schema is refused.
func Load(path string) (render.Document, error) {
	k := KindOf(path)
	if k == Unfinished {
		k = render.Run
	}
	return load(path, of(k))
}

// Checkpointed is the file of a checkpoint next to the older result in a directory, or "". A
// run that replaces this result, and still goes on or was killed, has left it there.
func Checkpointed(dir string) string {
	file := filepath.Join(dir, CheckpointFile)
	if i, err := os.Stat(file); err != nil || !i.Mode().IsRegular() {
		return ""
	}
	return file
}

// LoadAs reads a record of one kind, as [Load] does, and refuses others.
func LoadAs[R render.Record](path string) (R, error) {
	d, err := load(path, of(render.KindOf[R]()))
	if err != nil {
		var none R
		return none, err
	}
	record, _ := render.As[R](d)
	return record, nil
}

func load(path string, k kind) (render.Document, error) {
	file := path
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		file = filepath.Join(path, k.File())
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return render.Document{}, noRecord(path, k)
	}
	if err != nil {
		return render.Document{}, fmt.Errorf("load %s %q: %w", k.what, file, cause(err))
	}
	d, err := parse(file, data, k)
	if err != nil {
		return render.Document{}, fmt.Errorf("load %s %w", k.what, err)
	}
	if filepath.Base(file) == k.File() {
		d = d.WithIntervals(func() (io.ReadCloser, error) { return intervalsIn(filepath.Dir(file)) })
	}
	return d, nil
}

// ParseRun reads the result of a run out of the bytes of its record, as [LoadAs] does with a
// file. Errors begin with the name.
func ParseRun(name string, data []byte) (*result.Result, error) {
	d, err := parse(name, data, of(render.Run))
	if err != nil {
		return nil, err
	}
	r, _ := render.As[*result.Result](d)
	return r, nil
}

// parse reads the bytes of a record; its errors begin with the place.
func parse(file string, data []byte, k kind) (render.Document, error) {
	// The schema first, by itself: in a newer one any other key may differ.
	var head struct {
		Schema *int            `json:"schema"`
		Kind   render.Kind     `json:"kind"`
		Stages json.RawMessage `json:"stages"`
		Ledger json.RawMessage `json:"ledger"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return render.Document{}, fmt.Errorf("%s: not JSON written by queuedyno: %w", place(file, data, err), err)
	}
	remedy := fmt.Sprintf("give the %s that queuedyno %s wrote", k.File(), k.verb)
	named := head.Kind
	if named == "" && len(head.Stages) > 0 && len(head.Ledger) > 0 {
		named = render.Run // whose records name no kind
	}
	switch {
	case named != k.Kind && Words(named) != "":
		return render.Document{}, fmt.Errorf("%s: it holds %s, not %s; %s", file, Words(named), k.Words(), remedy)
	case head.Schema == nil || *head.Schema < 1:
		return render.Document{}, fmt.Errorf("%s: no schema number, so it is not a %s of queuedyno; %s", file, k.what, remedy)
	case named != k.Kind && k.Kind != render.Run:
		return render.Document{}, fmt.Errorf("%s: its kind is %q and not %q; %s", file, head.Kind, k.Kind, remedy)
	case *head.Schema > k.schema:
		return render.Document{}, fmt.Errorf("%s: schema %d is newer than %d, the newest that this build reads; use a newer queuedyno", file, *head.Schema, k.schema)
	}
	if k.Kind == render.Run {
		for _, key := range []struct {
			name  string
			value json.RawMessage
		}{{"stages", head.Stages}, {"ledger", head.Ledger}} {
			if len(key.value) == 0 || string(key.value) == "null" {
				return render.Document{}, fmt.Errorf("%s: it holds no measurement: %q is missing; restore the file, or %s", file, key.name, k.again)
			}
		}
	}
	d, err := k.read(data)
	var no senseless
	switch {
	case errors.As(err, &no):
		return d, fmt.Errorf("%s: %w; restore the file, or %s", file, no.error, k.again)
	case err != nil:
		return d, fmt.Errorf("%s: not a %s: %w; restore the file, or %s", place(file, data, err), k.what, err, k.again)
	}
	return d, nil
}

// place is file:line:column of a JSON error, or the file alone.
func place(file string, data []byte, err error) string {
	var offset int64
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &wrongType):
		offset = wrongType.Offset
	default:
		return file
	}
	// The offset counts the byte at fault too.
	before := data[:min(max(offset-1, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}

// absent is the error of a path without a record. It matches fs.ErrNotExist, also
// for a directory that holds something else.
type absent string

func (a absent) Error() string        { return string(a) }
func (a absent) Is(target error) bool { return target == fs.ErrNotExist }

// noRecord is the error of a path without a record of the kind: what is there
// instead, and the remedy.
func noRecord(path string, k kind) error {
	what, remedy := "no such file or directory", "give a result directory that queuedyno "+k.verb+" wrote, or its "+k.File()
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		what = "it is a directory without a " + k.File()
		inner, err := filepath.Glob(filepath.Join(path, "*", k.File()))
		marked, unread := LoadMarker(path)
		switch other := KindOf(path); {
		case unread == nil && marked.Running:
			what = "its run has not finished" + marked.inBrackets()
			remedy = "wait for its end, or give another result"
		case unread == nil:
			what = "its run ended without a result" + marked.inBrackets()
			remedy = "remove the directory, or give another result"
		case other != "":
			what = "it holds " + Words(other) + ", not " + k.Words()
		case err == nil && len(inner) == 1:
			what, remedy = what+", and holds 1 result", "name one of them, such as "+filepath.Dir(inner[0])
		case err == nil && len(inner) > 1:
			what, remedy = fmt.Sprintf("%s, and holds %d results", what, len(inner)), "name one of them, such as "+filepath.Dir(inner[0])
		}
	}
	return absent(fmt.Sprintf("load %s %q: %s; %s", k.what, path, what, remedy))
}

// cause unwraps an error of package os, since the message already has the
// operation and the path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
