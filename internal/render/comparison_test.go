package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
)

// encoded is the report of a comparison.
func encoded(t testing.TB, encode render.ComparisonEncoder, r *compare.Record) string {
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
		encode render.ComparisonEncoder
	}{
		"compare-fail.txt": {rendertest.Compared(1.3), render.ComparisonText},
		"compare-fail.md":  {rendertest.Compared(1.3), render.ComparisonMarkdown},
		"compare-open.txt": {rendertest.Compared(1), render.ComparisonText},
		"compare-open.xml": {rendertest.Compared(1), render.ComparisonJUnit},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", file)
			got := encoded(t, c.encode, c.record)
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

func TestHostileNamesStayInsideTheirTables(t *testing.T) {
	t.Parallel()
	r := rendertest.Compared(1.3)
	r.Candidate.Settings["work"] = "a|b\n## heading <script>"
	r.Reasons = append(r.Reasons, "x\n- y | <b>")
	r.Figures = append(r.Figures, paired.Figure{Metric: paired.Metric{Name: "Pop|`x` ns/op", Margin: 0.1, Gate: true}, Pairs: 1, Base: 1, Candidate: 1, Verdict: paired.Inconclusive})
	md := encoded(t, render.ComparisonMarkdown, r)
	for _, bad := range []string{"\n## heading", "<script>", "<b>", "\n- y"} {
		if strings.Contains(md, bad) {
			t.Errorf("the Markdown holds %q:\n%s", bad, md)
		}
	}
}

// What a comparison of stored results says of how they came about is true of them.
func TestAComparisonOfStoredResultsClaimsNothingOfTheirRuns(t *testing.T) {
	t.Parallel()
	r := rendertest.Compared(1)
	r.Stored, r.Seed, r.Looks = true, 0, []int{8}
	got := encoded(t, render.ComparisonMarkdown, r)
	for _, untrue := range []string{"alternately in pairs", "random order", "same arrivals", "seed", "planned interim looks", "0% | n/a", "End_to_end", "| took"} {
		if strings.Contains(got, untrue) {
			t.Errorf("%q is in\n%s", untrue, got)
		}
	}
	for _, want := range []string{"are stored results, paired by time", "one look", "- end_to_end.p90 would be decided by"} {
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
		"both":     {func(r *compare.Record) { r.Base.Redis.Kind, r.Candidate.Redis.Kind = "url", "url" }, "on existing servers"},
		"one":      {func(r *compare.Record) { r.Base.Redis.Kind = "url" }, "one side used an existing server"},
		"commands": {func(r *compare.Record) { r.Base.Settings = map[string]string{"cmd": "a"} }, "with the same seed within a pair and a fresh process for each run."},
	} {
		r := rendertest.Compared(1)
		c.change(r)
		got := encoded(t, render.ComparisonMarkdown, r)
		if !strings.Contains(got, c.want) || strings.Contains(got, "fresh server and process") {
			t.Errorf("%s: no %q, or a fresh server, in\n%s", name, c.want, got)
		}
	}
}
