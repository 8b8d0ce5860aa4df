package scenario_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/scenario"
)

// entries are the scenarios that differ in the stages of their entry and exit.
func entries() map[string]struct {
	change func(*scenario.Scenario)
	stages []metric.Stage
} {
	websocket := func(s *scenario.Scenario) { s.Exit.WebSocket.URL = "ws://127.0.0.1/" }
	postgres := func(s *scenario.Scenario) {
		s.Entry.Kind, s.Entry.Postgres.Table = scenario.EntryPostgres, "jobs"
	}
	type row = struct {
		change func(*scenario.Scenario)
		stages []metric.Stage
	}
	return map[string]row{
		"push":      {func(*scenario.Scenario) {}, []metric.Stage{metric.Enqueue}},
		"postgres":  {postgres, []metric.Stage{metric.Store, metric.Enqueue, metric.Save}},
		"websocket": {websocket, []metric.Stage{metric.Enqueue, metric.Broadcast}},
		"both":      {func(s *scenario.Scenario) { postgres(s); websocket(s) }, []metric.Stage{metric.Store, metric.Enqueue, metric.Save, metric.Broadcast}},
		"external":  {func(s *scenario.Scenario) { postgres(s); s.External = true }, []metric.Stage{metric.Store, metric.Enqueue}},
		"http":      {func(s *scenario.Scenario) { requested(s); websocket(s) }, []metric.Stage{metric.Request, metric.Broadcast}},
		"observed": {func(s *scenario.Scenario) {
			*s = scenario.Scenario{Name: s.Name, Load: scenario.Load{Observed: true}}
		}, nil},
	}
}

// ofEntry are the stages that depend on the entry and on the exit.
var ofEntry = []metric.Stage{metric.Store, metric.Enqueue, metric.Save, metric.Broadcast, metric.Request}

func TestTheEntryAndTheExitAddTheirStages(t *testing.T) {
	t.Parallel()
	for name, row := range entries() {
		s := sound()
		row.change(&s)
		if faults := s.Validate(); len(faults) > 0 {
			t.Errorf("%s: faults %v", name, faults)
		}
		var got []metric.Stage
		for _, stage := range s.WithDefaults().Measured() {
			if slices.Contains(ofEntry, stage) {
				got = append(got, stage)
			}
		}
		if diff := cmp.Diff(row.stages, got); diff != "" {
			t.Errorf("%s: stages (-want +got):\n%s", name, diff)
		}
		headline := metric.EndToEnd
		if s.Load.Observed {
			headline = metric.Running
		}
		if s.Headline() != headline {
			t.Errorf("%s: headline %s, want %s", name, s.Headline(), headline)
		}
	}
}

// TestAThresholdOnAStageThatIsNotMeasuredIsRefused: otherwise it would stay undecided
// after the whole run.
func TestAThresholdOnAStageThatIsNotMeasuredIsRefused(t *testing.T) {
	t.Parallel()
	remedies := map[metric.Stage]string{
		metric.Store: "write entry: postgres", metric.Save: "write entry: postgres and a number of consumers",
		metric.Request: "the URL of your API as the entry", metric.Broadcast: "the URL of your API as the exit",
	}
	for name, row := range entries() {
		for stage, remedy := range remedies {
			s := sound()
			row.change(&s)
			s.Thresholds = []string{"errors == 0", string(stage) + ".p99 < 5ms"}
			faults := s.Validate()
			switch {
			case slices.Contains(row.stages, stage):
				if len(faults) > 0 {
					t.Errorf("%s: %s is measured: faults %v", name, stage, faults)
				}
			case len(faults) != 1 || faults[0].Field != "thresholds[1]" || !strings.Contains(faults[0].Message, remedy):
				t.Errorf("%s: %s is not measured: faults %v, want one of thresholds[1] with %q", name, stage, faults, remedy)
			}
		}
	}
	_, err := parse("thresholds: [\"lost == 0\", \"store.p99 < 5ms\"]")
	if want := `f:5:31: thresholds[1]: store.p99: store is measured for jobs that are stored in Postgres`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Parse = %v, want %q", err, want)
	}
}
