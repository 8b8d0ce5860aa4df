package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// crew are workers outside that were started for the run.
type crew struct {
	q      *memory.Queue
	stop   func()
	worked engine.Worked
	warns  string
	// said is the warning of the run, and left how many jobs waited when they were
	// stopped.
	said []string
	left int64
}

func (c *crew) Begin() { c.said = append(c.said, "begin") }

func (c *crew) End() engine.Worked {
	c.said = append(c.said, "end")
	return c.worked
}

func (c *crew) Stop() string {
	c.said = append(c.said, "stop")
	c.left, _ = c.q.Len(context.Background())
	c.stop()
	return c.warns
}

// withCrew runs 500 jobs with the crew.
func withCrew(t *testing.T, c *crew, forget func() bool) (*result.Result, error) {
	t.Helper()
	c.q = memory.New()
	c.stop = outside(t, c.q, 4, 5*time.Millisecond, forget)
	o := virtual()
	o.Workers, o.Worker = c, "node worker.js"
	return engine.Run(t.Context(), scenario.Scenario{
		Name: "crew", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 500}, External: true, DrainTimeout: time.Second,
		Thresholds: []string{"worker_cpu_per_job < 1ms"},
	}, c.q, o)
}

func TestWorkersOfARunAreMeasuredFromItsFirstJobToItsLast(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		used := 250 * time.Millisecond
		c := &crew{worked: engine.Worked{CPU: &used}, warns: "one had to be killed"}
		r, err := withCrew(t, c, func() bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"begin", "end", "stop"}; !slices.Equal(c.said, want) {
			t.Errorf("the warning about the workers is %q, want %q", c.said, want)
		}
		if v, why, ok := r.Metric("worker_cpu_per_job"); !ok || v != 500_000 {
			t.Errorf("worker_cpu_per_job = %v (%s), want half a millisecond", v, why)
		}
		if len(r.Thresholds) != 1 || !r.Thresholds[0].Passed {
			t.Errorf("thresholds %+v", r.Thresholds)
		}
		if r.Run.Worker != "node worker.js" || r.Run.Failed {
			t.Errorf("run %+v", r.Run)
		}
		if !slices.Contains(r.Warnings, "one had to be killed") {
			t.Errorf("warnings %q", r.Warnings)
		}
	})
}

func TestWorkersThatDiedMakeARunThatGoesOnAFailedOne(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		died := errors.New("the worker ended 2.5 s into the load with exit code 3")
		c := &crew{worked: engine.Worked{Err: died}}
		r, err := withCrew(t, c, nth(2))
		if !errors.Is(err, died) || !r.Run.Failed || r.Run.Error != died.Error() {
			t.Errorf("Run = %v, failed %t with %q, want the end of the worker", err, r.Run.Failed, r.Run.Error)
		}
		if l := r.Ledger; l.Sent != 500 || l.Notified != 250 {
			t.Errorf("ledger %+v, want all sent and half of them notified", l)
		}
		if r.Validity.Verdict != result.Invalid || r.Thresholds[0].Passed {
			t.Errorf("verdict %s, thresholds %+v", r.Validity.Verdict, r.Thresholds)
		}
		if said := strings.Join(r.Warnings, "\n"); !strings.Contains(said, died.Error()) {
			t.Errorf("warnings:\n%s", said)
		}
		if v, listed := r.Scalars["worker_cpu_per_job"]; !listed || v != nil {
			t.Errorf("worker_cpu_per_job = %v, want null", v)
		}
	})
}

func TestWorkersAreStoppedBeforeTheirQueueIsRemoved(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		c := &crew{q: memory.New(), stop: func() {}}
		o := virtual()
		o.Workers = c
		_, err := engine.Run(t.Context(), scenario.Scenario{
			Name: "idle", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 50}, External: true, DrainTimeout: time.Second,
		}, c.q, o)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := c.q.Len(t.Context()); c.left != 50 || n != 0 {
			t.Errorf("%d jobs waited when the workers were stopped and %d at the end, want 50 and none", c.left, n)
		}
	})
}

func TestARunWithoutWorkersOfItsOwnSaysNothingOfThem(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := mustRun(t, scenario.Scenario{Name: "plain", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 50}}, memory.New(), virtual())
		if _, listed := r.Scalars["worker_cpu_per_job"]; listed || r.Run.Worker != "" {
			t.Errorf("scalars %v, worker %q", r.Scalars, r.Run.Worker)
		}
	})
}
