package threshold_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
)

func TestEveryMetricIsFoundByItsNameAndHasOnlyOne(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range metric.Metrics() {
		if seen[m.Name] {
			t.Errorf("Metrics() lists %q twice", m.Name)
		}
		seen[m.Name] = true
		got, err := metric.Lookup(m.Name)
		if err != nil || got != m {
			t.Errorf("Lookup(%q) = %v, %v, want %v", m.Name, got, err, m)
		}
		if m.Kind == "" || m.Better == "" {
			t.Errorf("metric %q has kind %q and better %q", m.Name, m.Kind, m.Better)
		}
	}
	for name, want := range map[string]metric.Kind{"fault.crash.lost": metric.Count, "fault.7.recovery": metric.Duration} {
		if got, err := metric.Lookup(name); err != nil || got.Name != name || got.Kind != want || got.Parts || got.Live {
			t.Errorf("Lookup(%q) = %+v, %v, want the %s of a single fault, known at the end", name, got, err, want)
		}
	}
	for _, name := range []string{"fault.crash", "fault.crash.", "fault..lost", "fault.a.b.lost", "fault.crash.p99"} {
		if got, err := metric.Lookup(name); err == nil {
			t.Errorf("Lookup(%q) = %+v, want an error", name, got)
		}
	}
	for _, name := range []string{"lateness.count", "end_to_end.p99.99", "from_send.max", "backlog.max", "redis_cpu_per_job"} {
		if !seen[name] {
			t.Errorf("Metrics() lacks %q", name)
		}
	}
}
