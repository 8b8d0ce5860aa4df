package compare_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
)

// find is what is found in the first pair of commands that print these.
func find(t *testing.T, base, candidate string, asked ...paired.Metric) (*compare.Record, []paired.Metric, error) {
	t.Helper()
	r := &compare.Record{}
	metrics, err := r.FindBenchmarks(asked, &compare.Run{}, &compare.Run{}, read(t, base), read(t, candidate))
	return r, metrics, err
}

func gating(metrics []paired.Metric) (names []string) {
	for _, m := range metrics {
		if m.Gate {
			names = append(names, m.Name)
		}
	}
	return names
}

func TestABenchmarkThatTheCandidateLacksIsMissing(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		base, candidate string
		asked           []paired.Metric
		missing, gates  []string
		warning         string
	}{
		"it is gone": {
			base: "BenchmarkX-2 1 30 ns/op\nBenchmarkY-2 1 40 ns/op\n", candidate: "BenchmarkX-2 1 30 ns/op\n",
			missing: []string{"Y ns/op"}, gates: []string{"X ns/op"}, warning: "only the baseline has Y",
		},
		"it is new": {
			base: "BenchmarkX-2 1 30 ns/op\n", candidate: "BenchmarkX-2 1 30 ns/op\nBenchmarkY-2 1 40 ns/op\n",
			gates: []string{"X ns/op"}, warning: "only the candidate has Y",
		},
		"its allocations are gone": {
			base: "BenchmarkX-2 1 30 ns/op 5 B/op\n", candidate: "BenchmarkX-2 1 30 ns/op\n",
			missing: []string{"X B/op"}, gates: []string{"X ns/op"}, warning: "only the baseline has X B/op",
		},
		"it is in one of two packages": {
			base: "pkg: a\nBenchmarkX-2 1 30 ns/op\npkg: b\nBenchmarkX-2 1 40 ns/op\n", candidate: "pkg: a\nBenchmarkX-2 1 30 ns/op\n",
			missing: []string{"b X ns/op"}, gates: []string{"a X ns/op"}, warning: "only the baseline has b X",
		},
		"it was not asked for": {
			base: "BenchmarkX-2 1 30 ns/op\nBenchmarkY-2 1 40 ns/op\n", candidate: "BenchmarkX-2 1 30 ns/op\n",
			asked: []paired.Metric{{Name: "BenchmarkX-2 ns/op", Margin: 0.2}}, gates: []string{"X ns/op"}, warning: "only the baseline has Y",
		},
	} {
		r, metrics, err := find(t, row.base, row.candidate, row.asked...)
		if err != nil || !slices.Equal(r.Missing, row.missing) || !slices.Equal(gating(metrics), row.gates) {
			t.Errorf("%s: missing %q, gates %q, %v; want %q, %q", name, r.Missing, gating(metrics), err, row.missing, row.gates)
		}
		if !slices.Contains(r.Warnings, row.warning) {
			t.Errorf("%s: warnings %q, want %q", name, r.Warnings, row.warning)
		}
	}
}

func TestSidesThatShareNothingSayWhy(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ base, candidate, want string }{
		"suffixes":   {"BenchmarkX-2 1 30 ns/op\n", "BenchmarkX-4 1 30 ns/op\n", "the GOMAXPROCS suffixes differ"},
		"packages":   {"pkg: a\nBenchmarkX-2 1 30 ns/op\n", "pkg: b\nBenchmarkX-2 1 30 ns/op\n", "the packages differ"},
		"benchmarks": {"BenchmarkX-2 1 30 ns/op\n", "BenchmarkY-2 1 30 ns/op\n", "only the baseline has X; only the candidate has Y"},
	} {
		if _, _, err := find(t, row.base, row.candidate); !errors.Is(err, compare.ErrNothingShared) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

func TestWhatOneSideLacksIsNoMetricToAskFor(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{"Y ns/op": "only the candidate printed", "Z ns/op": "the commands printed no"} {
		_, _, err := find(t, "BenchmarkX-2 1 30 ns/op\n", "BenchmarkX-2 1 30 ns/op\nBenchmarkY-2 1 40 ns/op\n", paired.Metric{Name: asked})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", asked, err, want)
		}
	}
}

func TestAMissingBenchmarkNeverPasses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ratio float64
		want  paired.Verdict
	}{{1, paired.Inconclusive}, {1.5, paired.Fail}} {
		b := &bench{ratio: row.ratio}
		r := &compare.Record{Seed: 1, MostPairs: 20, Missing: []string{"Y ns/op"}}
		synctest.Test(t, func(t *testing.T) {
			if err := compare.Compare(t.Context(), r, b.options()); err != nil {
				t.Error(err)
			}
		})
		if r.Verdict != row.want || r.Pairs != 8 || !strings.Contains(strings.Join(r.Reasons, "; "), "the candidate lacks Y ns/op") {
			t.Errorf("ratio %g: %s after %d pairs, %q", row.ratio, r.Verdict, r.Pairs, r.Reasons)
		}
	}
}
