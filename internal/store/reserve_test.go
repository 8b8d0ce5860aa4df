package store_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/store"
)

func reserve(t *testing.T, dir string, o store.Reserving) *store.Reservation {
	t.Helper()
	r, err := store.Reserve(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

func TestADirectoryHasOneOwnerWhoeverAsksAtOnce(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		o     store.Reserving
		older bool
		want  int
	}{
		"a given name":                   {want: 1},
		"a given name by force":          {o: store.Reserving{Force: true}, older: true, want: 1},
		"a search that is gone on with":  {o: store.Reserving{Update: true, Owner: store.Owner{Verb: "capacity"}}, older: true, want: 1},
		"a generated name":               {o: store.Reserving{Generated: true}, want: 8},
		"a generated name that is taken": {o: store.Reserving{Generated: true}, older: true, want: 8},
	} {
		dir := filepath.Join(t.TempDir(), "new", "steady")
		if row.older {
			if err := write(dir, rendertest.Steady(t), nil, false); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		var got []*store.Reservation
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				r, err := store.Reserve(dir, row.o)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, r)
				} else if !errors.Is(err, fs.ErrExist) {
					t.Errorf("%s: Reserve returned %v, want fs.ErrExist", name, err)
				}
			})
		}
		all.Wait()
		if len(got) != row.want {
			t.Errorf("%s: %d of 8 got a directory, want %d", name, len(got), row.want)
		}
		dirs := map[string]bool{}
		for _, r := range got {
			if err := r.Write(render.Of(rendertest.Steady(t))); err != nil {
				t.Errorf("%s: Write: %v", name, err)
			}
			dirs[r.Dir()] = true
			r.Release()
			if _, err := store.LoadMarker(r.Dir()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %q is marked as unfinished after the end: %v", name, r.Dir(), err)
			}
		}
		if len(dirs) != row.want {
			t.Errorf("%s: %d results are in %d directories", name, row.want, len(dirs))
		}
	}
}

func TestAReservedDirectoryThatWasNotUsedLeavesNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r := reserve(t, filepath.Join(root, "a", "b"), store.Reserving{})
	r.Release()
	r.Release()
	if got := names(t, root); len(got) > 0 {
		t.Errorf("Release left %q", got)
	}
	old := filepath.Join(root, "old")
	if err := write(old, rendertest.Steady(t), nil, false); err != nil {
		t.Fatal(err)
	}
	before := names(t, old)
	reserve(t, old, store.Reserving{Force: true}).Release()
	if got := names(t, old); !slices.Equal(got, before) {
		t.Errorf("Release left %q of old results, want %q", got, before)
	}
	(*store.Reservation)(nil).Release()
}

// TestMain lets this test program play a run that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RESERVE_AND_STAY"); dir != "" {
		if _, err := store.Reserve(dir, store.Reserving{Owner: store.Owner{Verb: "run", Name: "steady"}}); err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("reserved\n")
		_, _ = io.ReadAll(os.Stdin)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestARunThatWasKilledIsRecognizedAndInNobodysWay(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("whether a run is alive cannot be known here")
	}
	dir := filepath.Join(t.TempDir(), "steady")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RESERVE_AND_STAY="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("reserved\n"))); err != nil {
		t.Fatal(err)
	}
	if u, err := store.LoadMarker(dir); err != nil || !u.Running || u.PID != cmd.Process.Pid {
		t.Errorf("LoadMarker() = %+v, %v while process %d runs", u, err, cmd.Process.Pid)
	}
	for _, force := range []bool{false, true} {
		_, err := store.Reserve(dir, store.Reserving{Force: force})
		if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "has not finished (process ") {
			t.Errorf("Reserve(force %t) = %v, want who owns it", force, err)
		}
	}
	if _, err := load(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "has not finished") {
		t.Errorf("Load of a running run = %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if u, err := store.LoadMarker(dir); err != nil || u.Running {
		t.Errorf("LoadMarker() = %+v, %v after the process was killed", u, err)
	}
	if _, err := load(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "ended without a result") {
		t.Errorf("Load after the run was killed = %v", err)
	}
	if kind := store.KindOf(dir); store.Words(kind) != "an unfinished run" {
		t.Errorf("KindOf() = %q", kind)
	}
	if err := check(dir, false); err != nil {
		t.Errorf("Check of what a killed run left = %v", err)
	}
	generated := reserve(t, dir, store.Reserving{Generated: true})
	if generated.Dir() != dir+"-2" {
		t.Errorf("a generated name became %q, want the next one", generated.Dir())
	}
	taken := reserve(t, dir, store.Reserving{})
	if !strings.Contains(taken.Note(), "ended without a result") {
		t.Errorf("Note() = %q, want it to say whose place was taken", taken.Note())
	}
	if err := taken.Write(render.Of(rendertest.Steady(t))); err != nil {
		t.Fatal(err)
	}
	taken.Release()
	if _, err := load(dir); err != nil {
		t.Error(err)
	}
}

func TestAResultThatCannotGoWhereItShouldGoesBesideIt(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil  func(t *testing.T, dir string)
		nearby bool
		root   bool
		keeps  string
	}{
		"the directory became a file": {keeps: ".", nearby: true, spoil: func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir), os.WriteFile(dir, []byte("mine"), 0o666))
		}},
		"another run's directory is there now": {nearby: true, spoil: func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			reserve(t, dir, store.Reserving{})
		}},
		"other files are there now": {keeps: "thesis.tex", nearby: true, spoil: func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir), os.Mkdir(dir, 0o777), os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o666))
		}},
		"the directory became read-only": {nearby: true, root: true, spoil: func(t *testing.T, dir string) {
			must(t, os.Chmod(dir, 0o555))
			t.Cleanup(func() { os.Chmod(dir, 0o777) })
		}},
		"a directory has the name of the record": {nearby: true, spoil: func(t *testing.T, dir string) {
			must(t, os.Mkdir(filepath.Join(dir, "result.json"), 0o777))
		}},
		"what is above it became a file": {spoil: func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Dir(dir)), os.WriteFile(filepath.Dir(dir), nil, 0o666))
		}},
	} {
		if row.root && os.Getuid() == 0 {
			continue // nothing is read-only for root
		}
		dir := filepath.Join(t.TempDir(), "out", "steady")
		r := reserve(t, dir, store.Reserving{})
		row.spoil(t, dir)
		err := r.Write(render.Of(rendertest.Steady(t)))
		var e *store.Error
		if !errors.As(err, &e) || e.Err == nil || e.Dir == "" || e.Dir == dir || r.Dir() != e.Dir {
			t.Errorf("%s: Write returned %v, want an Error with another place", name, err)
			continue
		}
		if nearby := filepath.Dir(e.Dir) == filepath.Dir(dir); nearby != row.nearby {
			t.Errorf("%s: the result is in %q", name, e.Dir)
		} else if !nearby {
			os.RemoveAll(e.Dir)
			continue
		}
		if !strings.Contains(err.Error(), e.Dir) || !strings.Contains(e.Hint(), e.Dir) {
			t.Errorf("%s: %v (hint: %s) does not say where the result is", name, err, e.Hint())
		}
		if _, err := load(e.Dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.Release()
		if row.keeps != "" {
			if _, err := os.Stat(filepath.Join(dir, row.keeps)); err != nil {
				t.Errorf("%s: what was there is gone: %v", name, err)
			}
		}
	}
}

func TestADirectoryThatWasRemovedIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out", "steady")
	r := reserve(t, dir, store.Reserving{})
	must(t, os.RemoveAll(filepath.Dir(dir)))
	if err := r.Write(render.Of(rendertest.Steady(t))); err != nil {
		t.Fatal(err)
	}
	if _, err := load(dir); err != nil {
		t.Error(err)
	}
}

func TestWhatFitsIsKeptAndTheRestCanBeRedrawn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "steady")
	broken := io.MultiReader(strings.NewReader("0123456789"), iotest.ErrReader(errDisk))
	err := write(dir, rendertest.Lossy(t), broken, false)
	var e *store.Error
	if !errors.As(err, &e) || !errors.Is(err, errDisk) || e.Dir != dir || e.Err != nil {
		t.Fatalf("Write with a broken log returned %v, want an Error at %q", err, dir)
	}
	if !slices.Equal(e.Missing, []string{"histograms.hlog"}) || !strings.Contains(err.Error(), "histograms.hlog, after") {
		t.Errorf("missing: %q in %v, want the log", e.Missing, err)
	}
	if !strings.Contains(e.Hint(), "queuedyno report "+dir+" --redraw") {
		t.Errorf("hint: %s", e.Hint())
	}
	whole := names(t, dir)
	if slices.Contains(whole, "histograms.hlog") || !slices.Contains(whole, "timeline.svg") {
		t.Errorf("the directory holds %q", whole)
	}
	must(t, os.Remove(filepath.Join(dir, "timeline.svg")), os.Remove(filepath.Join(dir, "report.md")))
	made, err := store.Redraw(dir)
	if want := []string{"histograms.hlog", "report.md", "timeline.svg"}; err != nil || !slices.Equal(made, want) {
		t.Errorf("Redraw() = %q, %v, want %q", made, err, want)
	}
	if made, err := store.Redraw(filepath.Join(dir, "result.json")); err != nil || len(made) > 0 {
		t.Errorf("Redraw() of a whole directory = %q, %v", made, err)
	}
}

func TestForceKeepsTheOldResultUntilTheNewOneIsComplete(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "steady")
	must(t, write(dir, rendertest.Steady(t), nil, false))
	err := write(dir, rendertest.Lossy(t), iotest.ErrReader(errDisk), true)
	var e *store.Error
	if !errors.As(err, &e) || e.Dir != dir+"-2" {
		t.Fatalf("Write by force with a broken log returned %v, want the new result next to the old one", err)
	}
	if r, err := load(dir); err != nil || r.Validity.Verdict != "valid" {
		t.Errorf("the old result is gone: %v", err)
	}
	if r, err := load(e.Dir); err != nil || r.Validity.Verdict != "suspect" {
		t.Errorf("the new result is gone: %v", err)
	}
	if got := names(t, filepath.Dir(dir)); !slices.Equal(got, []string{"steady", "steady-2"}) {
		t.Errorf("there is %q", got)
	}
}

func TestLatestIsWhatEndedLast(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		ended map[string]time.Duration
		want  string
		notes int
	}{
		"by its end and not by its name": {map[string]time.Duration{"a": 2 * time.Second, "b": time.Second}, "a", 0},
		"names of one second":            {map[string]time.Duration{"x": 0, "x-2": 0, "x-10": 0}, "x-10", 2},
		"a directory named latest":       {map[string]time.Duration{"latest": 0, "b": time.Hour}, "b", 0},
	} {
		root := t.TempDir()
		for dir, after := range row.ended {
			r := rendertest.Steady(t)
			r.Run.StartedAt, r.Run.EndedAt = at, at.Add(after)
			must(t, write(filepath.Join(root, dir), r, nil, false))
		}
		got, notes, err := store.Latest(root)
		if err != nil || got.Path != filepath.Join(root, row.want) || got.What != "a run" || len(notes) != row.notes {
			t.Errorf("%s: Latest() = %+v, %q, %v, want %s and %d notes", name, got, notes, err, row.want, row.notes)
		}
	}
}

func TestLatestCountsEveryKindAndSaysWhatItIgnores(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if _, _, err := store.Latest(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Latest of an empty directory: %v, want fs.ErrNotExist", err)
	}
	r := rendertest.Steady(t)
	must(t, write(filepath.Join(root, "run"), r, nil, false))
	later := r.Run.EndedAt.Add(time.Minute).UTC().Format(time.RFC3339)
	for dir, file := range map[string]string{"search": "capacity.json", "sides": "compare.json"} {
		must(t, os.Mkdir(filepath.Join(root, dir), 0o777),
			os.WriteFile(filepath.Join(root, dir, file), []byte(`{"schema": 1, "ended_at": "`+later+`"}`), 0o666))
		later = r.Run.EndedAt.Add(2 * time.Minute).UTC().Format(time.RFC3339)
	}
	must(t, os.Mkdir(filepath.Join(root, "broken"), 0o777), os.WriteFile(filepath.Join(root, "broken", "result.json"), []byte("{"), 0o666))
	reserve(t, filepath.Join(root, "going"), store.Reserving{Owner: store.Owner{StartedAt: r.Run.EndedAt.Add(time.Hour)}})
	got, notes, err := store.Latest(root)
	all := strings.Join(notes, "\n")
	if err != nil || got.What == "a run" || !strings.Contains(all, "broken") || !strings.Contains(all, "going") {
		t.Errorf("Latest() = %+v, %q, %v", got, notes, err)
	}
	inside, _, err := store.Latest(filepath.Join(root, "run"))
	if err != nil || inside.Path != filepath.Join(root, "run") {
		t.Errorf("Latest of a result = %+v, %v, want itself", inside, err)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
