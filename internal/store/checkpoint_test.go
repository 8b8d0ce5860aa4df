package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// soFar is a run as its checkpoint has it.
func soFar(t testing.TB) *result.Result {
	r := rendertest.Interrupted(t)
	r.Run.StopReason = stopreason.Checkpoint
	return r
}

func reasonOf(t *testing.T, path string) string {
	t.Helper()
	r, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	return r.Run.StopReason
}

// What a run leaves that ends without a word, as after kill -9, is its last checkpoint: a
// result, and nothing besides.
func TestACheckpointIsAResultUntilTheLastOneReplacesIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "r")
	r := reserve(t, dir, store.Reserving{Owner: store.Owner{Verb: "run"}})
	for range 2 {
		if err := r.Checkpoint(render.Of(soFar(t))); err != nil {
			t.Fatal(err)
		}
		if got := reasonOf(t, dir); got != stopreason.Checkpoint {
			t.Errorf("stop reason %q, want that of a checkpoint", got)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 { // the record, and the name of the owner
		t.Errorf("%v in the directory (%v), want the record and the marker", entries, err)
	}
	final := rendertest.Steady(t)
	if err := r.Write(render.Of(final)); err != nil {
		t.Fatal(err)
	}
	r.Release()
	if got := reasonOf(t, dir); got != final.Run.StopReason {
		t.Errorf("stop reason %q, want that of the result", got)
	}
}

func TestACheckpointOutlivesARunWithoutAResult(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "r")
	r := reserve(t, dir, store.Reserving{Owner: store.Owner{Verb: "run"}})
	if err := r.Checkpoint(render.Of(soFar(t))); err != nil {
		t.Fatal(err)
	}
	r.Release()
	if got := reasonOf(t, dir); got != stopreason.Checkpoint {
		t.Errorf("stop reason %q, want that of a checkpoint", got)
	}
	if err := check(dir, false); err == nil {
		t.Error("a checkpoint is replaced without force")
	}
	again := reserve(t, dir, store.Reserving{Owner: store.Owner{Verb: "run"}, Force: true})
	defer again.Release()
	if err := again.Write(render.Of(rendertest.Steady(t))); err != nil {
		t.Fatal(err)
	}
}

// An older result stays until the new one is complete, and the checkpoint is next to it.
func TestACheckpointLeavesAnOlderResultAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "r")
	old := rendertest.Steady(t)
	if err := write(dir, old, nil, false); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, store.CheckpointFile)
	for _, complete := range []bool{false, true} {
		r := reserve(t, dir, store.Reserving{Owner: store.Owner{Verb: "run"}, Force: true})
		if err := r.Checkpoint(render.Of(soFar(t))); err != nil {
			t.Fatal(err)
		}
		if got := reasonOf(t, dir); got != old.Run.StopReason {
			t.Errorf("the older result has the stop reason %q", got)
		}
		if got := reasonOf(t, file); got != stopreason.Checkpoint {
			t.Errorf("%s has the stop reason %q", store.CheckpointFile, got)
		}
		if complete {
			if err := r.Write(render.Of(rendertest.Lossy(t))); err != nil {
				t.Fatal(err)
			}
		}
		r.Release()
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("complete %t: %s is still there (%v)", complete, store.CheckpointFile, err)
		}
		if _, err := load(dir); err != nil {
			t.Error(err)
		}
	}
}

// A checkpoint of an hour with every stage takes a moment of one CPU in a goroutine of its
// own, once a minute.
func BenchmarkCheckpoint(b *testing.B) {
	r := soFar(b)
	row := r.Timeline[1]
	r.Timeline = nil
	for range 3600 {
		r.Timeline = append(r.Timeline, row)
	}
	reserved, err := store.Reserve(filepath.Join(b.TempDir(), "r"), store.Reserving{Owner: store.Owner{Verb: "run", Name: "steady"}})
	if err != nil {
		b.Fatal(err)
	}
	defer reserved.Release()
	for b.Loop() {
		if err := reserved.Checkpoint(render.Of(r)); err != nil {
			b.Fatal(err)
		}
	}
}
