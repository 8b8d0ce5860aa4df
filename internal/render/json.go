package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// runJSON writes the result as result.json: indented, nothing left out, and read
// back as it was. Lists and objects that hold nothing are [] and {},
// never null, so that scripts can go through them.
func runJSON(r *result.Result) (string, error) {
	return indented("result", filled(*r))
}

// indented writes a record, with what it is called in errors.
func indented(what string, v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("encode %s: %w", what, err)
	}
	return b.String(), nil
}

// filled is a copy of r in which no list and no map is nil.
func filled(r result.Result) result.Result {
	r.Run.Tags = orEmpty(r.Run.Tags)
	r.Redis.Config = orEmpty(r.Redis.Config)
	r.Ledger.LostByLeg = orEmpty(r.Ledger.LostByLeg)
	r.Ledger.Errors = orEmpty(r.Ledger.Errors)
	r.Stages = orEmpty(r.Stages)
	r.Scalars = orEmpty(r.Scalars)
	r.Validity.Checks = orEmpty(r.Validity.Checks)
	r.Validity.Reasons = append([]string{}, r.Validity.Reasons...)
	r.Warnings = append([]string{}, r.Warnings...)
	r.Thresholds = append([]result.Threshold{}, r.Thresholds...)
	r.Timeline = append([]result.Second{}, r.Timeline...)
	for i := range r.Timeline {
		r.Timeline[i].Stages = orEmpty(r.Timeline[i].Stages)
	}
	r.Server.Before, r.Server.After = orEmpty(r.Server.Before), orEmpty(r.Server.After)
	r.Server.Deltas, r.Server.Commands = orEmpty(r.Server.Deltas), orEmpty(r.Server.Commands)
	return r
}

func orEmpty[M ~map[K]V, K comparable, V any](m M) M {
	if m == nil {
		return M{}
	}
	return m
}

// comparisonJSON writes the record as compare.json, which is read back as it
// was.
func comparisonJSON(r *compare.Record) (string, error) {
	full := *r
	full.Reasons, full.Warnings = append([]string{}, r.Reasons...), append([]string{}, r.Warnings...)
	full.Looks, full.Figures = append([]int{}, r.Looks...), append([]paired.Figure{}, r.Figures...)
	full.Runs = append([]compare.Run{}, r.Runs...)
	for i := range full.Runs {
		full.Runs[i].Figures = orEmpty(full.Runs[i].Figures)
		full.Runs[i].Reasons = append([]string{}, full.Runs[i].Reasons...)
	}
	for _, arm := range []*compare.Arm{&full.Base, &full.Candidate} {
		arm.Settings, arm.Redis.Config = orEmpty(arm.Settings), orEmpty(arm.Redis.Config)
	}
	return indented("comparison", full)
}

// calibrationJSON writes a calibration, which is read back as it was.
func calibrationJSON(c *compare.Calibration) (string, error) {
	full := *c
	full.Metrics, full.Settings, full.Redis.Config = orEmpty(c.Metrics), orEmpty(c.Settings), orEmpty(c.Redis.Config)
	full.Warnings = append([]string{}, c.Warnings...)
	return indented("calibration", full)
}
