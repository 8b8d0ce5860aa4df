package store_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

func TestAComparisonIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "c")
	want := rendertest.Compared(1.3)
	results := map[string]*result.Result{"runs/001-base.json": rendertest.Steady(t)}
	if err := store.Write(dir, render.Of(want), false, render.Runs(results)...); err != nil {
		t.Fatal(err)
	}
	if err := store.Write(dir, render.Of(want), false); err == nil {
		t.Error("an existing directory was replaced without force")
	}
	got, err := store.LoadAs[*compare.Record](dir)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := encoded(t, "json", want), encoded(t, "json", got); a != b {
		t.Errorf("(-written +read):\n%s", cmp.Diff(a, b))
	}
	if strings.Contains(encoded(t, "json", &compare.Record{}), ": null") {
		t.Error("a list or an object is null")
	}
	if _, err := load(filepath.Join(dir, "runs", "001-base.json")); err != nil {
		t.Errorf("the run next to the record: %v", err)
	}
	for _, file := range []string{"compare.md", "junit.xml", "base.txt", "candidate.txt"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
}

func TestRecordsOfAnotherKindAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a capacity": `{"schema":1,"kind":"capacity"}`, "newer": `{"schema":99,"kind":"compare"}`, "no JSON": `{`, "empty": ``, "wrong": `{"schema":1,"kind":"compare","pairs":"x"}`,
	} {
		file := filepath.Join(t.TempDir(), "compare.json")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := store.LoadAs[*compare.Record](file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "calibration.json")
	if err := os.WriteFile(file, []byte(`{"schema":1,"kind":"calibration","metrics":{"end_to_end.p50":{"margin":-1}}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := store.LoadAs[*compare.Calibration](file); err == nil || !strings.Contains(err.Error(), "is impossible") {
		t.Errorf("a margin below zero: %v", err)
	}
}

func FuzzLoadComparison(f *testing.F) {
	f.Add([]byte(encoded(f, "json", rendertest.Compared(1.3))))
	f.Add([]byte(`{"schema":1,"kind":"compare"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := store.Parse[*compare.Record]("fuzz", data)
		if err != nil {
			return
		}
		for _, name := range render.Comparison.Formats() {
			text := encoded(t, name, r)
			if name == "json" && !json.Valid([]byte(text)) {
				t.Fatalf("%s is not valid", name)
			}
		}
	})
}
