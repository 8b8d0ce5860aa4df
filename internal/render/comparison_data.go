package render

import (
	"io"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
)

// comparisonJSON writes the record as compare.json, which is read back as it
// was.
func comparisonJSON(w io.Writer, r *compare.Record) error {
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
	return indented(w, "comparison", full)
}

// calibrationJSON writes a calibration, which is read back as it was.
func calibrationJSON(w io.Writer, c *compare.Calibration) error {
	full := *c
	full.Metrics, full.Settings, full.Redis.Config = orEmpty(c.Metrics), orEmpty(c.Settings), orEmpty(c.Redis.Config)
	full.Warnings = append([]string{}, c.Warnings...)
	return indented(w, "calibration", full)
}
