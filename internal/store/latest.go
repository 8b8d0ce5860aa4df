package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/render"
)

// Stored is a result in a directory of results.
type Stored struct {
	// Path is its directory.
	Path string
	// What it is: "a run", "a comparison".
	What string
	// EndedAt is when it ended, as its record says. Where the record does not,
	// it is the time of the file.
	EndedAt time.Time
	started time.Time
}

// Latest is the result in the directory that ended last, with notes about the
// choice for the user. Results of every kind count, and the directory itself if it
// is one. Of results that ended at the same time, the one that began last wins, then
// the one whose name sorts last. It returns an
// error that matches [fs.ErrNotExist] where there is no result.
func Latest(dir string) (Stored, []string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Stored{}, nil, absent(fmt.Sprintf("find the latest result in %q: %v; name the directory of results with --out", dir, cause(err)))
	}
	var all []Stored
	var notes []string
	var unfinished []string
	began := map[string]time.Time{}
	for _, path := range append([]string{"."}, names(entries)...) {
		path = filepath.Join(dir, path)
		s, err := stat(path)
		if err != nil {
			notes = append(notes, err.Error()+"; it is ignored")
			continue
		}
		if s.What != "" {
			all = append(all, s)
		} else if u, err := LoadMarker(path); err == nil {
			unfinished = append(unfinished, fmt.Sprintf("%q is ignored: %s", path, u))
			began[unfinished[len(unfinished)-1]] = u.StartedAt
		}
	}
	if len(all) == 0 {
		notes = append(notes, unfinished...)
		more := ""
		if len(notes) > 0 {
			more = ": " + strings.Join(notes, "; ")
		}
		return Stored{}, nil, absent(fmt.Sprintf("find the latest result in %q: no result found%s; make one with queuedyno run, or name another directory with --out", dir, more))
	}
	slices.SortStableFunc(all, func(a, b Stored) int {
		return cmp.Or(a.EndedAt.Compare(b.EndedAt), a.started.Compare(b.started), byNumber(a.Path, b.Path))
	})
	last := all[len(all)-1]
	for _, s := range all[:len(all)-1] {
		if s.EndedAt.Equal(last.EndedAt) {
			notes = append(notes, fmt.Sprintf("%q ended at the same time", s.Path))
		}
	}
	for _, note := range unfinished {
		if began[note].After(last.EndedAt) || began[note].After(last.started) {
			notes = append(notes, note)
		}
	}
	return last, notes, nil
}

// names are the directories among the entries that are not hidden.
func names(entries []fs.DirEntry) (out []string) {
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			out = append(out, e.Name())
		}
	}
	return out
}

// byNumber orders NAME-2 before NAME-10.
func byNumber(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// stat says what result is in the directory, if any, and when it ended.
func stat(dir string) (Stored, error) {
	for _, k := range render.Kinds() {
		file := filepath.Join(dir, k.File())
		info, err := os.Stat(file)
		if err != nil || info.IsDir() {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return Stored{}, fmt.Errorf("%q cannot be read: %w", file, cause(err))
		}
		type times struct {
			StartedAt time.Time `json:"started_at"`
			EndedAt   time.Time `json:"ended_at"`
		}
		var head struct {
			times
			Run times `json:"run"`
		}
		if err := json.Unmarshal(data, &head); err != nil {
			return Stored{}, fmt.Errorf("%q cannot be read: %w", file, err)
		}
		at := head.times
		if k == render.Run {
			at = head.Run
		}
		if at.EndedAt.IsZero() {
			at.EndedAt = info.ModTime()
		}
		return Stored{Path: dir, What: k.Words(), EndedAt: at.EndedAt, started: at.StartedAt}, nil
	}
	return Stored{}, nil
}
