package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// runFlagsOf reads a command line of the verb run, and an environment.
func runFlagsOf(t *testing.T, env map[string]string, args ...string) runFlags {
	t.Helper()
	p := &program{flags: map[*cobra.Command]*flags{}}
	cmd := &cobra.Command{Use: "run"}
	f := addRunFlags(p.flagsOf(cmd))
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	f.readEnv(func(name string) string { return env[name] })
	if len(f.faults) > 0 {
		t.Fatalf("%v: %v", args, f.faults)
	}
	return f
}

func inFile() scenario.Scenario {
	return scenario.Scenario{
		Name:       "steady",
		Load:       scenario.Load{Rate: pace.PerSecond(1000), Duration: 10 * time.Second, Arrivals: pace.Poisson},
		Producers:  2,
		Consumers:  8,
		Work:       scenario.Work{Time: time.Millisecond},
		Thresholds: []string{"end_to_end.p99 < 50ms", "lost == 0"},
	}
}

func TestEveryFlagOverridesItsField(t *testing.T) {
	t.Parallel()
	f := runFlagsOf(t, nil, "-r", "2k/s", "--arrivals", "constant", "-d", "30s", "-n", "500", "-x", "3", "-y", "4",
		"--subscribers", "5", "--batch", "6", "-s", "1KiB", "--work", "7ms", "--warmup", "8s",
		"--drain-timeout", "9s", "--seed", "10", "--max-in-flight", "5000", "--max-backlog", "6000", "--threshold", "errors == 0")
	got, notes := f.apply(inFile())
	want := scenario.Scenario{
		Name: "steady",
		Load: scenario.Load{
			Rate: pace.PerSecond(2000), Arrivals: pace.Constant, Duration: 30 * time.Second, Jobs: 500,
			MaxInFlight: 5000, MaxBacklog: 6000,
		},
		Producers: 3, Consumers: 4, Subscribers: 5, Batch: 6, Payload: 1024,
		Work: scenario.Work{Time: 7 * time.Millisecond}, Warmup: 8 * time.Second, DrainTimeout: 9 * time.Second, Seed: 10,
		Thresholds: []string{"end_to_end.p99 < 50ms", "lost == 0", "errors == 0"},
	}.WithDefaults()
	if diff := cmp.Diff(want, got); diff != "" || len(notes) != 0 {
		t.Errorf("apply() differs (-want +got), notes %q:\n%s", notes, diff)
	}
}

func TestWithoutFlagsTheScenarioStays(t *testing.T) {
	t.Parallel()
	got, notes := runFlagsOf(t, nil).apply(inFile())
	if diff := cmp.Diff(inFile().WithDefaults(), got); diff != "" || len(notes) != 0 {
		t.Errorf("apply() differs (-want +got), notes %q:\n%s", notes, diff)
	}
}

func TestABoundGivenAloneReplacesBothOfTheFile(t *testing.T) {
	t.Parallel()
	both := inFile()
	both.Load.Jobs = 77
	for _, c := range []struct {
		args     []string
		duration time.Duration
		jobs     int64
	}{
		{[]string{"-d", "3s"}, 3 * time.Second, 0},
		{[]string{"-n", "200"}, 0, 200},
		{[]string{"-d", "3s", "-n", "200"}, 3 * time.Second, 200},
		{nil, 10 * time.Second, 77},
	} {
		got, _ := runFlagsOf(t, nil, c.args...).apply(both)
		if got.Load.Duration != c.duration || got.Load.Jobs != c.jobs {
			t.Errorf("%q: duration %s and %d jobs, want %s and %d", c.args, got.Load.Duration, got.Load.Jobs, c.duration, c.jobs)
		}
	}
}

func TestAnotherKindOfLoadTakesItsSettingsAlongAndSaysSo(t *testing.T) {
	t.Parallel()
	got, notes := runFlagsOf(t, nil, "-r", "max", "-y", "50").apply(inFile())
	if faults := got.Validate(); len(faults) > 0 {
		t.Errorf("poisson at a rate, then --rate max: %v", faults)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "poisson") {
		t.Errorf("notes = %q, want one about poisson", notes)
	}
	if got.Load.InFlight < 2*52 {
		t.Errorf("in flight = %d; the default does not follow the pools of the flags", got.Load.InFlight)
	}
	closed := scenario.Scenario{Name: "ceiling", Load: scenario.Load{InFlight: 64, Duration: time.Second}}
	got, notes = runFlagsOf(t, nil, "-r", "500").apply(closed)
	if faults := got.Validate(); len(faults) > 0 || len(notes) != 1 {
		t.Errorf("a closed loop, then --rate 500: faults %v, notes %q", faults, notes)
	}
}

func TestAThresholdReplacesThoseOnTheSameMetricOnly(t *testing.T) {
	t.Parallel()
	s := inFile()
	got, _ := runFlagsOf(t, nil, "--threshold", "end_to_end.p99 < 1s").apply(s)
	if diff := cmp.Diff([]string{"lost == 0", "end_to_end.p99 < 1s"}, got.Thresholds); diff != "" {
		t.Errorf("thresholds differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(inFile().Thresholds, s.Thresholds); diff != "" {
		t.Errorf("apply changed the scenario it was given (-want +got):\n%s", diff)
	}
}

func TestAFlagComesBeforeTheEnvironmentBeforeTheFile(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"QUEUEDYNO_CONSUMERS": "5", "QUEUEDYNO_PRODUCERS": "6", "QUEUEDYNO_DRAIN_TIMEOUT": "7s",
		"QUEUEDYNO_TAG": "a=1,b=2", "QUEUEDYNO_JSON": "true",
	}
	f := runFlagsOf(t, env, "-y", "9", "--json=false")
	got, _ := f.apply(inFile())
	if got.Consumers != 9 || got.Producers != 6 || got.DrainTimeout != 7*time.Second {
		t.Errorf("consumers, producers, drain = %d, %d, %s; want 9, 6, 7s", got.Consumers, got.Producers, got.DrainTimeout)
	}
	if f.json.get() {
		t.Error("--json=false did not win over QUEUEDYNO_JSON=true")
	}
	if diff := cmp.Diff([]tag{{"a", "1"}, {"b", "2"}}, f.tags.all, cmp.AllowUnexported(tag{})); diff != "" {
		t.Errorf("tags differ (-want +got):\n%s", diff)
	}
	if f.source("consumers") != "--consumers" || f.source("producers") != "QUEUEDYNO_PRODUCERS" {
		t.Errorf("sources = %s, %s", f.source("consumers"), f.source("producers"))
	}
}
