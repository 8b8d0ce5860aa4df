package nearest_test

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

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

func TestTheNearestWordIsSuggestedInAClause(t *testing.T) {
	t.Parallel()
	if got, want := nearest.Clause("stedy", []string{"smoke", "steady"}), ` (did you mean "steady"?)`; got != want {
		t.Errorf("Clause = %q, want %q", got, want)
	}
	if got := nearest.Clause("xylophone", []string{"smoke", "steady"}); got != "" {
		t.Errorf("Clause = %q, want none", got)
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
