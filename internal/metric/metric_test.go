package metric_test

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
)

func TestEachMetricIsFoundByItsNameAndNoTwoShareAPlace(t *testing.T) {
	t.Parallel()
	names, units, places := map[string]bool{}, map[string]bool{}, map[int]string{}
	for _, m := range metric.Metrics() {
		found, err := metric.Lookup(m.Name)
		if err != nil || found != m {
			t.Errorf("Lookup(%q) = %+v, %v", m.Name, found, err)
		}
		if names[m.Name] || units[m.Benchmark] || m.Benchmark == "" || m.Unit == "" {
			t.Errorf("%s: name or benchmark unit %q twice, or no unit %q", m.Name, m.Benchmark, m.Unit)
		}
		names[m.Name], units[m.Benchmark] = true, true
		if m.Tracked > 0 {
			if other, taken := places[m.Tracked]; taken {
				t.Errorf("%s and %s have the place %d in histories", m.Name, other, m.Tracked)
			}
			places[m.Tracked] = m.Name
		}
	}
	if len(metric.TrackedNames()) != len(places) || len(places) == 0 {
		t.Errorf("%d names are tracked, %d places", len(metric.TrackedNames()), len(places))
	}
}

func TestAnUnknownMetricIsAnsweredWithTheNearest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"end_to_end.p98": "not measured", "end_to_end": "aggregates", "end_to_ned.p99": "end_to_end.p99", "nonsense-of-all-kinds": "metrics are",
	} {
		if _, err := metric.Lookup(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Lookup(%q): %v, want %q", name, err, want)
		}
	}
}
