package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/render"
)

// Write makes the directory of a document with all its files. An existing
// directory is refused without force; with it, the old one stays until the new one
// is complete. If the document cannot be written completely to the directory, the
// error is a [*Error].
//
// It is [Reserve] and [Reservation.Write] at once, for an existing
// record. A run reserves its directory before it starts.
func Write(dir string, d render.Document, force bool, more ...render.File) error {
	reserved, err := Reserve(dir, Reserving{Owner: Owner{Verb: of(d.Kind()).verb}, Force: force})
	if err != nil {
		return err
	}
	defer reserved.Release()
	return reserved.Write(d, more...)
}

// Write stores a document. The further files cannot be made again from its record,
// so they come before those that can; they take the place of the document's own
// files of the same names. It may be called again for what is known by then.
func (r *Reservation) Write(d render.Document, more ...render.File) error {
	e := &Error{Wished: r.dir}
	// The interval log comes before the page that shows it.
	files := d.WithIntervals(func() (io.ReadCloser, error) { return intervalsIn(e.Dir) }).Files()
	rest := slices.DeleteFunc(files[1:], func(f render.File) bool {
		return slices.ContainsFunc(more, func(m render.File) bool { return m.Name == f.Name })
	})
	return r.store(slices.Concat(files[:1], more, rest), e)
}

// CheckpointFile is the name of a checkpoint next to an older result that stays until the
// new one is complete.
const CheckpointFile = "checkpoint.json"

// Checkpoint stores the record of a document as it is by now, on the disk when this returns:
// what remains if the process is killed. It takes the name of the record, which
// [Reservation.Write] replaces, or [CheckpointFile] where an older result has that.
func (r *Reservation) Checkpoint(d render.Document) error {
	if err := r.stillOurs(); err != nil {
		return fmt.Errorf("write to %q: %w", r.dir, err)
	}
	record := d.Files()[0]
	name := record.Name
	if r.replace {
		name = CheckpointFile
	}
	if err := writeFile(r.dir, name, record.Encode); err != nil {
		return fmt.Errorf("write to %q: %w", r.dir, err)
	}
	r.checkpoint = filepath.Join(r.dir, name)
	syncDir(r.dir)
	return nil
}

// removeCheckpoint removes the checkpoint where the result is elsewhere, or an older result
// stays.
func (r *Reservation) removeCheckpoint() {
	own := filepath.Base(r.checkpoint) != CheckpointFile
	if r.checkpoint == "" || own && (!r.stored || filepath.Dir(r.checkpoint) == filepath.Clean(r.dir)) {
		return
	}
	_ = os.Remove(r.checkpoint)
	removeEmpty(filepath.Dir(r.checkpoint))
}

// intervalsIn opens the interval log in a result directory.
func intervalsIn(dir string) (io.ReadCloser, error) {
	f, err := os.Open(filepath.Join(dir, render.IntervalsFile))
	if err != nil {
		return nil, cause(err)
	}
	return f, nil
}

// writeFile writes one file and waits until the disk has it. Until then it has
// another name, and an older file of this name stays.
func writeFile(dir, name string, encode func(io.Writer) error) (err error) {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%q lies outside the directory", name)
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if parent := filepath.Dir(path); parent != filepath.Clean(dir) {
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return fmt.Errorf("%s: %w", name, cause(err))
		}
	}
	temp := filepath.Join(filepath.Dir(path), partialName(filepath.Base(path)))
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	c := &counter{w: f}
	defer func() {
		if err != nil {
			os.Remove(temp)
			err = fmt.Errorf("%s, after %d bytes: %w", name, c.n, cause(err))
		}
	}()
	b := bufio.NewWriterSize(c, 1<<16)
	err = encode(b)
	if err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// WriteFile writes a file outside of result directories. If the name is taken, it gets
// a number. It returns the name that it has; the file is complete or not there.
func WriteFile(path string, data []byte) (string, error) {
	dir, base := filepath.Split(path)
	ext := filepath.Ext(base)
	for n := 1; n < mostNames; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(base, ext), n, ext)
		}
		// The name is taken first, so that two runs do not write the same file.
		f, err := os.OpenFile(dir+name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", dir+name, cause(err))
		}
		f.Close()
		err = writeFile(filepath.Clean(dir), name, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			os.Remove(dir + name)
			return "", err
		}
		return dir + name, nil
	}
	return "", fmt.Errorf("%s: its name is taken, and so are all numbered ones", path)
}

// partialName is the name that a file has until it is complete.
func partialName(name string) string { return "." + name + ".partial" }

// counter counts what reached the file.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// swap gives temp the name dir. A directory that has the name already steps
// aside first, comes back when that fails, and is removed only at the end.
func swap(temp, dir string) error {
	if _, err := os.Lstat(dir); err != nil {
		return os.Rename(temp, dir)
	}
	old := sibling(dir, "old")
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		if back := os.Rename(old, dir); back != nil {
			return fmt.Errorf("%w; the old results are in %q", err, old)
		}
		return err
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("the new results are in place; remove the old ones: %w", err)
	}
	return nil
}

// syncDir makes names durable where the system can do that; Windows cannot and
// does not need it.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
