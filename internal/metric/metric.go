// Package metric is the table of every metric of a run: the stages of a job's way,
// their aggregates, and the metrics of a run as a whole, each with its unit and the
// direction in which it improves. Thresholds, CSV columns, benchmark units and gates
// take their names from here.
//
// To add a metric of the run as a whole, add its row to scalars and set the value in
// the result's Scalars where it is measured. A counter of package ledger is a metric
// without a row here.
package metric

import (
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/ledger"
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
	// Live is true when the metric is known while a run goes on, and Parts when
	// it is known for each part of a run as well.
	Live, Parts bool
	// Unit is what a value is a number of, such as jobs/s, and Benchmark the metric
	// as a unit of Go's benchmarks; both are empty where they follow from Kind and
	// Name.
	Unit, Benchmark string
	// Tracked is the metric's place among those that are handed on to tools that
	// keep histories, 0 when it is not.
	Tracked int
}

// scalars are the metrics of a run as a whole that are not counters of the ledger.
var scalars = []Metric{
	{Name: "offered_rate", Kind: Rate, Better: Higher, Parts: true},
	{Name: "achieved_rate", Kind: Rate, Better: Higher, Parts: true, Unit: "jobs/s", Benchmark: "jobs/s", Tracked: 20},
	{Name: "achieved_ratio", Kind: Ratio, Better: Higher, Parts: true},
	{Name: "backlog.max", Kind: Count, Better: Lower, Parts: true},
	{Name: "recovery", Kind: Duration, Better: Lower},
	{Name: "fault.lost", Kind: Count, Better: Lower},
	{Name: "fault.duplicated", Kind: Count, Better: Lower},
	{Name: "fault.detection", Kind: Duration, Better: Lower},
	{Name: "fault.recovery", Kind: Duration, Better: Lower},
	{Name: "blocked_clients", Kind: Count, Better: Higher},
	{Name: "cpu_per_job", Kind: Duration, Better: Lower, Benchmark: "cpu-ns/job", Tracked: 22},
	{Name: "redis_cpu_per_job", Kind: Duration, Better: Lower, Benchmark: "redis-cpu-ns/job", Tracked: 23},
	{Name: "worker_cpu_per_job", Kind: Duration, Better: Lower, Benchmark: "worker-cpu-ns/job", Tracked: 26}, // last, for histories that began without it
	{Name: "redis_commands_per_job", Kind: Count, Better: Lower, Unit: "commands/job", Benchmark: "redis-commands/job", Tracked: 24},
	{Name: "redis_bytes_per_job", Kind: Count, Better: Lower, Unit: "B/job", Benchmark: "redis-B/job", Tracked: 25},
}

// faultPrefix begins the metrics of faults: fault.lost is that of the worst fault, and
// fault.crash.lost that of the fault with the name crash.
const faultPrefix = "fault."

// OfFaults reports whether the metric is one of faults: of the worst or of a single one.
func OfFaults(metric string) bool { return strings.HasPrefix(metric, faultPrefix) }

// OfFault splits the metric of a single fault, such as fault.crash.lost, into the name of
// the fault and the metric of the worst fault, fault.lost. ok is false for every other
// metric. Whether there is such a fault is not known here.
func OfFault(metric string) (fault, worst string, ok bool) {
	rest, ok := strings.CutPrefix(metric, faultPrefix)
	fault, figure, single := strings.Cut(rest, ".")
	return fault, faultPrefix + figure, ok && single
}

// tracked are the places of the other metrics that histories get.
var tracked = map[string]int{
	"end_to_end.p50": 1, "end_to_end.p90": 2, "end_to_end.p99": 3, "end_to_end.p99.9": 4, "end_to_end.max": 5,
	"queue.p50": 6, "queue.p99": 7, "enqueue.p50": 8, "enqueue.p99": 9, "notify.p50": 10, "notify.p99": 11,
	"lost": 21,
}

// RatioSuffix makes the share of all jobs out of a counter: "failed_ratio".
const RatioSuffix = "_ratio"

// ShareOf is the counter of which the metric is the share of all jobs: "failed" for
// "failed_ratio". ok is false for every other metric.
func ShareOf(metric string) (counter string, ok bool) {
	counter, cut := strings.CutSuffix(metric, RatioSuffix)
	return counter, cut && IsCounter(counter)
}

// IsCounter reports whether the metric is a counter of the ledger.
func IsCounter(metric string) bool {
	row, ok := ledger.Lookup(metric)
	return ok && row.Metric
}

// all is the whole table.
var all = func() (all []Metric) {
	for _, stage := range Stages() {
		all = append(all, Metric{Name: string(stage) + ".count", Kind: Count, Better: Higher, Parts: true})
		for _, aggregate := range slices.Concat([]string{"min", "mean"}, Quantiles(), []string{"max"}) {
			all = append(all, Metric{Name: string(stage) + "." + aggregate, Kind: Duration, Better: Lower, Parts: true})
		}
	}
	var shares []Metric
	for _, row := range ledger.Rows() {
		if row.Metric {
			all = append(all, Metric{Name: row.Key, Kind: Count, Better: Lower, Live: true})
			shares = append(shares, Metric{Name: row.Key + RatioSuffix, Kind: Ratio, Better: Lower, Live: true})
		}
	}
	all = slices.Concat(all, scalars, shares)
	for i := range all {
		m := &all[i]
		m.Live = m.Live || m.Parts
		m.Tracked = max(m.Tracked, tracked[m.Name])
		switch {
		case m.Unit != "":
		case m.Kind == Duration:
			m.Unit = "ns"
		default:
			m.Unit = "jobs"
		}
		switch {
		case m.Benchmark != "":
		case m.Kind == Duration:
			m.Benchmark = strings.TrimPrefix(m.Name, string(EndToEnd)+".") + "-ns"
		default:
			m.Benchmark = strings.TrimPrefix(m.Name, string(EndToEnd)+".")
		}
	}
	return all
}()

// Metrics lists every metric: each aggregate of each stage, in the order of the
// stages, then the counters of the ledger and the other metrics of the run as a
// whole, and the shares of the counters.
func Metrics() []Metric { return slices.Clone(all) }

// TrackedNames are the metrics that tools get that keep histories, in their order.
func TrackedNames() (names []string) {
	byPlace := slices.DeleteFunc(Metrics(), func(m Metric) bool { return m.Tracked == 0 })
	slices.SortFunc(byPlace, func(a, b Metric) int { return a.Tracked - b.Tracked })
	for _, m := range byPlace {
		names = append(names, m.Name)
	}
	return names
}

// Lookup finds the metric of that name. The error for an unknown name suggests the
// nearest one.
func Lookup(name string) (Metric, error) {
	if fault, worst, ok := OfFault(name); ok {
		return ofFault(name, fault, worst)
	}
	names := make([]string, len(all))
	for i, m := range all {
		if m.Name == name {
			return m, nil
		}
		names[i] = m.Name
	}
	for _, stage := range Stages() {
		if name == string(stage) {
			return Metric{}, fmt.Errorf("metric %q is a stage; say which of its aggregates, such as %s.p99", name, stage)
		}
		if aggregate, cut := strings.CutPrefix(name, string(stage)+"."); cut && isQuantile(aggregate) {
			return Metric{}, fmt.Errorf("quantile %q is not measured; there are %s", aggregate, strings.Join(Quantiles(), ", "))
		}
	}
	if meant := nearest.Clause(name, names); meant != "" {
		return Metric{}, fmt.Errorf("unknown metric %q%s", name, meant)
	}
	return Metric{}, fmt.Errorf("unknown metric %q; metrics are <stage>.<aggregate>, such as end_to_end.p99, or a word such as lost or achieved_rate", name)
}

// ofFault is the metric of a single fault.
func ofFault(name, fault, worst string) (Metric, error) {
	var names, figures []string
	for _, m := range all {
		if !OfFaults(m.Name) {
			continue
		}
		if m.Name == worst && fault != "" {
			m.Name = name
			m.Benchmark = strings.Replace(m.Benchmark, faultPrefix, faultPrefix+fault+".", 1)
			return m, nil
		}
		figure := strings.TrimPrefix(m.Name, faultPrefix)
		names, figures = append(names, faultPrefix+fault+"."+figure), append(figures, figure)
	}
	if meant := nearest.Clause(name, names); meant != "" && fault != "" {
		return Metric{}, fmt.Errorf("unknown metric %q%s", name, meant)
	}
	return Metric{}, fmt.Errorf("unknown metric %q; a single fault has %s, such as fault.crash.%s", name, strings.Join(figures, ", "), figures[0])
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
	if row, ok := ledger.Lookup(name); ok && row.Metric && !row.Observable {
		return "the jobs are external, and which jobs were sent is unknown"
	}
	return ""
}
