package store_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
)

func TestASearchIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	r := rendertest.Searched(t)
	dir := filepath.Join(t.TempDir(), "new", "search")
	if err := store.Write(dir, render.Of(r), false); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "capacity.json")} {
		got, err := store.LoadAs[*study.Record](path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" { // a list that is nil is read back as an empty one
			t.Errorf("%s (-written +read):\n%s", path, diff)
		}
		if store.KindOf(path) != render.Search {
			t.Errorf("%s is not taken for a search", path)
		}
	}
	if err := store.Write(dir, render.Of(r), false); err == nil {
		t.Error("a directory that exists was replaced without force")
	}
	if err := store.Write(dir, render.Of(r), true); err != nil {
		t.Errorf("replace an earlier state of a search: %v", err)
	}
	others, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if err != nil || len(others) > 0 {
		t.Errorf("left behind: %q, %v", others, err)
	}
}

func TestForceDoesNotReplaceADirectoryThatIsNoSearch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{store.Check(dir, store.Reserving{Owner: store.Owner{Verb: "capacity"}, Force: true}), store.Write(dir, render.Of(rendertest.Searched(t)), true)} {
		if err == nil {
			t.Error("a directory with somebody's files was replaced")
		}
	}
}

func FuzzAStoredSearchIsRefusedOrReported(f *testing.F) {
	f.Add([]byte(`{"schema":1,"kind":"capacity","trials":[{"n":1,"kind":"search","rate_per_s":5,"length_ns":1,"took_ns":1,"verdict":"good"}]}`))
	f.Add([]byte(`{"schema":1,"kind":"capacity","trials":[{"rate_per_s":1e308,"length_ns":1}],"points":[{"rate_per_s":-1}],"answer":{"rate_per_s":-5,"status":"confirmed"}}`))
	f.Add([]byte(`{"schema":1,"kind":"capacity","vary":[{"field":"consumers","values":[1,2]}],"cells":[{"values":[1],"answer":{"median_per_s":5,"low_per_s":4,"high_per_s":6,"rate_per_s":5}}],"scaling":{"lambda_per_s":5,"sizes":[{"n":1,"capacity_per_s":5}]}}`))
	f.Add([]byte(`{"schema":1,"kind":"capacity","vary":[{"field":"batch","values":[1]},{"field":"payload","values":[0]}],"cells":[{"values":[1,0],"answer":{"rate_per_s":5,"median_per_s":5}}]}`))
	f.Add([]byte(`{"schema":2,"kind":"capacity"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := store.Parse[*study.Record]("f", data)
		if err != nil {
			return
		}
		for _, name := range render.Search.Formats() {
			encoded(t, name, r)
		}
		for _, file := range render.Of(r).Files() {
			if err := file.Encode(io.Discard); err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
		}
	})
}

func TestVariedSearchesAreReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*study.Record{
		"one": rendertest.Scaled(t, rendertest.Consumers(1, 2, 3, 4, 5, 6, 7)), "two": rendertest.Scaled(t, rendertest.Consumers(1, 2), rendertest.Batches(1, 10)), "no law": rendertest.Scaled(t, rendertest.Batches(1, 10)),
	} {
		dir := filepath.Join(t.TempDir(), name)
		if err := store.Write(dir, render.Of(r), false); err != nil {
			t.Fatal(err)
		}
		got, err := store.LoadAs[*study.Record](dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" { // a list that is nil is read back as an empty one
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.svg"))
		if err != nil || len(files) != 1 || filepath.Base(files[0]) != "scaling.svg" {
			t.Errorf("%s: pictures %q, %v; want scaling.svg alone", name, files, err)
		}
	}
}

func TestARecordWhoseValuesDoNotFitIsRefused(t *testing.T) {
	t.Parallel()
	for want, alter := range map[string]func(*study.Record){
		"a value that was varied": func(r *study.Record) { r.Cells[0].Values = []int{9} },
		"what was varied":         func(r *study.Record) { r.Vary[0].Field = "colour" },
		"the law of scaling":      func(r *study.Record) { r.Scaling.Sigma = -1 },
		"trial 1":                 func(r *study.Record) { r.Cells[0].Trials[0].Length = 0 },
	} {
		r := rendertest.Scaled(t, rendertest.Consumers(1, 2))
		alter(r)
		if _, err := store.Parse[*study.Record]("f", []byte(encoded(t, "json", r))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q named", err, want)
		}
	}
}
