package verify

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// pacing asks how late the generator itself is at a rate.
type pacing struct {
	rate int64
	// median and tail are the limits of lateness. The tail is p99, or p95
	// where the run has too few jobs for that.
	median, tail time.Duration
}

const pacingSpan = 3 * time.Second

func (p pacing) do(ctx context.Context, r *rig, x *Experiment) error {
	result, err := r.run(ctx, load{Scenario: scenario.Scenario{
		Name:      "verify-pacing",
		Load:      scenario.Load{Rate: pace.PerSecond(p.rate), Duration: pacingSpan},
		Consumers: 4, DrainTimeout: 5 * time.Second,
	}})
	if err != nil {
		return err
	}
	late := result.Stages[metric.Lateness]
	x.expectTime("lateness.p50", 0, msOf(late.P50NS), p.median)
	if late.P99NS != nil {
		x.expectTime("lateness.p99", 0, msOf(late.P99NS), p.tail)
	} else {
		x.expectTime("lateness.p95", 0, msOf(late.P95NS), p.tail)
	}
	x.show("lateness.max", msOf(late.MaxNS), unitMS)
	x.exactly("jobs sent in the window", p.rate*int64(pacingSpan/time.Second), result.Window.Scheduled)
	return nil
}
