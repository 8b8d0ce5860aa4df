package study_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestAPlanShowsTheNumbersBesideItsAnswer(t *testing.T) {
	t.Parallel()
	s := study.Staffing{
		Rate: 2000, Service: 8 * time.Millisecond, ServiceCV: 1, ArrivalCV: 1, SLO: []string{"queue.p99 < 20ms"},
		Outage: study.Outage{Length: time.Minute},
	}
	if err := s.Staff(0); err != nil {
		t.Fatal(err)
	}
	// A load of 16 at 80% takes 20, and with those 99% wait less than 20 ms.
	if s.Workers != 20 || len(s.Plans) != 3 || s.Plans[0].Workers != 19 || s.Plans[0].Meets || !s.Plans[1].Meets || !s.Plans[2].Meets {
		t.Errorf("%d workers, %+v; want 19, 20 and 21, of which 20 is the first that is enough", s.Workers, s.Plans)
	}
	// 120,000 jobs, worked off by a spare quarter of the rate.
	if o := s.Outage; o.Jobs != 120_000 || o.Recovery.Round(time.Second) != 4*time.Minute || o.Bytes < 120_000*36 {
		t.Errorf("outage %+v, want 120,000 jobs of at least their ids' 36 bytes, worked off in 4m", o)
	}
}

func TestOnlyLimitsOnTheQueueCanBePlannedFor(t *testing.T) {
	t.Parallel()
	for _, slo := range []string{"end_to_end.p99 < 20ms", "queue.p99 > 20ms", "queue.mean < 20ms", "lost == 0", "nonsense"} {
		s := study.Staffing{Rate: 100, Service: time.Millisecond, SLO: []string{slo}}
		if err := s.Staff(0); err == nil {
			t.Errorf("slo %q was taken", slo)
		}
	}
}

// ran is a run whose workers took 9 ms and 1 ms with standard deviations of 3
// and 4, and whose jobs waited for as long as given.
func ran(wait time.Duration) *result.Result {
	stage := func(mean, sd float64) *result.StageSummary {
		return &result.StageSummary{Count: 1000, MeanNS: &mean, StddevNS: &sd}
	}
	offered, p99, least := 350.0, int64(wait), int64(100*time.Microsecond)
	queue := &result.StageSummary{Count: 1000, P99NS: &p99, MinNS: &least}
	return &result.Result{
		Scenario: scenario.Scenario{Consumers: 5}, Rates: result.Rates{OfferedPerS: &offered},
		Stages:   map[metric.Stage]*result.StageSummary{metric.WorkTime: stage(9e6, 3e6), metric.Publish: stage(1e6, 4e6), metric.Queue: queue},
		Validity: result.Validity{Verdict: result.Valid},
	}
}

func TestServiceIsTheWholeCycleOfAWorker(t *testing.T) {
	t.Parallel()
	s := study.Staffing{}
	if err := s.Measured(ran(0)); err != nil {
		t.Fatal(err)
	}
	if s.Service != 10*time.Millisecond || math.Abs(s.ServiceCV-0.5) > 1e-9 || s.Rate != 350 {
		t.Errorf("%s, %v, %v; want 9 and 1 ms, sqrt(3²+4²)/10, and the rate of the run", s.Service, s.ServiceCV, s.Rate)
	}
	if err := s.Measured(&result.Result{}); err == nil {
		t.Error("a run without work was taken")
	}
}

func TestACheckFitsWithinAFactorOfTwo(t *testing.T) {
	t.Parallel()
	s := study.Staffing{Rate: 350, Service: 10 * time.Millisecond, ServiceCV: 1, ArrivalCV: 1, SLO: []string{"queue.p99 < 100ms"}}
	if err := s.Verify(ran(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	predicted := s.Check.Predicted
	for wait, fits := range map[time.Duration]bool{predicted: true, predicted * 19 / 10: true, predicted * 6 / 10: true, predicted * 21 / 10: false, predicted / 3: false} {
		if err := s.Verify(ran(wait)); err != nil {
			t.Fatal(err)
		}
		if s.Check.Fits != fits || s.Check.Verdict == "" {
			t.Errorf("measured %s, predicted %s: fits = %t (%s), want %t", wait, s.Check.Predicted, s.Check.Fits, s.Check.Verdict, fits)
		}
	}
	r := ran(predicted)
	r.Validity.Verdict = result.Invalid
	if err := s.Verify(r); err != nil || s.Check.Fits {
		t.Errorf("an invalid run checks the plan: %+v, %v", s.Check, err)
	}
}

func TestSeveralLimitsAllHold(t *testing.T) {
	t.Parallel()
	plan := func(slo ...string) *study.Staffing {
		s := &study.Staffing{Rate: 200, Service: 10 * time.Millisecond, ServiceCV: 1, ArrivalCV: 1, SLO: slo, Outage: study.Outage{Length: time.Minute}}
		if err := s.Staff(0); err != nil {
			t.Fatal(err)
		}
		return s
	}
	loose, tight := "queue.p50 < 1s", "queue.p99 < 100us"
	least := plan(tight).Workers
	if plan(loose).Workers >= least {
		t.Fatalf("%q takes as many workers as %q", loose, tight)
	}
	for _, slo := range [][]string{{loose, tight}, {tight, loose}} {
		s := plan(slo...)
		one := s.Plans[0]
		if s.Workers != least || !s.Plans[1].Meets || one.Meets || one.Why != "the wait is too long for "+tight {
			t.Errorf("%q: %d workers, want %d; one less: %t because %q, want %q to break", slo, s.Workers, least, one.Meets, one.Why, tight)
		}
		if len(one.Waits) != 2 || one.Waits[0] != one.Wait || one.Waits[0] == one.Waits[1] {
			t.Errorf("%q: waits %v, want one for each limit, the first of which is %v", slo, one.Waits, one.Wait)
		}
	}
	r := ran(time.Millisecond)
	p50 := int64(time.Hour)
	r.Stages[metric.Queue].P50NS = &p50
	s := plan("queue.p99 < 100ms", "queue.p50 < 100ms")
	if err := s.Verify(r); err != nil || s.Check.Fits || s.Check.Metric != "queue.p50" {
		t.Errorf("a check of two limits: %+v, %v; want the one that does not fit", s.Check, err)
	}
}

func TestAStallThatLastsLongerThanItComesIsRefused(t *testing.T) {
	t.Parallel()
	s := study.Staffing{Rate: 100, Service: time.Millisecond, SLO: []string{"queue.p99 < 20ms"}, Stall: 10 * time.Second, StallEvery: 5 * time.Second}
	if err := s.Staff(0); err == nil || !strings.Contains(err.Error(), "lasts 10s and comes every 5s") {
		t.Errorf("Staff() = %v", err)
	}
}

// What others' workers say, or what can be heard of them, is a service time too;
// what was not measured is said.
func TestServiceOfOthersIsWhatWasMeasuredOfThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keep  []metric.Stage
		want  time.Duration
		notes string
	}{
		"work is said":            {[]metric.Stage{metric.WorkTime, metric.Running}, 9 * time.Millisecond, "stage work"},
		"only RUNNING is said":    {[]metric.Stage{metric.Running}, 12 * time.Millisecond, "the ways of two notifications are in it"},
		"nothing is said of them": {nil, 0, "neither how long they worked (the stage work) nor RUNNING"},
	} {
		for _, observed := range []bool{true, false} {
			r := ran(0)
			all := r.Stages
			mean, sd, arrived := 12e6, 3e6, 77.0
			all[metric.Running] = &result.StageSummary{Count: 10, MeanNS: &mean, StddevNS: &sd, Censored: 2}
			r.Stages = map[metric.Stage]*result.StageSummary{}
			for _, stage := range c.keep {
				r.Stages[stage] = all[stage]
			}
			wantRate := 350.0
			if r.Scenario.External = !observed; observed {
				r.Scenario.Load.Observed, r.Rates, wantRate = true, result.Rates{AchievedPerS: 70}, arrived
				r.Observed = &result.Observation{ArrivedPerS: &arrived}
			}
			s := study.Staffing{}
			err := s.Measured(r)
			if c.want == 0 {
				var h interface{ Hint() string }
				if err == nil || !strings.Contains(err.Error(), c.notes) || !errors.As(err, &h) || h.Hint() != "give --service" {
					t.Errorf("%s, observed %t: %v, want what is missing and the remedy", name, observed, err)
				}
				continue
			}
			if err != nil || s.Service != c.want || s.Rate != wantRate || !strings.Contains(strings.Join(s.Notes, "; "), c.notes) {
				t.Errorf("%s, observed %t: %s at %v because %q, %v; want %s at %v", name, observed, s.Service, s.Rate, s.Notes, err, c.want, wantRate)
			}
		}
	}
}
