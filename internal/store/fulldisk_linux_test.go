package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/store"
)

const page = 4096

// smallDisk mounts a file system of so many pages. It needs root and the right to
// mount, which many containers withhold.
func smallDisk(t *testing.T, pages int64) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", pages*page)); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// pagesOf is the room that each file of a directory takes.
func pagesOf(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	pages := map[string]int64{}
	for _, name := range names(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		pages[name] = (info.Size() + page - 1) / page
	}
	return pages
}

func TestAFullDiskKeepsTheRecordAndWhatElseFits(t *testing.T) {
	ample := filepath.Join(t.TempDir(), "steady")
	must(t, write(ample, rendertest.Lossy(t), nil, false))
	pages := pagesOf(t, ample)
	record := pages["result.json"]

	for name, row := range map[string]struct {
		room int64 // besides the record and the marker of the run
		kept []string
	}{
		"the record fills the disk":      {0, nil},
		"the log fits too":               {pages["histograms.hlog"], []string{"histograms.hlog"}},
		"a short file fits after others": {pages["histograms.hlog"] + 1, []string{"histograms.hlog", "timeline.csv"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(smallDisk(t, record+1+row.room), "steady")
			err := write(dir, rendertest.Lossy(t), nil, false)
			var e *store.Error
			if !errors.As(err, &e) || !errors.Is(err, syscall.ENOSPC) || e.Dir != dir || e.Err != nil {
				t.Fatalf("Write to a full disk returned %v, want an Error at %q", err, dir)
			}
			if !strings.Contains(err.Error(), "result.json is complete") || !strings.Contains(e.Hint(), "queuedyno report "+dir+" --redraw") {
				t.Errorf("it says %q, hint %q", err, e.Hint())
			}
			if r, err := load(dir); err != nil || r.Validity.Verdict != "suspect" {
				t.Errorf("the record cannot be read: %v", err)
			}
			kept := names(t, dir)
			for _, name := range append(row.kept, "result.json") {
				if !slices.Contains(kept, name) {
					t.Errorf("%s would have fitted; there is %q", name, kept)
				}
			}
			for name := range pages {
				if slices.Contains(kept, name) == slices.Contains(e.Missing, name) {
					t.Errorf("%s: there is %q, and %q is said to be missing", name, kept, e.Missing)
				}
			}
			for name, n := range pagesOf(t, dir) {
				if n != pages[name] {
					t.Errorf("%s has %d pages, want all %d or no file", name, n, pages[name])
				}
			}
		})
	}
}

func TestARecordThatDoesNotFitGoesToAnotherDisk(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := filepath.Join(smallDisk(t, 2), "steady")
	err := write(dir, rendertest.Lossy(t), nil, false)
	var e *store.Error
	if !errors.As(err, &e) || !errors.Is(e.Err, syscall.ENOSPC) || filepath.Dir(e.Dir) != os.Getenv("TMPDIR") || len(e.Missing) > 0 {
		t.Fatalf("Write to a full disk returned %v, want the whole result in the temporary directory", err)
	}
	if _, err := load(e.Dir); err != nil || !strings.Contains(e.Error(), e.Dir) {
		t.Errorf("%v; it says %q", err, e)
	}
}
