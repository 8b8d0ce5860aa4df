package compare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/paired"
)

// Defaults are the metrics of a comparison of runs when none are named: those
// that gate, with margins that a host in order can decide, and those that are
// shown with them. CPU time per job has a margin of 20%: on a shared host it varied by 4
// to 11% from pair to pair, and with 10% a change of 12% was not decided in 20 pairs. The
// tail gates only on request: on a shared host it swings by more than any change that
// one would want to find.
func Defaults() []paired.Metric {
	return []paired.Metric{
		{Name: "end_to_end.p50", Margin: 0.10, Gate: true},
		{Name: "end_to_end.p90", Margin: 0.25, Gate: true},
		{Name: "achieved_rate", Margin: 0.02, Gate: true, HigherBetter: true},
		{Name: "redis_cpu_per_job", Margin: 0.20, Gate: true},
		{Name: "cpu_per_job", Margin: 0.20, Gate: true},
		{Name: "redis_commands_per_job", Margin: 0.05, Gate: true},
		{Name: "redis_bytes_per_job", Margin: 0.05, Gate: true},
		{Name: "end_to_end.p99", Margin: 0.50},
		{Name: "queue.p50", Margin: 0.10},
		{Name: "enqueue.p50", Margin: 0.10},
		{Name: "notify.p50", Margin: 0.10},
	}
}

// WorkerDefaults are the defaults for runs with worker processes.
// Their CPU time gates instead of that of this process:
// that is what the load costs, and not what is tested.
func WorkerDefaults() []paired.Metric {
	return []paired.Metric{
		{Name: "end_to_end.p50", Margin: 0.10, Gate: true},
		{Name: "end_to_end.p90", Margin: 0.25, Gate: true},
		{Name: "achieved_rate", Margin: 0.02, Gate: true, HigherBetter: true},
		{Name: "worker_cpu_per_job", Margin: 0.20, Gate: true},
		{Name: "redis_cpu_per_job", Margin: 0.20, Gate: true},
		{Name: "redis_commands_per_job", Margin: 0.05, Gate: true},
		{Name: "redis_bytes_per_job", Margin: 0.05, Gate: true},
		{Name: "end_to_end.p99", Margin: 0.50},
		{Name: "pickup.p50", Margin: 0.10},
		{Name: "enqueue.p50", Margin: 0.10},
		{Name: "cpu_per_job", Margin: 0.20},
	}
}

// Measurable are those of the metrics that runs with these stages have, and the medians
// of the stages that an entry or an exit adds, which are shown. Without a Redis its metrics
// are left out. With the user's API as the entry, the CPU time of this process is
// what the load costs, which is shown and does not gate.
func Measurable(all []paired.Metric, stages []metric.Stage, redis bool) []paired.Metric {
	all = slices.DeleteFunc(slices.Clone(all), func(m paired.Metric) bool {
		stage, _, cut := strings.Cut(m.Name, ".")
		return cut && stage != string(metric.EndToEnd) && !slices.Contains(stages, metric.Stage(stage)) || !redis && strings.HasPrefix(m.Name, "redis_")
	})
	for i := range all {
		all[i].Gate = all[i].Gate && !(all[i].Name == "cpu_per_job" && slices.Contains(stages, metric.Request))
	}
	for _, stage := range []metric.Stage{metric.Request, metric.Store, metric.Save, metric.Broadcast} {
		if slices.Contains(stages, stage) {
			all = append(all, paired.Metric{Name: string(stage) + ".p50", Margin: 0.10})
		}
	}
	return all
}

// Names lists every metric of a run that can be compared: those that are above
// zero in a run that is in order. Lost jobs are compared separately.
func Names() (names []string) {
	for _, m := range metric.Metrics() {
		_, aggregate, _ := strings.Cut(m.Name, ".")
		if _, share := metric.ShareOf(m.Name); share {
			continue
		}
		if m.Kind != metric.Count && aggregate != "min" && m.Name != "offered_rate" || strings.HasSuffix(m.Name, "_per_job") || m.Name == "backlog.max" {
			names = append(names, m.Name)
		}
	}
	return names
}

// ParseMetric reads "end_to_end.p50:10%", a metric that gates and its margin, or
// "end_to_end.p99", one without a margin, for which Margin stays
// zero.
func ParseMetric(s string) (paired.Metric, error) {
	name, margin, cut := cutLast(strings.TrimSpace(s))
	m := paired.Metric{Name: name, Gate: true}
	if cut {
		text, percent := strings.CutSuffix(margin, "%")
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !percent || !(v >= 0.01) || v > 1000 {
			return m, fmt.Errorf("%q: a margin is a percentage from 0.01%% to 1000%%, such as %s:10%%", s, name)
		}
		m.Margin = v / 100
	}
	if name == "" {
		return m, fmt.Errorf("%q: a metric is missing; write it like end_to_end.p50:10%%", s)
	}
	return m, nil
}

// cutLast cuts at the last colon that a percentage follows.
func cutLast(s string) (name, margin string, cut bool) {
	i := strings.LastIndex(s, ":")
	if i < 0 || !strings.HasSuffix(s, "%") && strings.Trim(s[i+1:], "0123456789. ") != "" {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1:]), true
}

// Resolve completes the given metrics, which replace the defaults that gate; the remaining defaults are shown with them. The margins come
// from the ones given, else from the calibration, else from the defaults. All
// faults are in the error.
func Resolve(asked, defaults []paired.Metric, c *Calibration) (metrics []paired.Metric, faults []string) {
	byName := map[string]paired.Metric{}
	for _, m := range defaults {
		byName[m.Name] = m
	}
	metrics = slices.Clone(asked)
	for i := range metrics {
		m := &metrics[i]
		known, err := metric.Lookup(m.Name)
		switch {
		case err != nil:
			faults = append(faults, err.Error())
			continue
		case !slices.Contains(Names(), m.Name):
			faults = append(faults, fmt.Sprintf("%s cannot be compared as a ratio", m.Name))
			continue
		}
		m.HigherBetter = known.Better == metric.Higher
		if m.Margin == 0 && c != nil {
			m.Margin = c.Metrics[m.Name].Margin
		}
		if m.Margin == 0 {
			m.Margin = byName[m.Name].Margin
		}
		if m.Margin == 0 {
			faults = append(faults, fmt.Sprintf("%s has no default margin; give one, such as %s:10%%", m.Name, m.Name))
		}
	}
	for _, m := range defaults {
		if slices.ContainsFunc(metrics, func(o paired.Metric) bool { return o.Name == m.Name }) {
			continue
		}
		if len(asked) > 0 {
			m.Gate = false
		}
		if c != nil && c.Metrics[m.Name].Margin > 0 {
			m.Margin = c.Metrics[m.Name].Margin
		}
		metrics = append(metrics, m)
	}
	for i, m := range metrics {
		if slices.ContainsFunc(metrics[:i], func(o paired.Metric) bool { return o.Name == m.Name }) {
			faults = append(faults, fmt.Sprintf("%s is named twice", m.Name))
		}
	}
	return metrics, faults
}

// steadyUnits are those units of Go benchmarks that gate, with their margins.
func steadyUnits() map[string]float64 {
	return map[string]float64{"ns/op": 0.10, "p50-ns": 0.10, "p90-ns": 0.25, "jobs/s": 0.05, "MB/s": 0.05, "B/op": 0.05, "allocs/op": 0.02}
}
