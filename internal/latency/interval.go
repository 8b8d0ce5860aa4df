package latency

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
)

// Interval is one stage in one interval of a run.
type Interval struct {
	Stage metric.Stage
	From  time.Time // start of the interval, wall clock
	// Start and Length are the interval on the run's clock, from its epoch.
	Start, Length time.Duration
	// Histogram is valid during the call only.
	Histogram *Histogram
}
