package queuedyno_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheArchitecturePageListsEveryPackage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (path == "examples" || e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") && path != "."):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		if dir := filepath.ToSlash(filepath.Dir(path)); dir != "." && !strings.Contains(string(page), "`"+dir+"`") {
			t.Errorf("docs/architecture.md has no %s", dir)
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A package of more files has more than one noun.
func TestNoPackageHasMoreThan34Files(t *testing.T) {
	t.Parallel()
	files := map[string]int{}
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != ".":
			return filepath.SkipDir
		case filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go"):
			files[filepath.ToSlash(filepath.Dir(path))]++
		}
		return nil
	})
	if err != nil || len(files) < 2 {
		t.Fatal(len(files), err)
	}
	for dir, n := range files {
		if n > 34 {
			t.Errorf("%s has %d Go files, tests apart; move what is a noun for itself into a package", dir, n)
		}
	}
}
