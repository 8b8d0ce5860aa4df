package render

import (
	"fmt"
	"io"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/result"
)

// actionEntry is what github-action-benchmark's custom tools read.
type actionEntry struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Range string  `json:"range,omitempty"`
	Extra string  `json:"extra,omitempty"`
}

// actionJSON writes those samples of which more is better, or less: that tool
// takes one direction a file.
func actionJSON(w io.Writer, name, extra string, samples []sample, higher bool) error {
	out := []actionEntry{}
	for _, s := range samples {
		if s.higher == higher {
			out = append(out, actionEntry{Name: name + " " + s.metric, Unit: plainUnit(s.metric), Value: s.value, Extra: extra})
		}
	}
	return indented(w, "figures", out)
}

// runAction is the result for github-action-benchmark: with higher for its tool
// customBiggerIsBetter, else for customSmallerIsBetter.
func runAction(higher bool) encoder[*result.Result] {
	return func(w io.Writer, r *result.Result) error {
		extra := r.Validity.Verdict + "\n" + againstWords(r.Scenario, r.Redis, r.Postgres) + "\n" + loadWords(r.Scenario)
		return actionJSON(w, r.Run.Scenario, extra, samplesOf(r), higher)
	}
}

// comparisonAction is [runAction] of the candidate's medians.
func comparisonAction(higher bool) encoder[*compare.Record] {
	return func(w io.Writer, r *compare.Record) error {
		return actionJSON(w, r.Name, fmt.Sprintf("%s, median of %d runs", r.Verdict, r.Pairs), samplesOfCandidate(r), higher)
	}
}
