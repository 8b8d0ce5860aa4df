package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/queuedyno/queuedyno/internal/render"
)

// Redraw writes the missing files of a result directory from its record and returns
// their names. The path may also be that of the record. If some files cannot be
// written, the error is a [*Error].
func Redraw(path string) (made []string, err error) {
	dir, files, err := filesOf(path)
	if err != nil {
		return nil, err
	}
	e := &Error{Wished: dir, Dir: dir, record: files[0].Name}
	missing := files[:1]
	for _, f := range files[1:] {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.Name))); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing[:len(missing):len(missing)], f)
		}
	}
	e.rest(missing)
	for _, f := range missing[1:] {
		if !slices.Contains(e.Missing, f.Name) {
			made = append(made, f.Name)
		}
	}
	if len(e.Missing) > 0 {
		return made, e
	}
	return made, nil
}

// filesOf are the files in the directory of a stored result of any kind.
func filesOf(path string) (dir string, files []render.File, err error) {
	dir = path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	d, err := Load(path)
	if err != nil {
		return dir, nil, err
	}
	return dir, d.Files(), nil
}
