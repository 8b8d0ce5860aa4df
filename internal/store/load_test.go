package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestLoadReadsWhatJSONWrote(t *testing.T) {
	t.Parallel()
	for name, want := range rendertest.Results(t) {
		if name == "zero" {
			continue // has no schema and is refused
		}
		got, err := store.Parse[*result.Result]("x", []byte(encoded(t, "json", want)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "hostile" {
			want.Stages = got.Stages // cmp prints histograms at length
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s came back differently (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnyResultComesBackAsItWas(t *testing.T) {
	t.Parallel()
	whole := rapid.Int64()
	number := rapid.Float64Range(-1e12, 1e12)
	text := rapid.StringMatching(`[ -~µéß\n\t"\\<>&]{0,12}`)
	missing := rapid.Custom(func(t *rapid.T) result.Missing {
		codes := []string{result.TooFewJobs, result.NeverArrived, result.NotHeard, result.OtherReason}
		return result.Missing{Code: rapid.SampledFrom(codes).Draw(t, "code"), Need: whole.Draw(t, "need"), Have: whole.Draw(t, "have"), Text: text.Draw(t, "text")}
	})
	rapid.Check(t, func(t *rapid.T) {
		r := &result.Result{Schema: result.Schema}
		r.Tool.Version, r.Run.ID, r.Run.Error = text.Draw(t, "version"), text.Draw(t, "id"), text.Draw(t, "error")
		r.Run.StartedAt = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		r.Run.Seed = rapid.Uint64().Draw(t, "seed")
		r.Run.Tags = rapid.MapOf(text, text).Draw(t, "tags")
		r.Run.StopReason = rapid.SampledFrom(stopreason.Reasons()).Draw(t, "stop reason")
		r.Run.StoppedAtS, r.Run.StopText = number.Draw(t, "stopped at"), text.Draw(t, "stop text")
		r.Scenario.Load.Rate = pace.PerSecond(rapid.Int64Range(0, 1e6).Draw(t, "rate"))
		if r.Scenario.Load.Rate.Jobs == 0 {
			r.Run.StopReason = rapid.SampledFrom(stopreason.Reasons()).Draw(t, "stop reason")
			r.Run.StoppedAtS, r.Run.StopText = number.Draw(t, "stopped at"), text.Draw(t, "stop text")
			r.Scenario.Load.Rate = pace.Rate{}
		}
		r.Scenario.Thresholds = rapid.SliceOf(text).Draw(t, "thresholds")
		r.Rates.OfferedPerS = rapid.Ptr(number, true).Draw(t, "offered")
		r.Ledger.Lost = whole.Draw(t, "lost")
		r.Ledger.LostByLeg = rapid.MapOf(rapid.SampledFrom(result.Legs()), whole).Draw(t, "legs")
		r.Scalars = rapid.MapOf(text, rapid.Ptr(number, true)).Draw(t, "scalars")
		r.Stages = rapid.MapOf(rapid.SampledFrom(metric.Stages()), rapid.Custom(func(t *rapid.T) *result.StageSummary {
			return &result.StageSummary{
				Count: whole.Draw(t, "count"), MeanNS: rapid.Ptr(number, true).Draw(t, "mean"),
				P999NS: rapid.Ptr(whole, true).Draw(t, "p99.9"), Missing: rapid.MapOf(text, missing).Draw(t, "missing"),
			}
		})).Draw(t, "stages")
		r.Timeline = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) result.Second {
			return result.Second{
				ElapsedS: number.Draw(t, "elapsed"), QueueLen: rapid.Ptr(whole, true).Draw(t, "len"),
				Stages: rapid.MapOf(rapid.SampledFrom(metric.Stages()), rapid.Custom(func(t *rapid.T) *result.SecondStage {
					return &result.SecondStage{Count: whole.Draw(t, "count"), P50NS: rapid.Ptr(whole, true).Draw(t, "p50")}
				})).Draw(t, "stages"),
			}
		}), 0, 4).Draw(t, "timeline")
		r.Thresholds = rapid.SliceOf(rapid.Custom(func(t *rapid.T) result.Threshold {
			return result.Threshold{Expr: text.Draw(t, "expr"), Value: rapid.Ptr(number, true).Draw(t, "value")}
		})).Draw(t, "outcomes")
		r.Warnings = rapid.SliceOf(text).Draw(t, "warnings")
		var b strings.Builder
		if err := render.Of(r).Encode(&b, "json", render.Options{}); err != nil {
			t.Fatal(err)
		}
		got, err := store.Parse[*result.Result]("x", []byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("came back differently (-want +got):\n%s", diff)
		}
	})
}

func TestLoadTakesTheDirectoryOrTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := rendertest.Steady(t)
	file := filepath.Join(dir, "result.json")
	if err := os.WriteFile(file, []byte(encoded(t, "json", want)), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file} {
		got, err := load(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Load(%q) differs (-want +got):\n%s", path, diff)
		}
	}
}

func TestLoadSaysWhereAndTheRemedy(t *testing.T) {
	t.Parallel()
	good := encoded(t, "json", rendertest.Steady(t))
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"not JSON", "{\n  \"schema\": 1,\n  oops\n}", []string{"result.json:3:3", "not JSON"}},
		{"empty", "", []string{"result.json", "unexpected end"}},
		{"wrong type", strings.Replace(good, `"seed": 42`, `"seed": "x"`, 1), []string{"result.json:", "run.seed", "run the scenario again"}},
		{"bad rate", strings.Replace(good, `"rate": "1000/s"`, `"rate": "fast"`, 1), []string{"result.json", `"fast"`}},
		{"no schema", `{"hello": 1}`, []string{"result.json", "not a result of queuedyno"}},
		{"newer schema", `{"schema": 999, "run": 7}`, []string{"result.json", "schema 999 is newer", "use a newer queuedyno"}},
		{"no measurement", `{"schema": 1, "stages": null, "ledger": null, "validity": {"verdict": "valid"}}`, []string{"result.json", "holds no measurement", `"stages" is missing`, "run the scenario again"}},
		{"no ledger", `{"schema": 1, "stages": {}}`, []string{"holds no measurement", `"ledger" is missing`}},
		{"the record of a search", `{"schema": 1, "kind": "capacity"}`, []string{"result.json", "holds a search for the capacity, not a run"}},
		{"broken histogram", strings.Replace(good, `"hdr": "HIST`, `"hdr": "hist`, 1), []string{"result.json", "stages.", ".hdr"}},
		{"cut short", good[:len(good)/2], []string{"result.json:", "unexpected end"}},
		{"two of them", good + good, []string{"result.json:", "after top-level value"}},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "result.json"), []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := load(dir)
		if err == nil {
			t.Errorf("%s: Load returned no error", c.name)
			continue
		}
		for _, want := range append(c.want, dir) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Load returned %q, want it to hold %q", c.name, err, want)
			}
		}
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "nothing"), t.TempDir()} {
		if _, err := load(path); err == nil || !strings.Contains(err.Error(), "give a result directory") || !strings.Contains(err.Error(), path) {
			t.Errorf("Load(%q) returned %v, want the remedy", path, err)
		}
	}
}

// The error about an existing directory says what it holds, not that it is missing.
func TestADirectoryWithoutAResultIsSaidToHoldWhatItHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"search":     {"capacity.json", "it holds a search for the capacity, not a run; give"},
		"comparison": {"compare.json", "it holds a comparison, not a run; give"},
		"results":    {"one/result.json", "it is a directory without a result.json, and holds 1 result; name one of them, such as "},
		"other":      {"notes.txt", "it is a directory without a result.json; give"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, c.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("{}"), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := load(dir)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "no such file") {
			t.Errorf("%s: Load returned %v, want it to say %q", name, err, c.want)
		}
	}
}

// What can be read can be reported: no encoder panics on it, and it can be
// written and read again.
func FuzzLoad(f *testing.F) {
	small := rendertest.Failed(f)
	small.Stages[metric.EndToEnd] = rendertest.Summarise(3, 5, rendertest.Tail(1000))
	// Not the others: their histograms slow the fuzzer down a thousandfold.
	for _, r := range []*result.Result{small, rendertest.Empty()} {
		f.Add([]byte(encoded(f, "json", r)))
	}
	f.Add([]byte(`{"schema":1,"ledger":{},"stages":{"end_to_end":null},"timeline":[{"elapsed_s":-1e300,"stages":{"end_to_end":null}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := store.Parse[*result.Result]("fuzz", data)
		if err != nil {
			return
		}
		renderAll(t, render.Of(r))
		again, err := store.Parse[*result.Result]("fuzz", []byte(encoded(t, "json", r)))
		if err != nil {
			t.Fatalf("what JSON wrote is refused: %v", err)
		}
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("came back differently (-want +got):\n%s", diff)
		}
	})
}
