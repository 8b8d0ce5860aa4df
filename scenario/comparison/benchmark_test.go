package comparison_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/scenario/comparison"
)

const printed = `goos: linux
Unit p50-ns better=lower
Unit hits better=higher
BenchmarkPop/batch=1-2   	   10000	 120 ns/op	   5000 jobs/s	 3 lost
BenchmarkPop/batch=1-2   	   10000	 100 ns/op	   7000 jobs/s	 0 lost
BenchmarkPop/batch=1-2   	   10000	 110 ns/op	   6000 jobs/s	 0 lost
BenchmarkOther 1 12.5 p50-ns 0 B/op 4 hits
Benchmark of something else
--- BENCH: BenchmarkPop
PASS
`

func TestReadBenchmarksTakesTheMedianOfEachFigure(t *testing.T) {
	t.Parallel()
	p, err := comparison.ReadBenchmarks(strings.NewReader(printed))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"Pop/batch=1 ns/op": 110, "Pop/batch=1 jobs/s": 6000, "Other p50-ns": 12.5, "Other hits": 4, "Other B/op": 0}
	if diff := cmp.Diff(want, p.Figures); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if p.Lost != 3 {
		t.Errorf("%d lost, want 3", p.Lost)
	}
	for name, want := range map[string]bool{"Pop/batch=1 ns/op": false, "Pop/batch=1 jobs/s": true, "Other p50-ns": false, "Other hits": true} {
		if p.Higher(name) != want {
			t.Errorf("Higher(%q) = %t, want %t", name, !want, want)
		}
	}
}

func FuzzReadBenchmarks(f *testing.F) {
	f.Add(printed)
	f.Add("BenchmarkX 1 NaN ns/op\nBenchmarkX-2 1 +Inf a 2 b\nUnit x better=higher")
	f.Fuzz(func(t *testing.T, s string) {
		p, _ := comparison.ReadBenchmarks(strings.NewReader(s))
		for name, v := range p.Figures {
			if !(v >= 0) || name == "" {
				t.Fatalf("figure %q = %v of %q", name, v, s)
			}
		}
	})
}
