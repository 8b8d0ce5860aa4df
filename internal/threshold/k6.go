package threshold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/metric"
)

// k6Metrics are metrics that k6 has and ours that come nearest, as they begin a
// threshold. Where a limit cannot be taken over, the text is whole.
func k6Metrics() map[string]struct{ ours, text string } {
	return map[string]struct{ ours, text string }{
		"http_req_duration":  {"end_to_end", "end_to_end: p(95)<500"},
		"http_req_waiting":   {"end_to_end", "end_to_end: p(95)<500"},
		"grpc_req_duration":  {"end_to_end", "end_to_end: p(95)<500"},
		"iteration_duration": {"end_to_end", "end_to_end: p(95)<500"},
		"http_req_sending":   {"enqueue", "enqueue: p(95)<50"},
		"http_req_failed":    {"failed", "failed: rate<0.01"},
		"checks":             {"", "failed_ratio < 0.01 or lost == 0"},
		"iterations":         {"", "end_to_end.count > 1000 or achieved_rate > 100/s"},
		"http_reqs":          {"", "end_to_end.count > 1000 or achieved_rate > 100/s"},
		"dropped_iterations": {"", "lateness.p99 < 10ms: no job is dropped, but jobs can be sent late"},
		"vus":                {"", "backlog.max < 1000"},
		"vus_max":            {"", "backlog.max < 1000"},
		"data_sent":          {"", "redis_bytes_per_job < 2000"},
		"data_received":      {"", "redis_bytes_per_job < 2000"},
	}
}

// aggregates begin a threshold of k6, where the name of the metric stands above it.
func aggregates() []string {
	return append([]string{"p", "avg", "med", "min", "max", "mean"}, metric.Quantiles()...)
}

// meant says what to write where a threshold begins as one of k6's does, and is
// empty where it does not. The text keeps the condition if that can be read.
func (p *parser) meant(start int, name string) string {
	rest := p.expr[start+len(name):]
	if k6, known := k6Metrics()[name]; known {
		text := k6.text
		if t, err := Parse(k6.ours + rest); k6.ours != "" && err == nil {
			text = t.String()
		}
		return fmt.Sprintf("%s is a metric of k6; write %s", name, text)
	}
	if slices.Contains(aggregates(), name) && !p.next(":") {
		text := "end_to_end.p99 < 50ms"
		condition := p.expr[start:]
		if number, cut := strings.CutPrefix(name, "p"); cut && number != "" {
			condition = "p(" + number + ")" + rest
		}
		if t, err := Parse("end_to_end: " + condition); err == nil {
			text = t.String()
		}
		return fmt.Sprintf("%s is of a stage; name it: write %s", word(p.expr[start:]), text)
	}
	switch name {
	case "rate":
		text := "failed_ratio < 0.01"
		if t, err := Parse("failed: " + p.expr[start:]); err == nil {
			text = t.String()
		}
		return "rate is a share of the jobs, and of which ones is missing; write " + text
	case "count", "value":
		return name + " of what is missing; write lost == 0 or end_to_end.count > 100"
	}
	return ""
}

// word is what comes before the comparison.
func word(expr string) string {
	if i := strings.IndexAny(expr, "<>=!≤≥≠"); i > 0 {
		expr = expr[:i]
	}
	return strings.TrimSpace(expr)
}

// several reports whether text after a limit goes on with another condition.
func several(suffix string) bool {
	return strings.ContainsAny(suffix, "<>=&|,;") || strings.HasPrefix(suffix, "and ") || strings.HasPrefix(suffix, "or ")
}

// whole reads how a figure of the whole run is taken, which k6 writes although
// there is only one way; the rate of a count is its share of all jobs.
func (p *parser) whole(start int, name, word string) (string, error) {
	m, err := metric.Lookup(name)
	switch {
	case err != nil:
		return name, nil // says the caller
	case word == "value", word == "count" && m.Kind == metric.Count, word == "rate" && m.Kind != metric.Count && m.Kind != metric.Duration:
		return name, nil
	case word == "rate" && metric.IsCounter(name):
		return name + metric.RatioSuffix, nil
	case word == "rate":
		return "", p.fail(start, "%s is no share of the jobs; write %s < %s", name, name, m.Kind.Example())
	}
	return "", p.fail(start, "%s is one figure for the whole run; write %s < %s", name, name, m.Kind.Example())
}
