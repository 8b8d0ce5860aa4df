package fault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/scenario"
)

// diary is what happened to injectors, and when.
type diary struct {
	mu    sync.Mutex
	began time.Time
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%s ", time.Since(d.began))+fmt.Sprintf(format, args...))
}

// recorded is an injector that writes into a diary.
type recorded struct {
	*diary
	name string
	fail error
}

func (r recorded) Begin(ctx context.Context) error {
	r.note("begin %s", r.name)
	return r.fail
}

func (r recorded) End(ctx context.Context) error {
	r.note("end %s, context over: %t", r.name, ctx.Err() != nil)
	return nil
}

func schedule(d *diary, planned ...fault.Planned) *fault.Schedule {
	s := fault.NewSchedule(planned)
	d.began = time.Now()
	s.Now = func() time.Duration { return time.Since(d.began) }
	return s
}

const s = time.Second

func TestFaultsBeginAndEndAtTheirTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		plan := schedule(d,
			fault.Planned{At: 3 * s, Until: 5 * s, Injector: recorded{d, "b", nil}},
			fault.Planned{At: s, Until: 4 * s, Injector: recorded{d, "a", nil}},
			fault.Planned{At: 6 * s, Stays: true, Injector: recorded{d, "c", nil}},
		)
		plan.Begins = func(i int) { d.note("begins %d", i) }
		plan.Ends = func(i int) { d.note("ends %d", i) }
		plan.Run(t.Context())
		want := []string{
			"1s begins 1", "1s begin a", "3s begins 0", "3s begin b", "4s end a, context over: false", "4s ends 1",
			"5s end b, context over: false", "5s ends 0", "6s begins 2", "6s begin c",
		}
		if !slices.Equal(d.lines, want) {
			t.Errorf("it happened\n%q\nwant\n%q", d.lines, want)
		}
		out := plan.Outcomes()
		if out[0] != (fault.Outcome{Began: 3 * s, Ended: 5 * s, Begun: true, Over: true}) || out[2] != (fault.Outcome{Began: 6 * s, Begun: true}) {
			t.Errorf("outcomes %+v", out)
		}
	})
}

// slowToEnd is an injector whose End takes a while, as the start of a server does.
type slowToEnd struct {
	recorded
	takes time.Duration
}

func (i slowToEnd) End(ctx context.Context) error {
	time.Sleep(i.takes)
	return i.recorded.End(ctx)
}

// TestAFaultWaitsForTheOneBeforeItThatBreaksTheSame: also where one begins at the very
// moment at which the other ends.
func TestAFaultWaitsForTheOneBeforeItThatBreaksTheSame(t *testing.T) {
	t.Parallel()
	for range 20 { // goroutines that wake at the same moment run in any order
		synctest.Test(t, func(t *testing.T) {
			d := &diary{}
			plan := schedule(d,
				fault.Planned{At: 4 * s, Until: 5 * s, What: "redis", Injector: recorded{d, "c", nil}},
				fault.Planned{At: s, Until: 2 * s, What: "redis", Injector: recorded{d, "a", nil}},
				fault.Planned{At: 2 * s, Until: 3 * s, What: "redis", Injector: slowToEnd{recorded{d, "b", nil}, 3 * s}},
				fault.Planned{At: 4500 * time.Millisecond, Stays: true, What: "workers", Injector: recorded{d, "other", nil}},
			)
			plan.Run(t.Context())
			want := []string{
				"1s begin a", "2s end a, context over: false", "2s begin b", "4.5s begin other", "6s end b, context over: false",
				"6s begin c", "7s end c, context over: false",
			}
			if !slices.Equal(d.lines, want) {
				t.Errorf("it happened\n%q\nwant\n%q", d.lines, want)
			}
		})
	}
}

func TestAFaultThatWaitsForAnotherEndsWithTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		plan := schedule(d,
			fault.Planned{At: s, Until: 60 * s, What: "redis", Injector: recorded{d, "long", nil}},
			fault.Planned{At: 2 * s, Until: 3 * s, What: "redis", Injector: recorded{d, "never", nil}},
		)
		ctx, cancel := context.WithTimeout(t.Context(), 5*s)
		defer cancel()
		plan.Run(ctx)
		if want := []string{"1s begin long", "5s end long, context over: false"}; !slices.Equal(d.lines, want) {
			t.Errorf("it happened %q, want %q", d.lines, want)
		}
	})
}

func TestWhatIsBrokenIsRepairedWhenTheRunEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		plan := schedule(d,
			fault.Planned{At: s, Until: 60 * s, Injector: recorded{d, "long", nil}},
			fault.Planned{At: 30 * s, Until: 31 * s, Injector: recorded{d, "later", nil}},
		)
		ctx, cancel := context.WithTimeout(t.Context(), 2*s)
		defer cancel()
		plan.Run(ctx)
		if want := []string{"1s begin long", "2s end long, context over: false"}; !slices.Equal(d.lines, want) {
			t.Errorf("it happened %q, want %q", d.lines, want)
		}
		if out := plan.Outcomes(); !out[0].Over || out[1].Begun {
			t.Errorf("outcomes %+v, want the first over and the second never begun", out)
		}
	})
}

func TestAFaultThatFailsToBeginIsStillRepaired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, why := &diary{}, errors.New("refused")
		plan := schedule(d, fault.Planned{At: s, Until: 5 * s, Injector: recorded{d, "a", why}})
		plan.Run(t.Context())
		if want := []string{"1s begin a", "1s end a, context over: false"}; !slices.Equal(d.lines, want) {
			t.Errorf("it happened %q, want %q", d.lines, want)
		}
		if out := plan.Outcomes()[0]; out.Begun || out.Over || !errors.Is(out.Err, why) {
			t.Errorf("outcome %+v", out)
		}
	})
}

func TestNoFaultBeginsWhenNoneIsAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		plan := schedule(d, fault.Planned{At: s, Until: 5 * s, Injector: recorded{d, "a", nil}})
		plan.Allowed = func() bool { return false }
		if plan.Run(t.Context()); len(d.lines) > 0 {
			t.Errorf("it happened %q", d.lines)
		}
	})
}

// TestFaultsOfWorkersAndOfPostgresAreRefusedWhereTheyCannotBe holds for those that others
// run or that a foreign process decides.
func TestFaultsOfWorkersAndOfPostgresAreRefusedWhereTheyCannotBe(t *testing.T) {
	t.Parallel()
	of := func(kind scenario.FaultKind, target scenario.FaultTarget) scenario.Fault {
		return scenario.Fault{At: s, For: s, Kind: kind, Target: target}
	}
	two := of(scenario.KillFault, scenario.WorkersTarget)
	two.Count = 2
	all := []scenario.Fault{
		of(scenario.KillFault, scenario.WorkersTarget), of(scenario.PauseFault, scenario.WorkersTarget), of(scenario.SlowFault, scenario.WorkersTarget), two,
		of(scenario.PauseFault, scenario.PostgresTarget), of(scenario.KillFault, scenario.PostgresTarget), of(scenario.DisconnectFault, scenario.PostgresTarget),
		of(scenario.NetworkFault, scenario.EntryTarget), of(scenario.NetworkFault, scenario.ExitTarget),
	}
	for _, row := range []struct {
		place   fault.Place
		refused string
	}{
		{fault.Place{Kind: "process", Postgres: "process"}, ""},
		{fault.Place{Kind: "none"}, ""},
		{fault.Place{Workers: fault.ExternalWorkers}, "0123"},
		{fault.Place{Workers: fault.StartedWorkers}, "23"},
		{fault.Place{Workers: fault.StartedWorkers, Count: 2}, "2"},
		{fault.Place{Workers: fault.UnpausedWorkers, Count: 2}, "12"},
		{fault.Place{Postgres: "url"}, "456"},
		{fault.Place{Postgres: "url", Allowed: true}, "45"},
		{fault.Place{Postgres: "docker"}, "45"},
	} {
		if got := refusedAt(t, row.place, all); got != row.refused {
			t.Errorf("%+v: refused are %q, want %q", row.place, got, row.refused)
		}
	}
	if fault.NeedsPostgres(all[6:]) || !fault.NeedsPostgres(all[:5]) {
		t.Error("a private Postgres is needed to pause it, and not for anything else here")
	}
}

// refusedAt are the numbers of the faults that a place refuses, each with a remedy.
func refusedAt(t *testing.T, p fault.Place, all []scenario.Fault) (numbers string) {
	t.Helper()
	for i, f := range all {
		refused := fault.Refuse([]scenario.Fault{f}, p)
		if len(refused) > 0 {
			numbers += fmt.Sprint(i)
		}
		for _, one := range refused {
			if one.Hint == "" {
				t.Errorf("%+v: %s has no remedy", p, one.What)
			}
		}
	}
	return numbers
}

func TestFaultsAreRefusedWhereTheyCannotBe(t *testing.T) {
	t.Parallel()
	var (
		pause      = scenario.Fault{At: s, For: s, Kind: scenario.PauseFault, Target: scenario.RedisTarget}
		kill       = scenario.Fault{At: s, Kind: scenario.KillFault, Target: scenario.RedisTarget}
		disconnect = scenario.Fault{At: s, Kind: scenario.DisconnectFault, Target: scenario.ConsumersTarget}
		workers    = scenario.Fault{At: s, Kind: scenario.KillFault, Target: scenario.WorkersTarget}
		network    = scenario.Fault{At: s, For: s, Kind: scenario.NetworkFault, Target: scenario.ConsumersTarget, Network: scenario.Network{Down: true}}
	)
	all := []scenario.Fault{pause, kill, disconnect, workers, network}
	for _, row := range []struct {
		place   fault.Place
		refused string // the numbers of those refused
	}{
		{fault.Place{}, ""},
		{fault.Place{Kind: "process"}, ""},
		{fault.Place{Kind: "docker"}, "1"},
		{fault.Place{Kind: "url"}, "012"},
		{fault.Place{Kind: "url", Allowed: true}, "1"},
		{fault.Place{Kind: "url", Allowed: true, Several: true}, "01"},
		{fault.Place{Kind: "embedded", Allowed: true}, "012"},
		{fault.Place{Kind: "none"}, "0124"},
	} {
		if got := refusedAt(t, row.place, all); got != row.refused {
			t.Errorf("%+v: refused are %q, want %q", row.place, got, row.refused)
		}
	}
}
