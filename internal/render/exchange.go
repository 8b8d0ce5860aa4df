package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// tracked are the metrics of a run that are handed on to what keeps histories.
func tracked(r *result.Result) []string {
	if r.Observed != nil {
		return []string{"running.p50", "running.p90", "running.p99", "running.max", "work.p50", "achieved_rate", "backlog.max", "failed"}
	}
	return metric.TrackedNames()
}

// sample is one figure that is handed on. Its value is in the base unit.
type sample struct {
	metric string
	value  float64
	higher bool // better
}

// samplesOf are those tracked metrics of a run that have a value.
func samplesOf(r *result.Result) (out []sample) {
	for _, name := range tracked(r) {
		if v, _, ok := r.Metric(name); ok && number.Finite(v) {
			out = append(out, sample{name, v, higherBetter(name)})
		}
	}
	return out
}

// samplesOfCandidate are the candidate's medians.
func samplesOfCandidate(r *compare.Record) (out []sample) {
	for _, f := range r.Figures {
		if f.Pairs > 0 && number.Finite(f.Candidate) {
			out = append(out, sample{f.Name, f.Candidate, f.HigherBetter})
		}
	}
	return out
}

func higherBetter(name string) bool {
	m, err := metric.Lookup(name)
	return err == nil && m.Better == metric.Higher
}

// benchmarkUnit is the metric as a unit of Go's benchmarks. Durations end in -ns
// or ns/…, which benchstat scales; p99-ms it would not understand.
func benchmarkUnit(name string) string {
	if _, unit := compare.SplitFigure(name); unit != "" {
		return unit // it was one
	}
	if m, err := metric.Lookup(name); err == nil {
		return m.Benchmark
	}
	return strings.TrimPrefix(name, "end_to_end.")
}

// plainUnit is the unit of a metric's values.
func plainUnit(name string) string {
	if m, err := metric.Lookup(name); err == nil {
		return m.Unit
	}
	return benchmarkUnit(name)
}

// LeftOut says why a run has no line in Go benchmark text, empty when it has one:
// benchstat cannot know which figures can be believed.
func LeftOut(r *result.Result) string {
	word, why := ending(r)
	switch {
	case word != "":
		return word + ": " + why
	case r.Validity.Verdict == result.Invalid:
		return "invalid: " + strings.Join(r.Validity.Reasons, "; ")
	case r.Window.Completed == 0:
		return "no job of the window was completed"
	}
	return ""
}

// BenchmarkName is how the runs of a scenario are named in Go benchmark text. Runs
// under another load are another benchmark.
func BenchmarkName(r *result.Result) string {
	name := "Queuedyno/scenario=" + strings.Map(wordRune, r.Run.Scenario)
	switch l := r.Scenario.Load; {
	case l.Observed, l.Varies():
	case l.Closed():
		name += fmt.Sprintf("/in_flight=%d", l.InFlight)
	default:
		name += "/rate=" + number.Exact(l.Rate.Float())
	}
	return name
}

// runBenchmark writes the result as Go benchmark text, for benchstat and all that
// reads it. The number of iterations is that of the completed jobs. benchstat makes
// a table for each value of a configuration line, so what differs from run to run
// is a comment: that is a line it ignores.
func runBenchmark(r *result.Result) (string, error) {
	var b strings.Builder
	about := []string{"run " + r.Run.ID, r.Validity.Verdict}
	for _, c := range [][2]string{
		{"redis ", strings.TrimSpace(r.Redis.Kind + " " + r.Redis.Version)}, {"commit ", r.Tool.Commit}, {"", r.Run.StartedAt.UTC().Format(time.RFC3339)},
	} {
		if c[1] != "" {
			about = append(about, c[0]+c[1])
		}
	}
	b.WriteString("# " + plain(strings.Join(about, ", ")) + "\n")
	for _, reason := range r.Validity.Reasons {
		b.WriteString("# " + plain(r.Validity.Verdict+": "+reason) + "\n")
	}
	if why := LeftOut(r); why != "" {
		b.WriteString("# left out: " + plain(why) + "\n")
	} else {
		unitLines(&b, samplesOf(r))
		for _, c := range [][2]string{{"goos", r.Host.OS}, {"goarch", r.Host.Arch}, {"cpu", r.Host.CPUModel}} {
			if c[1] != "" {
				fmt.Fprintf(&b, "%s: %s\n", c[0], plain(c[1]))
			}
		}
		benchmarkLine(&b, onCPUs(BenchmarkName(r), r.Host), r.Window.Completed, samplesOf(r))
	}
	return b.String(), nil
}

// unitLines write what benchstat has to know to tell better from worse.
func unitLines(b *strings.Builder, samples []sample) {
	said := map[string]bool{}
	for _, s := range samples {
		u := benchmarkUnit(s.metric)
		if said[u] {
			continue
		}
		said[u] = true
		fmt.Fprintf(b, "Unit %s better=%s\n", u, cmp.Or(when(s.higher, "higher"), "lower"))
	}
}

// benchmarkLine writes the figures of a benchmark. The name has a suffix for the number of
// CPUs, unless that is one.
func benchmarkLine(b *strings.Builder, name string, n int64, samples []sample) {
	fmt.Fprintf(b, "%s\t%d", name, max(n, 1))
	for _, s := range samples {
		fmt.Fprintf(b, "\t%s %s", number.Exact(s.value), benchmarkUnit(s.metric))
	}
	b.WriteString("\n")
}

// onCPUs is a name as go test writes it.
func onCPUs(name string, h result.Host) string {
	return "Benchmark" + name + when(h.GOMAXPROCS > 1, fmt.Sprintf("-%d", h.GOMAXPROCS))
}

// wordRune keeps what the name of a benchmark may hold.
func wordRune(r rune) rune {
	if r <= ' ' || r == '/' || r == 0x7f || unicode.IsSpace(r) {
		return '_'
	}
	return r
}

// comparisonBenchmark is one side of a comparison as Go benchmark text, a line a
// run that counts, so that benchstat can read both.
func comparisonBenchmark(side compare.Side) encoder[*compare.Record] {
	return func(r *compare.Record) (string, error) {
		var b strings.Builder
		unitLines(&b, samplesOfCandidate(r))
		fmt.Fprintf(&b, "goos: %s\ngoarch: %s\n", r.Host.OS, r.Host.Arch)
		naming := compare.Naming{}
		if r.Benchmarks != nil {
			naming = *r.Benchmarks
		}
		for _, run := range r.Runs {
			if run.Side != side || run.Left != "" {
				continue
			}
			// A command's figures keep the names of its benchmarks.
			by := map[string][]sample{}
			for _, f := range r.Figures {
				if v, ok := run.Figures[f.Name]; ok {
					name, _ := compare.SplitFigure(f.Name)
					by[name] = append(by[name], sample{f.Name, v, f.HigherBetter})
				}
			}
			for _, name := range sortedKeys(by) {
				if name == "" {
					benchmarkLine(&b, onCPUs("Queuedyno/scenario="+strings.Map(wordRune, r.Name), r.Host), 1, by[name])
					continue
				}
				config, benchmark := naming.Text(name)
				for _, line := range config {
					b.WriteString(line + "\n")
				}
				benchmarkLine(&b, benchmark, 1, by[name])
			}
		}
		return b.String(), nil
	}
}

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
func actionJSON(name, extra string, samples []sample, higher bool) (string, error) {
	out := []actionEntry{}
	for _, s := range samples {
		if s.higher == higher {
			out = append(out, actionEntry{Name: name + " " + s.metric, Unit: plainUnit(s.metric), Value: s.value, Extra: extra})
		}
	}
	return indented("figures", out)
}

// runAction is the result for github-action-benchmark: with higher for its tool
// customBiggerIsBetter, else for customSmallerIsBetter.
func runAction(higher bool) encoder[*result.Result] {
	return func(r *result.Result) (string, error) {
		extra := r.Validity.Verdict + "\n" + againstWords(r.Scenario, r.Redis, r.Postgres) + "\n" + loadWords(r.Scenario)
		return actionJSON(r.Run.Scenario, extra, samplesOf(r), higher)
	}
}

// comparisonAction is [runAction] of the candidate's medians.
func comparisonAction(higher bool) encoder[*compare.Record] {
	return func(r *compare.Record) (string, error) {
		return actionJSON(r.Name, fmt.Sprintf("%s, median of %d runs", r.Verdict, r.Pairs), samplesOfCandidate(r), higher)
	}
}
