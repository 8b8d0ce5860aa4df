package threshold_test

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/nearest"
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
	for _, name := range []string{"lateness.count", "end_to_end.p99.99", "from_send.max", "backlog.max", "redis_cpu_per_job"} {
		if !seen[name] {
			t.Errorf("Metrics() lacks %q", name)
		}
	}
}

func TestNearestSuggestsSlipsAndNothingFarFetched(t *testing.T) {
	t.Parallel()
	valid := []string{"producers", "consumers", "subscribers", "batch", "work"}
	for word, want := range map[string]string{
		"producer":   "producers",
		"consumsers": "consumers",
		"bacth":      "batch",
		"wrok":       "work",
		"Producers":  "producers",
		"xylophone":  "",
		"zz":         "",
		"":           "",
	} {
		if got := nearest.Nearest(word, valid); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestASlipIsOneOrTwoLettersAway(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]bool{
		{"rtae", "rate"}: true, {"thresholds", "threshold"}: true, {"drian-timeuot", "drain-timeout"}: true,
		{"rate", "rate"}: false, {"redis-port", "redis-args"}: false, {strings.Repeat("x", 90), strings.Repeat("x", 89)}: false,
	} {
		if got := nearest.Slip(pair[0], pair[1]); got != want {
			t.Errorf("Slip(%.20q, %.20q) = %t, want %t", pair[0], pair[1], got, want)
		}
	}
}
