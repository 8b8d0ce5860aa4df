package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/scenario"
)

// closedTokens is how many jobs the closed loop keeps on their way.
const closedTokens = 4

// closedLoop lets a closed loop meet the same stall. Only the jobs that are on
// their way when it begins can see it: a known answer too, and the reason why
// closed loops are blind to stalls.
func closedLoop(ctx context.Context, r *rig, x *Experiment) error {
	l := load{Scenario: scenario.Scenario{
		Name:      "verify-closed-loop",
		Load:      scenario.Load{Duration: stallSpan, InFlight: closedTokens},
		Consumers: closedTokens, DrainTimeout: 5 * time.Second,
	}}
	l.meanwhile = func(ctx context.Context, _ func()) error {
		if err := sleep(ctx, stallAfter); err != nil {
			return err
		}
		return r.o.Server.Stall(ctx, stallLength)
	}
	result, err := r.run(ctx, l)
	if err != nil {
		return err
	}
	whole, err := histogram(result, metric.EndToEnd)
	if err != nil {
		return err
	}
	saw := whole.Count() - whole.CountAtOrBelow(int64(stallLength/2))
	x.expect("jobs that saw more than half of the stall", closedTokens, new(float64(saw)), 1, unitJobs)
	x.expect(fmt.Sprintf("end_to_end.p99@%d of the closed loop", closedTokens), 0, msOf(result.Stages[metric.EndToEnd].P99NS), 10, unitMS)
	open := queueing.Stall{Length: stallLength, Span: stallSpan}
	x.show("end_to_end.p99 for jobs that come at 1,000/s, by theory", new(ms(open.Quantile(0.99))), unitMS)
	x.show("jobs that the closed loop made", new(float64(result.Window.Completed)), unitJobs)
	return nil
}
