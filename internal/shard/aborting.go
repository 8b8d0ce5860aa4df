package shard

import (
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

// Aborting are the thresholds by which a shard ends its share of the load, because its own
// figures say enough: latencies, shares of its jobs, and upper limits of counts and rates,
// since those of all shards are larger still. Every threshold is decided on the merged
// result only.
func Aborting(all []string) (own []string) {
	for _, expr := range all {
		t, err := threshold.Parse(expr)
		if err != nil || !t.Abort || t.Over > 0 {
			continue
		}
		switch m, unknown := metric.Lookup(t.Metric); {
		case unknown != nil:
		case m.Kind == metric.Duration, m.Kind == metric.Ratio,
			t.Op == threshold.Less, t.Op == threshold.LessOrEqual, t.Op == threshold.Equal && t.Value == 0:
			own = append(own, expr)
		}
	}
	return own
}
