package report

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckTarget says whether [Write] could write dir, before a run has taken its
// time: it makes a directory beside it and removes it again, with everything
// that it had to make for that.
func CheckTarget(dir string, force bool) error {
	dir, err := target(dir, force)
	if err != nil {
		return err
	}
	missing := missingParents(dir)
	defer func() {
		for _, m := range missing {
			os.Remove(m) // not ours alone any more when that fails
		}
	}()
	temp, err := partial(dir)
	if err != nil {
		return err
	}
	if err := os.Remove(temp); err != nil {
		return fmt.Errorf("remove %q: %w", temp, cause(err))
	}
	return nil
}

// target is the absolute path of the result directory, or the reason why it
// must not be written.
func target(dir string, force bool) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("result directory %q: %w", dir, err)
	}
	info, err := os.Lstat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return abs, nil
	case err != nil:
		return "", fmt.Errorf("result directory %q: %w", dir, cause(err))
	case !info.IsDir():
		return "", fmt.Errorf("result directory %q: there is something that is no directory; choose another name", dir)
	case !force:
		return "", fmt.Errorf("result directory %q: %w; choose another name, or replace it with --force", dir, fs.ErrExist)
	}
	// Force is for results. It is not for a home directory given by mistake.
	if _, err := os.Lstat(filepath.Join(abs, resultFile)); err == nil {
		return abs, nil
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return "", fmt.Errorf("result directory %q: %w", dir, cause(err))
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("result directory %q: holds files but no %s, so it is not replaced; choose another name", dir, resultFile)
	}
	return abs, nil
}

// partial makes an empty directory beside dir, and what leads there. Its
// permissions are those of any new directory, which os.MkdirTemp would not give.
func partial(dir string) (string, error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", fmt.Errorf("make directory %q for results: %w; choose another with --out", parent, cause(err))
	}
	temp := beside(dir, "partial")
	if err := os.Mkdir(temp, 0o777); err != nil {
		return "", fmt.Errorf("make a directory in %q for results: %w; choose another with --out", parent, cause(err))
	}
	return temp, nil
}

// beside is a new hidden name beside dir.
func beside(dir, what string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+"."+what+"-"+rand.Text()[:10])
}

// missingParents are the directories above dir that do not exist, innermost
// first.
func missingParents(dir string) []string {
	var out []string
	for p := filepath.Dir(dir); ; p = filepath.Dir(p) {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			return out
		}
		out = append(out, p)
	}
}

// checkAgain is [CheckTarget] for what may replace its own kind: a directory that
// holds the record of that name.
func checkAgain(dir, record string, force bool) error {
	if force && holds(dir, record) {
		return nil
	}
	return CheckTarget(dir, force)
}

// targetAgain is target for what may replace its own kind.
func targetAgain(dir, record string, force bool) (string, error) {
	if force && holds(dir, record) {
		return filepath.Abs(dir)
	}
	return target(dir, force)
}

// holds reports whether the path is a directory with the record, or the record.
func holds(path, record string) bool {
	if filepath.Base(path) == record {
		return true
	}
	_, err := os.Stat(filepath.Join(path, record))
	return err == nil
}

// within is the record in the directory, or the path itself where it is a file.
func within(path, record string) string {
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		return filepath.Join(path, record)
	}
	return path
}
