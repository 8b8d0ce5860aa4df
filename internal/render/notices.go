package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// reasonsOf are the reasons of the verdict. The error that ended the run is not
// repeated in them: the report gives it where it says how the run ended.
func reasonsOf(r *result.Result) []string {
	var out []string
	for _, reason := range r.Validity.Reasons {
		if _, why := ending(r); r.Run.Failed && r.Run.Error != "" && strings.HasPrefix(why, r.Run.Error) {
			reason = strings.TrimSuffix(reason, ": "+r.Run.Error)
		}
		out = append(out, reason)
	}
	return out
}

// warningsOf are the warnings, each once, without those that the report gives as
// a reason or as the end of the run.
func warningsOf(r *result.Result) []string {
	var out []string
	_, why := ending(r)
	for _, w := range r.Warnings {
		if w != "" && !slices.Contains(out, w) && !slices.Contains(r.Validity.Reasons, w) && !strings.Contains(why, w) {
			out = append(out, w)
		}
	}
	return out
}

// sentence is text with a full stop, unless it has its end.
func sentence(text string) string {
	text = strings.TrimRight(text, " ")
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".?!:") || strings.HasSuffix(text, "…") {
		return text
	}
	return text + "."
}

// coverWords say how much of the schedule the figures of a run cover that ended
// before it.
func coverWords(r *result.Result) string {
	return fmt.Sprintf("the figures cover %.1f s of the schedule", time.Duration(r.Window.ToNS).Seconds())
}

// cpuWords say what a job cost in CPU time, as far as that was measured.
func cpuWords(scalar func(name string) *float64) string {
	var parts []string
	for _, c := range []struct{ metric, of string }{
		{"cpu_per_job", "queuedyno"}, {"worker_cpu_per_job", "workers"}, {"redis_cpu_per_job", "Redis"},
	} {
		if v := scalar(c.metric); v != nil && number.Finite(*v) {
			parts = append(parts, c.of+" "+number.Duration(*v))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + " a job"
}
