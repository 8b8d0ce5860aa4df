package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mkdir makes a directory and its parents. Another process that made a parent for a
// check removes it again while it is empty, so a parent that has just vanished is
// made again.
func mkdir(dir string) error {
	var err error
	for range 1000 {
		err = os.MkdirAll(filepath.Dir(dir), 0o777)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
			continue // a parent has just vanished
		}
		if err != nil {
			return err
		}
		if err = os.Mkdir(dir, 0o777); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// partial makes an empty directory next to dir, with its parents. Unlike
// os.MkdirTemp, it has the permissions of any new directory.
func partial(dir string) (string, error) {
	temp := sibling(dir, "partial")
	if err := mkdir(temp); err != nil {
		return "", fmt.Errorf("make a directory in %q for results: %w; choose another with --out", filepath.Dir(dir), cause(err))
	}
	return temp, nil
}

// sibling is a new hidden name in the directory of dir.
func sibling(dir, what string) string {
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
