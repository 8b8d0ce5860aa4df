package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/internal/study"
)

// staffingText writes what a terminal shows of a plan.
func staffingText(w io.Writer, s *study.Staffing) error {
	var b strings.Builder
	if s.Workers > 0 {
		fmt.Fprintf(&b, "%s for %s jobs/s of %s each (%s).\n", capital(number.Plural(s.Workers, "worker")), number.Rate(s.Rate), number.Duration(float64(s.Service)), plain(s.From))
	} else {
		fmt.Fprintf(&b, "No number of workers keeps %s at %s jobs/s of %s each.\n", sloWords(s), number.Rate(s.Rate), number.Duration(float64(s.Service)))
	}
	fmt.Fprintf(&b, "\n  service varies by %s, arrivals by %s (coefficients of variation)\n  SLO %s\n", number.Digits(s.ServiceCV), number.Digits(s.ArrivalCV), sloWords(s))
	for _, note := range s.Notes {
		fmt.Fprintf(&b, "  %s\n", plain(note))
	}
	if s.Stall > 0 {
		fmt.Fprintf(&b, "  everything stands still for %s every %s\n", number.Span(s.Stall), number.Span(s.StallEvery))
	}
	b.WriteString("\n")
	for _, line := range staffTable(s).lines(100) {
		b.WriteString(line + "\n")
	}
	for _, p := range s.Plans {
		if !p.Meets {
			are := "are"
			if p.Workers == 1 {
				are = "is"
			}
			fmt.Fprintf(&b, "%s %s not enough: %s.\n", number.Plural(p.Workers, "worker"), are, plain(p.Why))
		}
	}
	o := s.Outage
	fmt.Fprintf(&b, "\nWithout any worker for %s: %s in the queue, about %s of memory in Redis", number.Span(o.Length), number.Plural(o.Jobs, "job"), bytesWords(o.Bytes))
	if o.Recovery > 0 {
		fmt.Fprintf(&b, ", worked off in %s", number.Span(o.Recovery.Round(time.Second)))
	}
	b.WriteString(".\n")
	b.WriteString("The formula: " + formulaWords(s) + ".\n")
	if c := s.Check; c != nil {
		b.WriteString("\n" + checkWords(c))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sloWords name all limits.
func sloWords(s *study.Staffing) string { return plain(strings.Join(s.SLO, " and ")) }

// quantiles are those of the limits, each once, with the place of the first limit
// on it.
func quantiles(s *study.Staffing) (names []string, at []int) {
	for i, slo := range s.SLO {
		quantile, _, _ := strings.Cut(strings.TrimPrefix(slo, "queue."), " ")
		if !slices.Contains(names, quantile) {
			names, at = append(names, quantile), append(at, i)
		}
	}
	return names, at
}

// formulaWords say how exact the figures are.
func formulaWords(s *study.Staffing) string {
	if s.Rough != "" {
		return s.Rough
	}
	words := "in this range simulation found the p99 of the wait within a sixth"
	names, _ := quantiles(s)
	others := slices.DeleteFunc(names, func(name string) bool { return name == "p99" })
	if len(others) > 0 {
		words += "; other quantiles (" + strings.Join(others, ", ") + ") were not held against it"
	}
	return words
}

// staffTable is a row a number of workers. Why one is not enough stands below it:
// a sentence in a column would leave the others no room.
func staffTable(s *study.Staffing) table {
	t := table{head: []string{"workers", "busy", "wait", "mean wait"}}
	names, at := quantiles(s)
	for _, name := range names {
		t.head = append(t.head, name+" wait")
	}
	t.head = append(t.head, "rate may rise by")
	if s.Stall > 0 {
		t.head = append(t.head, "delayed by stalls")
	}
	t.words = map[int]bool{len(t.head): true}
	t.head = append(t.head, "enough")
	for _, p := range s.Plans {
		row := []string{number.Count(int64(p.Workers)), number.Percent(p.Utilisation), number.Percent(p.WaitProbability), waitWords(p.MeanWait)}
		for _, i := range at {
			row = append(row, waitWords(p.Waits[i]))
		}
		row = append(row, number.Percent(max(0, p.Burst)))
		if s.Stall > 0 {
			row = append(row, number.Percent(p.StallShare))
		}
		enough := "yes"
		if !p.Meets {
			enough = "no"
		}
		t.rows = append(t.rows, append(row, enough))
	}
	return t
}

func waitWords(d time.Duration) string {
	if d == queueing.Unstable {
		return "without end"
	}
	return number.Duration(float64(d))
}

// bytesWords is a number of bytes in the unit that suits it.
func bytesWords(n int64) string {
	for _, u := range []struct {
		name  string
		bytes float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if float64(n) >= u.bytes {
			return number.Digits(float64(n)/u.bytes) + " " + u.name
		}
	}
	return number.Plural(n, "byte")
}

func checkWords(c *study.Check) string {
	head := fmt.Sprintf("Checked with %s: %s.\n", number.Plural(c.Workers, "worker"), plain(c.Verdict))
	if c.Measured == 0 {
		return head
	}
	return head + fmt.Sprintf("  %s measured %s, predicted %s for the service time of %s that was measured (ratio %s)\n",
		c.Metric, number.Duration(float64(c.Measured)), number.Duration(float64(c.Predicted)), number.Duration(float64(c.Service)), number.Digits(c.Ratio))
}

// staffingJSON writes a plan, which is read back as it was.
func staffingJSON(w io.Writer, s *study.Staffing) error { return indented(w, "staffing plan", s) }
