// Package metric is the table of everything that a run can be asked for: the
// stages of a job's way, their aggregates, and the figures of a run as a whole,
// each with its unit and the direction in which it improves. Thresholds, CSV
// columns, benchmark units and gates take their names from here.
package metric

import (
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

// Kind says what a metric's values are, and so which units a limit may have.
type Kind string

// The kinds, each with the base unit in which its values are kept.
const (
	Duration Kind = "duration" // nanoseconds
	Count    Kind = "count"    // a number of jobs or of events
	Rate     Kind = "rate"     // jobs per second
	Ratio    Kind = "ratio"    // a share, 1 is all
)

// Better says in which direction a metric improves.
type Better string

// The two directions.
const (
	Lower  Better = "lower"
	Higher Better = "higher"
)

// Metric describes one figure of a run that can be limited or compared.
type Metric struct {
	// Name is "end_to_end.p99" for an aggregate of a stage, or one word such
	// as "lost".
	Name   string
	Kind   Kind
	Better Better
}

// StageNames are the names of [Stages].
func StageNames() []string {
	var names []string
	for _, stage := range Stages() {
		names = append(names, string(stage))
	}
	return names
}

// Quantiles are the quantiles that every stage has, by name.
func Quantiles() []string {
	return []string{"p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99"}
}

func scalars() []Metric {
	all := []Metric{
		{"lost", Count, Lower},
		{"duplicated", Count, Lower},
		{"out_of_order", Count, Lower},
		{"corrupt", Count, Lower},
		{"unreadable", Count, Lower},
		{"foreign", Count, Lower},
		{"failed", Count, Lower},
		{"errors", Count, Lower},
		{"offered_rate", Rate, Higher},
		{"achieved_rate", Rate, Higher},
		{"achieved_ratio", Ratio, Higher},
		{"backlog.max", Count, Lower},
		{"recovery", Duration, Lower},
		{"blocked_clients", Count, Higher},
		{"cpu_per_job", Duration, Lower},
		{"redis_cpu_per_job", Duration, Lower},
		{"worker_cpu_per_job", Duration, Lower},
		{"redis_commands_per_job", Count, Lower},
		{"redis_bytes_per_job", Count, Lower},
	}
	for _, count := range CountedNames() {
		all = append(all, Metric{count + RatioSuffix, Ratio, Lower})
	}
	return all
}

// CountedNames are the counts of jobs and events that are also told as a share of all
// jobs: "failed_ratio" is that of "failed".
func CountedNames() []string {
	return []string{"lost", "duplicated", "out_of_order", "corrupt", "unreadable", "foreign", "failed", "errors"}
}

const RatioSuffix = "_ratio"

// ShareOf is the count of which the metric is the share of all jobs: "failed" for
// "failed_ratio". It is ok for those metrics only.
func ShareOf(metric string) (count string, ok bool) {
	count, cut := strings.CutSuffix(metric, RatioSuffix)
	return count, cut && slices.Contains(CountedNames(), count)
}

// Metrics lists every metric there is: each aggregate of each stage, in the
// order of the stages, and then those of the run as a whole.
func Metrics() []Metric {
	var all []Metric
	for _, stage := range StageNames() {
		all = append(all, Metric{stage + ".count", Count, Higher})
		for _, aggregate := range append(append([]string{"min", "mean"}, Quantiles()...), "max") {
			all = append(all, Metric{stage + "." + aggregate, Duration, Lower})
		}
	}
	return append(all, scalars()...)
}

// Lookup finds the metric of that name. The error for a name that is none
// suggests the nearest one.
func Lookup(name string) (Metric, error) {
	all := Metrics()
	names := make([]string, len(all))
	for i, m := range all {
		if m.Name == name {
			return m, nil
		}
		names[i] = m.Name
	}
	for _, stage := range StageNames() {
		if name == stage {
			return Metric{}, fmt.Errorf("metric %q is a stage; say which of its aggregates, such as %s.p99", name, stage)
		}
		if aggregate, cut := strings.CutPrefix(name, stage+"."); cut && isQuantile(aggregate) {
			return Metric{}, fmt.Errorf("quantile %q is not measured; there are %s", aggregate, strings.Join(Quantiles(), ", "))
		}
	}
	if near := nearest.Nearest(name, names); near != "" {
		return Metric{}, fmt.Errorf("unknown metric %q (did you mean %q?)", name, near)
	}
	return Metric{}, fmt.Errorf("unknown metric %q; metrics are <stage>.<aggregate>, such as end_to_end.p99, or a word such as lost or achieved_rate", name)
}

// InParts reports whether the metric can be told for a part of a run.
func (m Metric) InParts() bool {
	switch m.Name {
	case "offered_rate", "achieved_rate", "achieved_ratio", "backlog.max":
		return true
	}
	stage, _, cut := strings.Cut(m.Name, ".")
	return cut && slices.Contains(StageNames(), stage)
}

// InTime reports whether the metric can be told while a run goes on.
func (m Metric) InTime() bool {
	_, share := ShareOf(m.Name)
	return share || slices.Contains(CountedNames(), m.Name) || m.InParts()
}

// isQuantile reports whether the word looks like the name of a quantile,
// measured or not.
func isQuantile(word string) bool {
	number, ok := strings.CutPrefix(word, "p")
	return ok && number != "" && strings.Trim(number, "0123456789.") == ""
}

// PerJob is the count as a share of so many jobs. The function answers for metrics.
func PerJob(count string, jobs int64, value func(string) (float64, string, bool)) (share float64, reason string, ok bool) {
	n, reason, ok := value(count)
	switch {
	case !ok:
		return 0, reason, false
	case jobs <= 0:
		return 0, "there was no job", false
	}
	return n / float64(jobs), "", true
}

// NotOffered is why a load that is not open has no offered rate.
func NotOffered(observed bool) string {
	if observed {
		return "the load is external, so the offered rate is unknown"
	}
	return "a closed loop offers no rate"
}

// Unobservable is why an observer of an external load cannot know the metric, empty
// where it can.
func Unobservable(name string) string {
	if count, isShare := ShareOf(name); isShare {
		name = count
	}
	switch name {
	case "lost", "duplicated", "out_of_order", "foreign", "corrupt":
		return "the jobs are external, and which jobs were sent is unknown"
	}
	return ""
}
