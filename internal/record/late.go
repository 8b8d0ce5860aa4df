package record

import (
	"time"

	"github.com/queuedyno/queuedyno/scenario"
)

// LateLimit is the lateness from which a job counts as held up: the interval of the
// load, but at least the precision that a timer can be expected to have.
func LateLimit(s scenario.Scenario) time.Duration {
	const minimum = 500 * time.Microsecond
	if !s.Load.Open() {
		return minimum
	}
	return max(minimum, time.Duration(float64(s.Batch)/s.Schedule().PeakRate()*float64(time.Second)))
}
