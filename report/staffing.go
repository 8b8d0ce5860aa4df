package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/scenario/queueing"
	"github.com/queuedyno/queuedyno/scenario/study"
)

// StaffingText writes what a terminal shows of a plan.
func StaffingText(w io.Writer, s *study.Staffing) error {
	var b strings.Builder
	if s.Workers > 0 {
		fmt.Fprintf(&b, "%s for %s jobs/s of %s each (%s).\n", capital(plural(int64(s.Workers), "worker")), rate(s.Rate), duration(float64(s.Service)), plain(s.From))
	} else {
		fmt.Fprintf(&b, "No number of workers keeps %s at %s jobs/s of %s each.\n", plain(s.SLO), rate(s.Rate), duration(float64(s.Service)))
	}
	fmt.Fprintf(&b, "\n  service varies by %s, arrivals by %s (coefficients of variation)\n  SLO %s\n", digits3(s.ServiceCV), digits3(s.ArrivalCV), plain(s.SLO))
	if s.Stall > 0 {
		fmt.Fprintf(&b, "  everything stands still for %s every %s\n", span(s.Stall), span(s.StallEvery))
	}
	b.WriteString("\n")
	for _, line := range staffTable(s).lines(100) {
		b.WriteString(line + "\n")
	}
	o := s.Outage
	fmt.Fprintf(&b, "\nWithout any worker for %s: %s in the queue, about %s of memory in Redis", span(o.Length), plural(o.Jobs, "job"), bytesWords(o.Bytes))
	if o.Recovery > 0 {
		fmt.Fprintf(&b, ", worked off in %s", span(o.Recovery.Round(time.Second)))
	}
	b.WriteString(".\n")
	rough := s.Rough
	if rough == "" {
		rough = "in this range simulation found its p99 within a sixth"
	}
	b.WriteString("The formula: " + rough + ".\n")
	if c := s.Check; c != nil {
		b.WriteString("\n" + checkWords(s.SLO, c))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func staffTable(s *study.Staffing) table {
	quantile, _, _ := strings.Cut(strings.TrimPrefix(s.SLO, "queue."), " ")
	t := table{head: []string{"workers", "busy", "wait", "mean wait", quantile + " wait", "rate may rise by", "enough"}, words: map[int]bool{6: true}}
	if s.Stall > 0 {
		t.head = append(t.head[:6:6], "delayed by stalls", "enough")
		t.words = map[int]bool{7: true}
	}
	for _, p := range s.Plans {
		row := []string{
			count(int64(p.Workers)), percentWords(p.Utilisation), percentWords(p.WaitProbability),
			waitWords(p.MeanWait), waitWords(p.Wait), percentWords(max(0, p.Burst)),
		}
		if s.Stall > 0 {
			row = append(row, percentWords(p.StallShare))
		}
		enough := "yes"
		if !p.Meets {
			enough = "no: " + p.Why
		}
		t.rows = append(t.rows, append(row, enough))
	}
	return t
}

func percentWords(share float64) string { return digits3(100*share) + " %" }

func waitWords(d time.Duration) string {
	if d == queueing.Unstable {
		return "without end"
	}
	return duration(float64(d))
}

// bytesWords is a number of bytes in the unit that suits it.
func bytesWords(n int64) string {
	for _, u := range []struct {
		name  string
		bytes float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if float64(n) >= u.bytes {
			return digits3(float64(n)/u.bytes) + " " + u.name
		}
	}
	return plural(n, "byte")
}

func checkWords(slo string, c *study.Check) string {
	metric, _, _ := strings.Cut(slo, " ")
	head := fmt.Sprintf("Checked with %s: %s.\n", plural(int64(c.Workers), "worker"), plain(c.Verdict))
	if c.Measured == 0 {
		return head
	}
	return head + fmt.Sprintf("  %s measured %s, predicted %s for the service time of %s that was measured (ratio %s)\n",
		metric, duration(float64(c.Measured)), duration(float64(c.Predicted)), duration(float64(c.Service)), digits3(c.Ratio))
}
