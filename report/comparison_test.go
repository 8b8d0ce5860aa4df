package report_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/report"
	"github.com/queuedyno/queuedyno/result"
)

// told is the report of a comparison.
func told(t testing.TB, encode report.ComparisonEncoder, r *compare.Record) string {
	t.Helper()
	var b strings.Builder
	if err := encode(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestComparisonGolden(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct {
		record *compare.Record
		encode report.ComparisonEncoder
	}{
		"compare-fail.txt": {compared(1.3), report.ComparisonText},
		"compare-fail.md":  {compared(1.3), report.ComparisonMarkdown},
		"compare-open.txt": {compared(1), report.ComparisonText},
		"compare-open.xml": {compared(1), report.ComparisonJUnit},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", file)
			got := told(t, c.encode, c.record)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs (-golden +got); if it is meant to, run with -update:\n%s", path, diff)
			}
		})
	}
}

func TestAComparisonIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "c")
	want := compared(1.3)
	results := map[string]*result.Result{"runs/001-base.json": steady(t)}
	if err := report.WriteComparison(dir, want, results, false); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteComparison(dir, want, nil, false); err == nil {
		t.Error("an existing directory was replaced without force")
	}
	got, err := report.LoadComparison(dir)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := told(t, report.ComparisonJSON, want), told(t, report.ComparisonJSON, got); a != b {
		t.Errorf("(-written +read):\n%s", cmp.Diff(a, b))
	}
	if strings.Contains(told(t, report.ComparisonJSON, &compare.Record{}), ": null") {
		t.Error("a list or an object is null")
	}
	if _, err := report.Load(filepath.Join(dir, "runs", "001-base.json")); err != nil {
		t.Errorf("the run beside the record: %v", err)
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
		if _, err := report.LoadComparison(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "calibration.json")
	if err := os.WriteFile(file, []byte(`{"schema":1,"kind":"calibration","metrics":{"end_to_end.p50":{"margin":-1}}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := report.LoadCalibration(file); err == nil || !strings.Contains(err.Error(), "makes no sense") {
		t.Errorf("a margin below zero: %v", err)
	}
}

func TestHostileNamesStayInsideTheirTables(t *testing.T) {
	t.Parallel()
	r := compared(1.3)
	r.Candidate.Settings["work"] = "a|b\n## heading <script>"
	r.Reasons = append(r.Reasons, "x\n- y | <b>")
	r.Figures = append(r.Figures, paired.Figure{Metric: paired.Metric{Name: "Pop|`x` ns/op", Margin: 0.1, Gate: true}, Pairs: 1, Base: 1, Candidate: 1, Verdict: paired.Inconclusive})
	md := told(t, report.ComparisonMarkdown, r)
	for _, bad := range []string{"\n## heading", "<script>", "<b>", "\n- y"} {
		if strings.Contains(md, bad) {
			t.Errorf("the Markdown holds %q:\n%s", bad, md)
		}
	}
}

func FuzzLoadComparison(f *testing.F) {
	var b strings.Builder
	if err := report.ComparisonJSON(&b, compared(1.3)); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(b.String()))
	f.Add([]byte(`{"schema":1,"kind":"compare"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "compare.json")
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := report.LoadComparison(file)
		if err != nil {
			return
		}
		for _, name := range report.ComparisonFormats() {
			encode, err := report.ComparisonByName(name)
			if err != nil {
				t.Fatal(err)
			}
			text := told(t, encode, r)
			if name == "json" && !json.Valid([]byte(text)) {
				t.Fatalf("%s is not valid", name)
			}
		}
	})
}

// What a comparison of stored results says of how they came about is true of them.
func TestAComparisonOfStoredResultsClaimsNothingOfTheirRuns(t *testing.T) {
	t.Parallel()
	r := compared(1)
	r.Stored, r.Seed, r.Looks = true, 0, []int{8}
	got := told(t, report.ComparisonMarkdown, r)
	for _, untrue := range []string{"by turns in pairs", "is drawn", "same arrivals", "seed", "planned looks", "0 % | n/a", "End_to_end", "| took"} {
		if strings.Contains(got, untrue) {
			t.Errorf("%q is in\n%s", untrue, got)
		}
	}
	for _, want := range []string{"were made before and are paired in the order of their time", "one look", "- end_to_end.p90 would be decided by"} {
		if !strings.Contains(strings.ReplaceAll(got, "\\", ""), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestAServerThatWasThereIsNotSaidToBeFresh(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*compare.Record)
		want   string
	}{
		"both":     {func(r *compare.Record) { r.Base.Redis.Kind, r.Candidate.Redis.Kind = "url", "url" }, "on servers that were there already"},
		"one":      {func(r *compare.Record) { r.Base.Redis.Kind = "url" }, "the server of one side was there already"},
		"commands": {func(r *compare.Record) { r.Base.Settings = map[string]string{"cmd": "a"} }, "with the same seed within a pair and a fresh process for each run."},
	} {
		r := compared(1)
		c.change(r)
		got := told(t, report.ComparisonMarkdown, r)
		if !strings.Contains(got, c.want) || strings.Contains(got, "fresh server and process") {
			t.Errorf("%s: no %q, or a fresh server, in\n%s", name, c.want, got)
		}
	}
}
