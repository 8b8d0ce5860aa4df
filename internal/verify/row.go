package verify

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/result"
)

// The units of rows.
const (
	unitMS    = "ms"
	unitJobs  = "jobs"
	unitRatio = "ratio"
)

// expect adds a row that must come out within the tolerance.
func (x *Experiment) expect(what string, expected float64, measured *float64, tolerance float64, unit string) {
	x.Rows = append(x.Rows, Row{
		What: what, Expected: &expected, Measured: measured, Tolerance: &tolerance, Unit: unit,
		Pass: measured != nil && math.Abs(*measured-expected) <= tolerance,
	})
}

// expectTime is expect for durations.
func (x *Experiment) expectTime(what string, expected time.Duration, measured *float64, tolerance time.Duration) {
	x.expect(what, ms(expected), measured, ms(tolerance), unitMS)
}

// exactly adds a row of jobs that must be counted to the last one.
func (x *Experiment) exactly(what string, expected, measured int64) {
	x.expect(what, float64(expected), new(float64(measured)), 0, unitJobs)
}

// show adds a row that is not judged.
func (x *Experiment) show(what string, measured *float64, unit string) {
	x.Rows = append(x.Rows, Row{What: what, Measured: measured, Unit: unit, Pass: true})
}

func (x *Experiment) note(format string, args ...any) {
	x.Notes = append(x.Notes, fmt.Sprintf(format, args...))
}

// judge passes the experiment when every row does, and at least one was judged.
func (x *Experiment) judge() {
	judged := false
	x.Pass = true
	for _, row := range x.Rows {
		judged = judged || row.Expected != nil
		x.Pass = x.Pass && row.Pass
	}
	x.Pass = x.Pass && judged
}

// failure is what went wrong, in words: what the report keeps of a first try.
func (x *Experiment) failure() []string {
	var rows []string
	for _, row := range x.Rows {
		if !row.Pass {
			rows = append(rows, fmt.Sprintf("%s was %s and not %s ± %s", row.What,
				amount(row.Measured, row.Unit), amount(row.Expected, row.Unit), amount(row.Tolerance, row.Unit)))
		}
	}
	notes := []string{"the 1st try failed: " + strings.Join(rows, ", ")}
	for _, n := range x.Notes {
		notes = append(notes, "in the 1st try "+n)
	}
	return notes
}

// busy notes of a failed experiment that the host had other things to do: it
// then says more of the host than of the measurement.
func (x *Experiment) busy(results []*result.Result) {
	for _, c := range []struct {
		check string
		limit float64
		words string
	}{
		{"pressure", 0.40, "the host was busy: some task waited for a CPU %.0f%% of the time"},
		{"run_queue", 0.20, "the host was busy: runnable threads of this process waited for a CPU %.0f%% of the time"},
		{"steal", 0.05, "the host lost %.0f%% of its CPU time to other VMs (steal)"},
	} {
		worst := 0.0
		for _, r := range results {
			if v := r.Validity.Checks[c.check].Value; v != nil {
				worst = max(worst, *v)
			}
		}
		if worst > c.limit {
			x.note(c.words, 100*worst)
		}
	}
}

// ms is d in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// msOf is a number of nanoseconds in milliseconds, null without one.
func msOf(ns *int64) *float64 {
	if ns == nil {
		return nil
	}
	return new(ms(time.Duration(*ns)))
}
