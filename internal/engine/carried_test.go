package engine_test

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// carriedRatio runs the scenario in virtual time.
func carriedRatio(t *testing.T, s scenario.Scenario, b *faulty) (ratio float64, r *result.Result) {
	t.Helper()
	if b == nil {
		b = &faulty{}
	}
	b.Queue = memory.New()
	s.Name = "carried"
	r = mustRun(t, s, b, virtual())
	return *r.Rates.AchievedRatio, r
}

func within(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by {
		t.Errorf("%s = %v, want %v within %v", what, got, want, by)
	}
}

func TestConstantLatencyDoesNotLowerTheAchievedRate(t *testing.T) {
	t.Parallel()
	steps, err := pace.ParseSteps("3s:50,2s:0,5s:100..300")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]scenario.Scenario{
		"no work":           {Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 10 * time.Second}, Consumers: 4},
		"a tenth":           {Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 10 * time.Second}, Consumers: 250, Work: scenario.Work{Time: time.Second}},
		"half of it":        {Load: scenario.Load{Rate: pace.PerSecond(20), Duration: 10 * time.Second}, Consumers: 120, Work: scenario.Work{Time: 5 * time.Second}},
		"longer than it":    {Load: scenario.Load{Rate: pace.PerSecond(20), Duration: 2 * time.Second}, Consumers: 240, Work: scenario.Work{Time: 9 * time.Second}, DrainTimeout: time.Minute},
		"a warm-up":         {Load: scenario.Load{Rate: pace.PerSecond(50), Duration: 6 * time.Second}, Warmup: 2 * time.Second, Consumers: 200, Work: scenario.Work{Time: 3 * time.Second}},
		"a number of jobs":  {Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: 10}, Consumers: 20, Work: scenario.Work{Time: 300 * time.Millisecond}},
		"a few ms of load":  {Load: scenario.Load{Rate: pace.PerSecond(10_000), Jobs: 40}, Consumers: 100, Work: scenario.Work{Time: time.Second}},
		"steps and a pause": {Load: scenario.Load{Steps: steps}, Consumers: 600, Work: scenario.Work{Time: time.Second}},
		"batches":           {Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 10 * time.Second}, Batch: 100, Producers: 1, Consumers: 20, Work: scenario.Work{Time: 5 * time.Millisecond}},
		"batches, -n":       {Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 1000}, Batch: 50, Producers: 1, Consumers: 20, Work: scenario.Work{Time: 5 * time.Millisecond}},
		"two subscribers":   {Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 5 * time.Second}, Subscribers: 2, Consumers: 300, Work: scenario.Work{Time: time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				ratio, r := carriedRatio(t, s, nil)
				within(t, "ratio", ratio, 1, 1e-9)
				if r.Ledger.Lost != 0 {
					t.Errorf("%d lost", r.Ledger.Lost)
				}
			})
		})
	}
}

func TestLatencyThatVariesDoesNotLowerTheAchievedRate(t *testing.T) {
	t.Parallel()
	uneven, err := draw.ParseDuration("exp(1s)")
	if err != nil {
		t.Fatal(err)
	}
	for name, load := range map[string]scenario.Load{
		"load stays on after it": {Rate: pace.PerSecond(200), Duration: 10 * time.Second},
		"nothing follows":        {Rate: pace.PerSecond(200), Jobs: 2000},
		"poisson":                {Rate: pace.PerSecond(200), Duration: 10 * time.Second, Arrivals: pace.Poisson},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				// The medians of 200 exponential latencies of 1 s differ by
				// about 0.1 s in a window of 10 s, so that the ratio has a
				// spread of about 1%.
				ratio, _ := carriedRatio(t, scenario.Scenario{
					Load: load, Seed: 7, Consumers: 400, Work: scenario.Work{Drawn: uneven}, DrainTimeout: time.Minute,
				}, nil)
				within(t, "ratio", ratio, 1, 0.06)
			})
		})
	}
}

func TestOverloadAchievesTheServiceRate(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]scenario.Scenario{
		// 8 consumers at 5 ms carry 1,600/s, 4 at 20 ms 200/s.
		"from the start": {Load: scenario.Load{Rate: pace.PerSecond(2000), Duration: 10 * time.Second}, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond}},
		"a warm-up":      {Load: scenario.Load{Rate: pace.PerSecond(2000), Duration: 10 * time.Second}, Warmup: 3 * time.Second, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond}},
		"poisson":        {Load: scenario.Load{Rate: pace.PerSecond(2000), Duration: 10 * time.Second, Arrivals: pace.Poisson}, Seed: 3, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond}},
		"drain timeout":  {Load: scenario.Load{Rate: pace.PerSecond(4800), Duration: 5 * time.Second}, Consumers: 8, Work: scenario.Work{Time: 5 * time.Millisecond}, DrainTimeout: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				_, r := carriedRatio(t, s, nil)
				within(t, "achieved rate", r.Rates.AchievedPerS, 1600, 16)
			})
		})
	}
}

func TestAStragglerMovesTheAchievedRateByAtMostOneJob(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int{"the first": 0, "in the middle": 400, "the last": 999} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				var n atomic.Int64
				b := &faulty{}
				b.pop = func(jobs [][]byte) [][]byte {
					if n.Add(1) == int64(at+1) {
						time.Sleep(7 * time.Second)
					}
					return jobs
				}
				ratio, _ := carriedRatio(t, scenario.Scenario{
					Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 1000}, Consumers: 10, Work: scenario.Work{Time: time.Millisecond},
				}, b)
				within(t, "ratio", ratio, 1, 1.001/1000)
			})
		})
	}
}

func TestLostJobsLowerTheAchievedRateByTheirShare(t *testing.T) {
	t.Parallel()
	for name, every := range map[string]int{"one in ten": 10, "one in a hundred": 100, "half": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				n := 0
				b := &faulty{receive: func([]byte) bool { n++; return n%every != 0 }}
				ratio, r := carriedRatio(t, scenario.Scenario{
					Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 10 * time.Second}, Consumers: 200,
					Work: scenario.Work{Time: time.Second}, DrainTimeout: 3 * time.Second,
				}, b)
				lost := 1 - float64(r.Window.Completed)/float64(r.Window.Scheduled)
				within(t, "lost share", lost, 1/float64(every), 0.002)
				within(t, "ratio", ratio, 1-lost, 0.002)
			})
		})
	}
}

func TestAClosedLoopAchievesWhatIsCompletedInItsWindow(t *testing.T) {
	t.Parallel()
	for name, load := range map[string]scenario.Load{
		"a time":           {InFlight: 10, Duration: 10 * time.Second},
		"a number of jobs": {InFlight: 10, Jobs: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				// 10 jobs in flight, 500 ms each: 20 a second.
				r := mustRun(t, scenario.Scenario{Name: "closed", Load: load, Consumers: 10, Work: scenario.Work{Time: 500 * time.Millisecond}}, memory.New(), virtual())
				within(t, "achieved rate", r.Rates.AchievedPerS, 20, 1.001)
			})
		})
	}
}

func TestAnInterruptedRunAchievesWhatItCarriedUntilThen(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		stop := make(chan struct{})
		o := virtual()
		o.Stop = stop
		time.AfterFunc(4*time.Second, func() { close(stop) })
		r := mustRun(t, scenario.Scenario{
			Name: "stopped", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Minute}, Consumers: 400, Work: scenario.Work{Time: 2 * time.Second},
		}, memory.New(), o)
		within(t, "ratio", *r.Rates.AchievedRatio, 1, 0.005)
	})
}
