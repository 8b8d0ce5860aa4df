// Package gate decides whether a run kept its thresholds, and explains each
// outcome. It measures nothing: the caller gives the value of a metric. Begin
// reading at [Check].
package gate

import (
	"errors"
	"strings"

	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/result"
)

// Thresholds decides every threshold of the run's scenario. None passes when the
// run is invalid, was interrupted, or ended in an error. Thresholds on parts of the
// window stay undecided, since a result does not hold what they need. The error
// names thresholds that cannot be parsed; [scenario.Scenario.Validate] refuses those.
func Thresholds(r *result.Result) ([]result.Threshold, error) {
	var outcomes []result.Threshold
	var faults []error
	invalid := Undecided(r)
	for _, expr := range r.Scenario.Thresholds {
		t, err := threshold.Parse(expr)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if t.Over > 0 {
			// Rows of the timeline cannot be merged into a quantile.
			outcomes = append(outcomes, (&Parts{Threshold: t}).Outcome(invalid))
			continue
		}
		outcomes = append(outcomes, Check(t, r.Metric, invalid))
	}
	return outcomes, errors.Join(faults...)
}

// Undecided is why nothing can be concluded from the run, empty when it can.
func Undecided(r *result.Result) string {
	var why []string
	switch {
	case r.Run.Failed:
		why = append(why, "the run ended in an error")
	case r.Validity.Verdict == result.Invalid:
		// The verdict has the reasons; they can be long.
		why = append(why, "the run is invalid")
	}
	if r.Run.Interrupted {
		why = append(why, "the run was interrupted")
	}
	return strings.Join(why, " and ")
}
