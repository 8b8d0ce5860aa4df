package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
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
		extra := r.Validity.Verdict + "\n" + redisWords(r.Redis) + "\n" + loadWords(r.Scenario)
		return actionJSON(w, r.Run.Scenario, extra, samplesOf(r), higher)
	}
}

// comparisonAction is [runAction] of the candidate's medians.
func comparisonAction(higher bool) encoder[*compare.Record] {
	return func(w io.Writer, r *compare.Record) error {
		return actionJSON(w, r.Name, fmt.Sprintf("%s, median of %d runs", r.Verdict, r.Pairs), samplesOfCandidate(r), higher)
	}
}

// bencherMetric is one metric of Bencher's own format.
type bencherMetric struct {
	Value float64  `json:"value"`
	Lower *float64 `json:"lower_value,omitempty"`
	Upper *float64 `json:"upper_value,omitempty"`
}

// slug is a metric as Bencher names a measure: small letters, digits, hyphens.
func slug(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	if len(s) > 64 {
		s = s[len(s)-64:]
	}
	return strings.Trim(s, "-")
}

// runBencher writes the result in the Bencher Metric Format. Durations are in
// nanoseconds.
func runBencher(w io.Writer, r *result.Result) error {
	metrics := map[string]bencherMetric{}
	for _, s := range samplesOf(r) {
		metrics[slug(s.metric)] = bencherMetric{Value: s.value}
	}
	return indented(w, "figures", map[string]any{r.Run.Scenario: metrics})
}

// comparisonBencher is [runBencher] of the candidate's medians, with their lowest
// and highest run.
func comparisonBencher(w io.Writer, r *compare.Record) error {
	metrics := map[string]bencherMetric{}
	for _, f := range r.Figures {
		if f.Pairs == 0 {
			continue
		}
		m := bencherMetric{Value: f.Candidate}
		var all []float64
		for _, run := range r.Runs {
			if v, ok := run.Figures[f.Name]; ok && run.Side == compare.Candidate && run.Left == "" {
				all = append(all, v)
			}
		}
		if len(all) > 0 {
			low, high := slices.Min(all), slices.Max(all)
			m.Lower, m.Upper = &low, &high
		}
		metrics[slug(f.Name)] = m
	}
	return indented(w, "figures", map[string]any{r.Name: metrics})
}

// runOtava writes one row for Apache Otava, which looks for changes in a history of
// them. A figure that is missing is nan: that tool reads no empty cell.
func runOtava(w io.Writer, r *result.Result) error {
	head := []string{"time", "commit", "version", "scenario", "validity", "run_id"}
	row := []string{r.Run.StartedAt.UTC().Format(time.RFC3339), r.Tool.Commit, r.Tool.Version, r.Run.Scenario, r.Validity.Verdict, r.Run.ID}
	for _, name := range tracked(r) {
		head = append(head, otavaColumn(name))
		v, _, ok := r.Metric(name)
		row = append(row, orNaN(v, ok))
	}
	return writeCSV(w, "history", [][]string{head, row})
}

// comparisonOtava is [runOtava] of the candidate's medians.
func comparisonOtava(w io.Writer, r *compare.Record) error {
	head := []string{"time", "commit", "version", "scenario", "verdict", "pairs"}
	row := []string{r.StartedAt.UTC().Format(time.RFC3339), r.Tool.Commit, r.Tool.Version, r.Name, string(r.Verdict), strconv.Itoa(r.Pairs)}
	for _, f := range r.Figures {
		head = append(head, otavaColumn(f.Name))
		row = append(row, orNaN(f.Candidate, f.Pairs > 0))
	}
	return writeCSV(w, "history", [][]string{head, row})
}

func otavaColumn(metricName string) string {
	name := strings.NewReplacer(".", "_", " ", "_").Replace(metricName)
	if m, err := metric.Lookup(metricName); err == nil && m.Kind == metric.Duration {
		name += "_ns"
	}
	return name
}

func orNaN(v float64, ok bool) string {
	if !ok || !number.Finite(v) {
		return "nan"
	}
	return number.Exact(v)
}
