package validity

import "github.com/queuedyno/queuedyno/result"

// Faults is what the scenario broke on purpose. Its effects say nothing against the
// generator.
type Faults struct {
	// Any is true when there was a fault.
	Any bool
	// Lossy is true when one of them breaks connections, or ends who has jobs: jobs may
	// be lost or given out twice, and subscriptions end.
	Lossy bool
	// Late are jobs that were sent late because of a fault. They are not in Schedule.
	Late int64
}

// broken is why a check is not made.
const broken = "the scenario breaks something on purpose, so the run is not meant to be steady"

// effect is a check of something that must not happen, unless a fault of the scenario
// makes it happen.
func (j *judge) effect(name string, value float64, unit, detail, reason string) {
	if j.m.Faults.Lossy {
		j.fact(name, value, unit, detail+", which the faults explain")
		return
	}
	j.check(name, value, 0, unit, value == 0, detail, result.Suspect, reason)
}
