package compare_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestParseMetricReadsANameAndAMargin(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]paired.Metric{
		"end_to_end.p50:10%":     {Name: "end_to_end.p50", Margin: 0.1, Gate: true},
		"queue.p90 : 2.5" + " %": {Name: "queue.p90", Margin: 0.025, Gate: true},
		"achieved_rate":          {Name: "achieved_rate", Gate: true},
		"Pop/a:b ns/op:5%":       {Name: "Pop/a:b ns/op", Margin: 0.05, Gate: true},
		"Pop/a:b ns/op":          {Name: "Pop/a:b ns/op", Gate: true},
	} {
		if got, err := compare.ParseMetric(s); err != nil || got != want {
			t.Errorf("ParseMetric(%q) = %+v, %v, want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"", ":10%", "a:10", "a:0%", "a:-1%", "a:x%", "a:1e9%"} {
		if got, err := compare.ParseMetric(s); err == nil {
			t.Errorf("ParseMetric(%q) = %+v, want an error", s, got)
		}
	}
}

func FuzzParseMetric(f *testing.F) {
	for _, s := range []string{"a:10%", "a", "a:b ns/op:5%", ":%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := compare.ParseMetric(s)
		if err == nil && (m.Name == "" || m.Margin < 0 || m.Margin > 10) {
			t.Fatalf("ParseMetric(%q) = %+v", s, m)
		}
	})
}

func TestTheDefaultsAreMetricsWithMargins(t *testing.T) {
	t.Parallel()
	for name, defaults := range map[string][]paired.Metric{"runs": compare.Defaults(), "workers": compare.WorkerDefaults()} {
		metrics, faults := compare.Resolve(nil, defaults, nil)
		if len(faults) > 0 {
			t.Error(name, faults)
		}
		gates := 0
		for _, m := range metrics {
			if !slices.Contains(compare.Names(), m.Name) || m.Margin <= 0 {
				t.Errorf("%s: %+v", name, m)
			}
			if m.Gate {
				gates++
			}
			if m.HigherBetter != (m.Name == "achieved_rate") {
				t.Errorf("%s: %s: higher better %t", name, m.Name, m.HigherBetter)
			}
		}
		// One more would take more pairs than there are at the first look.
		if least := compare.LeastPairs(metrics); gates < 5 || least > 8 {
			t.Errorf("%s: %d metrics gate, and it takes %d pairs", name, gates, least)
		}
	}
}

func TestMarginsComeFromWhoGaveThem(t *testing.T) {
	t.Parallel()
	c := &compare.Calibration{Metrics: map[string]compare.Noise{"end_to_end.p50": {Margin: 0.3}, "queue.p99": {Margin: 0.8}}}
	asked := []paired.Metric{{Name: "end_to_end.p50", Gate: true}, {Name: "queue.p99", Gate: true}, {Name: "end_to_end.p90", Margin: 0.07, Gate: true}, {Name: "achieved_rate", Gate: true}}
	metrics, faults := compare.Resolve(asked, compare.Defaults(), c)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for i, want := range []float64{0.3, 0.8, 0.07, 0.02} {
		if metrics[i].Margin != want || !metrics[i].Gate {
			t.Errorf("%+v, want a margin of %v", metrics[i], want)
		}
	}
	for _, m := range metrics[len(asked):] {
		if m.Gate {
			t.Errorf("%s gates, and others were asked for", m.Name)
		}
	}
	_, faults = compare.Resolve([]paired.Metric{{Name: "lsot"}, {Name: "queue.p99"}, {Name: "lost", Margin: 0.1}, {Name: "queue.p50", Margin: 1}, {Name: "queue.p50", Margin: 1}}, compare.Defaults(), nil)
	for i, want := range []string{"did you mean", "has no default margin", "as a ratio", "named twice"} {
		if !strings.Contains(strings.Join(faults, "\n"), want) {
			t.Errorf("fault %d: want one with %q, have %q", i, want, faults)
		}
	}
}

func TestWhatCommandsPrintIsFound(t *testing.T) {
	t.Parallel()
	figures := map[string]float64{"Pop ns/op": 5, "Pop jobs/s": 7}
	higher := func(name string) bool { return strings.HasSuffix(name, "/s") }
	metrics, _, faults := compare.Found(nil, figures, figures, higher)
	if len(metrics) != 2 || len(faults) > 0 || !metrics[0].Gate || !metrics[0].HigherBetter || metrics[1].HigherBetter {
		t.Errorf("Found = %+v, %v", metrics, faults)
	}
	latencies := map[string]float64{"Pop p50-ns": 1, "Pop p99.9-ns": 2}
	metrics, _, _ = compare.Found(nil, latencies, latencies, higher)
	if !metrics[0].Gate || metrics[1].Gate {
		t.Errorf("the tail gates unasked: %+v", metrics)
	}
	hits := map[string]float64{"Pop hits": 1}
	if metrics, _, _ = compare.Found(nil, hits, hits, higher); !metrics[0].Gate {
		t.Errorf("nothing gates: %+v", metrics)
	}
	metrics, _, faults = compare.Found([]paired.Metric{{Name: "ns/op", Margin: 0.03}, {Name: "B/op"}}, figures, figures, higher)
	if metrics[0].Gate || !metrics[1].Gate || metrics[1].Margin != 0.03 || len(faults) != 1 {
		t.Errorf("Found = %+v, %v", metrics, faults)
	}
}

func TestLeastPairsAreEnoughToFail(t *testing.T) {
	t.Parallel()
	for gates, want := range map[int]int{1: 5, 4: 7, 7: 8} {
		var metrics []paired.Metric
		for range gates {
			metrics = append(metrics, paired.Metric{Gate: true})
		}
		if got := compare.LeastPairs(metrics); got != want {
			t.Errorf("LeastPairs of %d = %d, want %d", gates, got, want)
		}
	}
}

func TestWhatIsComparedIsWhatTheRunsMeasure(t *testing.T) {
	t.Parallel()
	names := func(s scenario.Scenario, redis bool) (gates, shown []string) {
		for _, m := range compare.Measurable(compare.Defaults(), s.WithDefaults().Measured(), redis) {
			if m.Gate {
				gates = append(gates, m.Name)
			} else {
				shown = append(shown, m.Name)
			}
		}
		return gates, shown
	}
	gates, shown := names(scenario.Scenario{}, true)
	if !slices.Contains(gates, "redis_cpu_per_job") || !slices.Equal(shown, []string{"end_to_end.p99", "queue.p50", "enqueue.p50", "notify.p50"}) {
		t.Errorf("a push: %v gate, %v are shown", gates, shown)
	}
	_, shown = names(scenario.Scenario{Entry: scenario.Entry{Kind: scenario.EntryPostgres}}, true)
	if !slices.Equal(shown, []string{"end_to_end.p99", "queue.p50", "enqueue.p50", "notify.p50", "store.p50", "save.p50"}) {
		t.Errorf("stored jobs: %v are shown", shown)
	}
	gates, shown = names(scenario.Scenario{External: true, Entry: scenario.Entry{Kind: scenario.EntryHTTP}, Exit: scenario.Exit{WebSocket: scenario.WebSocketExit{URL: "ws://h/"}}}, false)
	if !slices.Equal(gates, []string{"end_to_end.p50", "end_to_end.p90", "achieved_rate"}) || !slices.Equal(shown, []string{"cpu_per_job", "end_to_end.p99", "request.p50", "broadcast.p50"}) {
		t.Errorf("a black box: %v gate, %v are shown", gates, shown)
	}
}
