package override_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// flagsOf reads the flags of run from a command line and an environment.
func flagsOf(t *testing.T, env []string, args ...string) override.Flags {
	t.Helper()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	o := override.Declare(flags.New(set), "run")
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	o.ReadEnv(env)
	if len(o.Problems) > 0 {
		t.Fatalf("%v: %v", args, o.Problems)
	}
	return o
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

func TestFlagsSayHowJobsComeInAndWhereTheirEndIsSeen(t *testing.T) {
	t.Parallel()
	f := flagsOf(t, []string{"QUEUEDYNO_EXIT_HEADER=Cookie: ${SESSION}\nAccept: a, b"},
		"-y", "external", "--entry", "http://127.0.0.1:3000/jobs", "--entry-header", "Accept: a, b", "--entry-header", "Authorization: ${TOKEN}",
		"--entry-body", "{}", "--entry-id", ".id", "--entry-connections", "5", "--exit", "ws://127.0.0.1:3000/", "--exit-clients", "3", "--exit-id", ".id")
	s := inFile()
	s.Entry.Kind, s.Entry.Postgres.Table = scenario.EntryPostgres, "jobs"
	got, _ := f.Apply(s)
	want := scenario.Scenario{
		Entry: scenario.Entry{Kind: scenario.EntryHTTP, HTTP: scenario.HTTPEntry{
			URL: "http://127.0.0.1:3000/jobs", Headers: map[string]string{"Accept": "a, b", "Authorization": "${TOKEN}"}, Body: "{}", ID: ".id", Connections: 5,
		}},
		Exit: scenario.Exit{WebSocket: scenario.WebSocketExit{
			URL: "ws://127.0.0.1:3000/", Headers: map[string]string{"Accept": "a, b", "Cookie": "${SESSION}"}, Clients: 3, ID: ".id",
		}},
	}.WithDefaults()
	if diff := cmp.Diff([]any{want.Entry, want.Exit}, []any{got.Entry, got.Exit}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if faults := f.Check(got); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
}

// TestAnotherEntryTakesItsThresholdsAlong: those of the file go with a note, and one that
// is given with the flag is refused.
func TestAnotherEntryTakesItsThresholdsAlong(t *testing.T) {
	t.Parallel()
	s := inFile()
	s.Entry.Kind, s.Thresholds = scenario.EntryPostgres, []string{"store.p99 < 50ms", "lost == 0", "save.p99 < 9ms"}
	got, notes := flagsOf(t, nil, "--entry", "push").Apply(s)
	want := []string{
		"steady: threshold store.p99 < 50ms is ignored: store is not measured with this entry and exit",
		"steady: threshold save.p99 < 9ms is ignored: save is not measured with this entry and exit",
	}
	if diff := cmp.Diff(want, notes); diff != "" || !cmp.Equal(got.Thresholds, []string{"lost == 0"}) {
		t.Errorf("thresholds %q and notes (-want +got):\n%s", got.Thresholds, diff)
	}
	f := flagsOf(t, nil, "--threshold", "store.p99 < 50ms")
	got, _ = f.Apply(inFile())
	if faults := f.Check(got); len(faults) != 1 || !strings.Contains(faults[0].What, "--threshold: ") {
		t.Errorf("faults %v, want one of --threshold", faults)
	}
	if got, notes := flagsOf(t, nil).Apply(s); len(notes) > 0 || len(got.Thresholds) != 3 {
		t.Errorf("without a flag: %q, %q", got.Thresholds, notes)
	}
}

func TestEveryFlagOverridesItsField(t *testing.T) {
	t.Parallel()
	f := flagsOf(t, nil, "-r", "2k/s", "--arrivals", "constant", "-d", "30s", "-n", "500", "-x", "3", "-y", "4",
		"--subscribers", "5", "--batch", "6", "-s", "1KiB", "--work", "7ms", "--warmup", "8s",
		"--drain-timeout", "9s", "--seed", "10", "--max-in-flight", "5000", "--max-backlog", "6000", "--threshold", "errors == 0")
	got, notes := f.Apply(inFile())
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
		t.Errorf("Apply() differs (-want +got), notes %q:\n%s", notes, diff)
	}
}

func TestWithoutFlagsTheScenarioStays(t *testing.T) {
	t.Parallel()
	got, notes := flagsOf(t, nil).Apply(inFile())
	if diff := cmp.Diff(inFile().WithDefaults(), got); diff != "" || len(notes) != 0 {
		t.Errorf("Apply() differs (-want +got), notes %q:\n%s", notes, diff)
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
		got, _ := flagsOf(t, nil, c.args...).Apply(both)
		if got.Load.Duration != c.duration || got.Load.Jobs != c.jobs {
			t.Errorf("%q: duration %s and %d jobs, want %s and %d", c.args, got.Load.Duration, got.Load.Jobs, c.duration, c.jobs)
		}
	}
}

func TestAnotherKindOfLoadTakesItsSettingsAlongAndSaysSo(t *testing.T) {
	t.Parallel()
	got, notes := flagsOf(t, nil, "-r", "max", "-y", "50").Apply(inFile())
	if problems := got.Validate(); len(problems) > 0 {
		t.Errorf("poisson at a rate, then --rate max: %v", problems)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "poisson") {
		t.Errorf("notes = %q, want one about poisson", notes)
	}
	if got.Load.InFlight < 2*52 {
		t.Errorf("in flight = %d; the default does not follow the pools of the flags", got.Load.InFlight)
	}
	closed := scenario.Scenario{Name: "ceiling", Load: scenario.Load{InFlight: 64, Duration: time.Second}}
	got, notes = flagsOf(t, nil, "-r", "500").Apply(closed)
	if problems := got.Validate(); len(problems) > 0 || len(notes) != 1 {
		t.Errorf("a closed loop, then --rate 500: problems %v, notes %q", problems, notes)
	}
}

func TestAThresholdReplacesThoseOnTheSameMetricOnly(t *testing.T) {
	t.Parallel()
	s := inFile()
	got, _ := flagsOf(t, nil, "--threshold", "end_to_end.p99 < 1s").Apply(s)
	if diff := cmp.Diff([]string{"lost == 0", "end_to_end.p99 < 1s"}, got.Thresholds); diff != "" {
		t.Errorf("thresholds differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(inFile().Thresholds, s.Thresholds); diff != "" {
		t.Errorf("apply changed the scenario it was given (-want +got):\n%s", diff)
	}
}

func TestAFlagComesBeforeTheEnvironmentBeforeTheFile(t *testing.T) {
	t.Parallel()
	env := []string{"QUEUEDYNO_CONSUMERS=5", "QUEUEDYNO_PRODUCERS=6", "QUEUEDYNO_DRAIN_TIMEOUT=7s", "QUEUEDYNO_RUNNING=true", "QUEUEDYNO_THRESHOLD=lost == 1,errors == 0"}
	f := flagsOf(t, env, "-y", "9", "--running=false")
	got, _ := f.Apply(inFile())
	if got.Consumers != 9 || got.Producers != 6 || got.DrainTimeout != 7*time.Second {
		t.Errorf("consumers, producers, drain = %d, %d, %s; want 9, 6, 7s", got.Consumers, got.Producers, got.DrainTimeout)
	}
	if got.Work.Running {
		t.Error("--running=false did not win over QUEUEDYNO_RUNNING=true")
	}
	if diff := cmp.Diff([]string{"end_to_end.p99 < 50ms", "lost == 1", "errors == 0"}, got.Thresholds); diff != "" {
		t.Errorf("thresholds differ (-want +got):\n%s", diff)
	}
	if f.Source("consumers") != "--consumers" || f.Source("producers") != "QUEUEDYNO_PRODUCERS" {
		t.Errorf("sources = %s, %s", f.Source("consumers"), f.Source("producers"))
	}
}

func TestStagesIsTheOldNameOfSteps(t *testing.T) {
	t.Parallel()
	want, _ := flagsOf(t, nil, "--steps", "30s:500").Apply(inFile())
	for _, f := range []override.Flags{flagsOf(t, nil, "--stages", "30s:500"), flagsOf(t, []string{"QUEUEDYNO_STAGES=30s:500"})} {
		got, _ := f.Apply(inFile())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the old name makes another load (-steps +stages):\n%s", diff)
		}
		if len(f.Notes) != 1 || !strings.Contains(f.Notes[0], "is now called") {
			t.Errorf("notes = %q, want one that says the new name", f.Notes)
		}
	}
	if got, _ := flagsOf(t, []string{"QUEUEDYNO_STAGES=1s:1"}, "--steps", "30s:500").Apply(inFile()); !cmp.Equal(want, got) {
		t.Error("the old variable won over --steps on the command line")
	}
}

func TestOnlyRunKeepsTheFaultsOfAScenario(t *testing.T) {
	t.Parallel()
	pause := scenario.Fault{At: time.Second, For: time.Second, Kind: scenario.PauseFault, Target: scenario.RedisTarget}
	s := inFile()
	s.Faults = []scenario.Fault{pause}
	if got, notes := flagsOf(t, nil).Apply(s); len(got.Faults) != 1 || len(notes) != 0 {
		t.Errorf("run: faults %v, notes %q; want the fault and no note", got.Faults, notes)
	}
	given := flagsOf(t, nil, "--fault", "2s:kill=workers,count=2,restart=1s", "--fault", "5s:disconnect=producers")
	if got, _ := given.Apply(s); len(got.Faults) != 2 || got.Faults[0].Count != 2 || got.Faults[1].Target != scenario.ProducersTarget {
		t.Errorf("run with --fault: faults %v, want the two of the flags", got.Faults)
	}
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	other := override.Declare(flags.New(set), "compare")
	if got, notes := other.Apply(s); len(got.Faults) != 0 || len(notes) != 1 || !strings.Contains(notes[0], "ignoring its faults") {
		t.Errorf("compare: faults %v, notes %q; want a note in place of the fault", got.Faults, notes)
	}
}

func TestThresholdsOnFaultsGoWithTheirFaults(t *testing.T) {
	t.Parallel()
	pause := scenario.Fault{At: time.Second, For: time.Second, Kind: scenario.PauseFault, Target: scenario.RedisTarget, Name: "stop"}
	s := inFile()
	s.Faults, s.Thresholds = []scenario.Fault{pause}, []string{"fault.stop.lost == 0", "fault.lost == 0", "lost == 0"}
	if got, notes := flagsOf(t, nil).Apply(s); len(got.Thresholds) != 3 || len(notes) != 0 {
		t.Errorf("run: thresholds %q, notes %q; want all three", got.Thresholds, notes)
	}
	given := flagsOf(t, nil, "--fault", "2s:kill=workers,name=crash", "--threshold", "fault.crash.lost < 9")
	got, notes := given.Apply(s)
	if want := []string{"fault.lost == 0", "lost == 0", "fault.crash.lost < 9"}; !cmp.Equal(got.Thresholds, want) || len(notes) != 1 || !strings.Contains(notes[0], "fault.stop.lost == 0 is ignored") {
		t.Errorf("run with --fault: thresholds %q, notes %q; want %q and a note", got.Thresholds, notes, want)
	}
	if problems := given.Check(got); len(problems) > 0 {
		t.Errorf("run with --fault: %v", problems)
	}
	wrong := flagsOf(t, nil, "--threshold", "fault.crash.lost == 0")
	got, _ = wrong.Apply(s)
	if problems := wrong.Check(got); len(problems) != 1 || !strings.Contains(problems[0].What, "--threshold: ") || !strings.Contains(problems[0].What, "no fault has the name crash") {
		t.Errorf("a threshold on a fault that is not there: %v, want one problem of --threshold", problems)
	}
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	if got, _ := override.Declare(flags.New(set), "compare").Apply(s); !cmp.Equal(got.Thresholds, []string{"lost == 0"}) {
		t.Errorf("compare: thresholds %q, want only the one that is not on faults", got.Thresholds)
	}
}
