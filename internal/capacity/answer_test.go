package capacity_test

import (
	"context"
	"testing"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

// What gave out is asked of the trials that failed next above the answer: the
// good ones below it and the floods far beyond it may show something else.
func TestTheTrialsThatFailedNextToTheAnswerSayWhatGaveOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                   string
		good, near, far, first string // what trials show: good, just above, far above, the ceiling
		want                   string
		status                 capacity.Status
	}{
		{"workers", "redis", "workers", "host", "host", "workers", capacity.Confirmed},
		{"the host that makes the load", "workers", "host", "redis", "", "host", capacity.AtLeast},
		{"the CPU limit of what makes the load", "workers", "cpu_limit", "redis", "", "cpu_limit", capacity.AtLeast},
		{"none that failed can tell, the ceiling is near", "redis", "", "", "workers", "workers", capacity.Confirmed},
		{"no trial can tell", "redis", "", "", "", "", capacity.Confirmed},
	} {
		probe := func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) {
			o := capacity.Outcome{Verdict: capacity.Good, Achieved: 1000}
			switch {
			case tr.Kind == capacity.Ceiling:
				o.Limit.Part = c.first
			case tr.Rate <= 900:
				o.Limit.Part = c.good
			case tr.Rate <= 1250:
				o.Verdict, o.Limit.Part = capacity.Bad, c.near
			default:
				o.Verdict, o.Limit.Part = capacity.Bad, c.far
			}
			return o, nil
		}
		_, a, err := capacity.Search(t.Context(), probe, capacity.Options{})
		if err != nil || a.Limit.Part != c.want {
			t.Errorf("%s: the limit is %q (%v), want %q", c.name, a.Limit.Part, err, c.want)
		}
		if a.Status != c.status {
			t.Errorf("%s: %s, want %s", c.name, a.Status, c.status)
		}
	}
}
