package store

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

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
	files := d.Files()
	rest := slices.DeleteFunc(files[1:], func(f render.File) bool {
		return slices.ContainsFunc(more, func(m render.File) bool { return m.Name == f.Name })
	})
	return r.store(slices.Concat(files[:1], more, rest))
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
