package queuedyno_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno"
	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func bundled(t *testing.T) []scenario.Scenario {
	t.Helper()
	all, err := scenario.Parse("scenarios.yaml", queuedyno.Scenarios())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheFirstBundledScenarioIsSteady(t *testing.T) {
	t.Parallel()
	want := scenario.Scenario{
		Name:         "steady",
		Description:  "Does the pipeline hold 1,000 jobs/s?",
		Load:         scenario.Load{Rate: pace.PerSecond(1000), Duration: 10 * time.Second, Arrivals: pace.Constant},
		Producers:    2,
		Consumers:    8,
		Subscribers:  1,
		Work:         scenario.Work{Time: time.Millisecond},
		Warmup:       2 * time.Second,
		DrainTimeout: 10 * time.Second,
		Thresholds:   []string{"end_to_end.p99 < 50ms", "lost == 0"},
	}
	if diff := cmp.Diff(want, bundled(t)[0]); diff != "" {
		t.Errorf("first scenario (-want +got):\n%s", diff)
	}
}

func TestEveryBundledScenarioAsksAQuestionAndTakesLessThanHalfAMinute(t *testing.T) {
	t.Parallel()
	for _, s := range bundled(t) {
		if !strings.HasSuffix(s.Description, "?") {
			t.Errorf("%s: description %q asks nothing", s.Name, s.Description)
		}
		if len(s.Thresholds) == 0 {
			t.Errorf("%s: no threshold, so it cannot fail", s.Name)
		}
		if length := scheduled(s); length <= 0 || length > 30*time.Second {
			t.Errorf("%s: the load takes %s, want at most 30s", s.Name, length)
		}
	}
}

// TestBundledThresholdsCanBeAnswered holds every quantile that a threshold
// names against the number of jobs in the window.
func TestBundledThresholdsCanBeAnswered(t *testing.T) {
	t.Parallel()
	for _, s := range bundled(t) {
		for _, expr := range s.Thresholds {
			limit, err := threshold.Parse(expr)
			if err != nil {
				t.Fatal(err)
			}
			_, quantile, found := strings.Cut(limit.Metric, ".p")
			if !found {
				continue
			}
			percent, err := strconv.ParseFloat(quantile, 64)
			if err != nil {
				t.Fatal(err)
			}
			if s.Load.Closed() {
				t.Errorf("%s: %q is a limit on a latency of a closed loop", s.Name, expr)
				continue
			}
			window := s.Load.Rate.Float() * (scheduled(s) - s.Warmup).Seconds()
			if above := math.Round(window * (1 - percent/100)); above < 1.5*latency.MinTail {
				t.Errorf("%s: %q has %v jobs above it, want at least %v", s.Name, expr, above, 1.5*latency.MinTail)
			}
		}
	}
}

// TestBundledFaultsLeaveTimeBeforeAndAfter holds what a fault's figures need: enough jobs
// before it to compare with, and load after it until all is as before.
func TestBundledFaultsLeaveTimeBeforeAndAfter(t *testing.T) {
	t.Parallel()
	faulty := map[string]bool{}
	for _, s := range bundled(t) {
		for _, f := range s.Faults {
			faulty[s.Name] = true
			end, _ := f.End()
			if before := s.Load.Rate.Float() * f.At.Seconds(); f.At < 5*time.Second || before < 1000 {
				t.Errorf("%s: %s begins after %.0f jobs, want at least 5s and 1,000 jobs", s.Name, f, before)
			}
			if after := scheduled(s) - end; after < 6*time.Second {
				t.Errorf("%s: the load ends %s after %s, want at least 6s", s.Name, after, f)
			}
			refused := fault.Refuse(s.Faults, fault.Place{Kind: "embedded"})
			if f.OnServer() != (len(refused) > 0) {
				t.Errorf("%s: refused on the embedded server: %v", s.Name, refused)
			}
		}
		if len(s.Faults) > 0 && !slices.ContainsFunc(s.Thresholds, func(expr string) bool { return strings.HasPrefix(expr, "fault.recovery") }) {
			t.Errorf("%s: no threshold on fault.recovery in %q", s.Name, s.Thresholds)
		}
	}
	for _, name := range []string{"outage", "crash", "failover", "bad-network", "worker-crash"} {
		if !faulty[name] {
			t.Errorf("the bundled scenario %s breaks nothing", name)
		}
	}
}

// scheduled is how long the load of the scenario lasts.
func scheduled(s scenario.Scenario) time.Duration {
	s = s.WithDefaults()
	if s.Load.Duration > 0 {
		return s.Load.Duration
	}
	return s.Load.Rate.At(s.Load.Jobs)
}

func TestScenariosCannotBeChangedByACaller(t *testing.T) {
	t.Parallel()
	first := queuedyno.Scenarios()
	first[0] = '!'
	if queuedyno.Scenarios()[0] == '!' {
		t.Error("a change of the bytes changed the bundled scenarios")
	}
}
