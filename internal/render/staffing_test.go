package render_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/study"
)

func TestAPlanIsShownWithWhatSpeaksAgainstIt(t *testing.T) {
	t.Parallel()
	plan := func(change func(*study.Staffing)) string {
		s := &study.Staffing{
			Rate: 950, Service: 10 * time.Millisecond, ServiceCV: 1, ArrivalCV: 1, From: "as given", SLO: []string{"queue.p99 < 20ms"},
			Outage: study.Outage{Length: time.Minute},
		}
		if change != nil {
			change(s)
		}
		if err := s.Staff(0); err != nil {
			t.Fatal(err)
		}
		if s.Check != nil {
			s.Check.Workers = s.Workers
		}
		var b strings.Builder
		if err := render.StaffingText(&b, s); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		change func(*study.Staffing)
		want   []string
	}{
		"as it is": {want: []string{"12 workers for 950 jobs/s", "57,000 jobs in the queue, about 2.28 MB", "within a sixth", "11 workers are not enough: the workers are busy more than 80% of the time.", "  no\n"}},
		"several limits": {
			change: func(s *study.Staffing) { s.SLO = []string{"queue.p99 < 20ms", "queue.p50 < 1ms"} },
			want:   []string{"SLO queue.p99 < 20ms and queue.p50 < 1ms", "p99 wait", "p50 wait", "the p99 of the wait within a sixth; other quantiles (p50) were not held against it"},
		},
		"measured": {change: func(s *study.Staffing) { s.From, s.Notes = "measured in run 7", []string{"stage running"} }, want: []string{"(measured in run 7)", "  stage running\n"}},
		"variable": {change: func(s *study.Staffing) { s.ServiceCV = 2 }, want: []string{"a third longer or shorter"}},
		"stalls":   {change: func(s *study.Staffing) { s.Stall, s.StallEvery = time.Second, 10*time.Second }, want: []string{"No number of workers keeps", "delayed by stalls", "a stall delays too many jobs"}},
		"checked": {
			change: func(s *study.Staffing) {
				s.Check = &study.Check{Metric: "queue.p99", Measured: 8 * time.Millisecond, Predicted: 4 * time.Millisecond, Ratio: 2, Service: 10 * time.Millisecond, Verdict: "consistent"}
			},
			want: []string{"Checked with 12 workers: consistent.", "queue.p99 measured 8.00 ms, predicted 4.00 ms"},
		},
	} {
		got := plan(c.change)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", name, want, got)
			}
		}
	}
}

// At least two blanks separate columns, since a head may have several words.
func TestTheColumnsOfAPlanAreSeparate(t *testing.T) {
	t.Parallel()
	s := &study.Staffing{
		Rate: 950, Service: 10 * time.Millisecond, ServiceCV: 1, ArrivalCV: 1, From: "as given", SLO: []string{"queue.p99 < 20ms"},
		Stall: time.Second, StallEvery: 10 * time.Second, Outage: study.Outage{Length: time.Minute},
	}
	if err := s.Staff(0); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := render.StaffingText(&b, s); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "workers") {
			continue
		}
		got := strings.Split(regexp.MustCompile(" {2,}").ReplaceAllString(strings.TrimSpace(line), "|"), "|")
		want := []string{"workers", "busy", "wait", "mean wait", "p99 wait", "rate may rise by", "delayed by stalls", "enough"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("columns (-want +got):\n%s\n%s", diff, b.String())
		}
	}
}
