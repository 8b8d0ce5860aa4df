package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/report"
	"github.com/queuedyno/queuedyno/scenario/study"
)

func TestAPlanIsShownWithWhatSpeaksAgainstIt(t *testing.T) {
	t.Parallel()
	plan := func(change func(*study.Staffing)) string {
		s := &study.Staffing{
			Rate: 950, Service: 10 * time.Millisecond, ServiceCV: 1, ArrivalCV: 1, From: "as given", SLO: "queue.p99 < 20ms",
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
		if err := report.StaffingText(&b, s); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		change func(*study.Staffing)
		want   []string
	}{
		"as it is": {want: []string{"12 workers for 950 jobs/s", "57,000 jobs in the queue, about 2.28 MB", "within a sixth", "no: the workers are busy more than 80 %"}},
		"variable": {change: func(s *study.Staffing) { s.ServiceCV = 2 }, want: []string{"a third longer or shorter"}},
		"stalls":   {change: func(s *study.Staffing) { s.Stall, s.StallEvery = time.Second, 10*time.Second }, want: []string{"No number of workers keeps", "delayed by stalls", "a stall delays too many jobs"}},
		"checked": {
			change: func(s *study.Staffing) {
				s.Check = &study.Check{Measured: 8 * time.Millisecond, Predicted: 4 * time.Millisecond, Ratio: 2, Service: 10 * time.Millisecond, Verdict: "consistent"}
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
