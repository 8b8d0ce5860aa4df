package target_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/parallel"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

const ms = time.Millisecond

func TestMain(m *testing.M) {
	parallel.AtLeast(6)
	os.Exit(m.Run())
}

// broken runs 200 jobs/s for 5 s on a private Redis, with a fault of the network.
func broken(t *testing.T, f scenario.Fault) *result.Result {
	t.Helper()
	f.Kind = scenario.NetworkFault
	s := scenario.Scenario{
		Name: "network", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 5 * time.Second}, Consumers: 40,
		DrainTimeout: 10 * time.Second, Faults: []scenario.Fault{f},
	}
	id := flight.NewID()
	network := target.NewNetwork(s.Faults)
	defer network.Close()
	cfg := s.Config()
	cfg.URL, cfg.Route = redistest.Process(t).URL(), network.Route
	cfg.Queue, cfg.Channel = runname.Of(id)
	client, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r, err := engine.Run(t.Context(), s, client, engine.Options{ID: id, Network: network})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Faults) != 1 || r.Faults[0].BeganNS == nil || r.Faults[0].EndedNS == nil || r.Faults[0].Error != "" {
		t.Fatalf("faults %+v; want one that was carried out", r.Faults)
	}
	if l := r.Ledger; l.Scheduled != l.Notified+l.Lost+l.Failed {
		t.Errorf("the ledger does not balance: %+v", l)
	}
	return r
}

// Latency on the consumers moves the medians of what goes over their connections by what
// it predicts: a publish is a round trip, a job on its way to a waiting worker is half of
// one, and a push does not go there. It loses nothing and causes no error.
//
// It is not parallel: the other tests would hold up what it times.
func TestLatencyOfTheConsumersMovesTheirStages(t *testing.T) {
	const latency = 50 * ms
	for try := 1; ; try++ {
		r := broken(t, scenario.Fault{At: 2 * time.Second, For: 2 * time.Second, Target: scenario.ConsumersTarget, Network: scenario.Network{Latency: latency}})
		if l := r.Ledger; l.Lost != 0 || len(l.Errors) != 0 {
			t.Errorf("%d jobs lost, errors %v; want none", l.Lost, l.Errors)
		}
		before, during := medians(r, 2), medians(r, 4) // the last second of each
		var bent []string
		if before == nil || during == nil {
			bent = append(bent, fmt.Sprintf("timeline %+v: want a row that ends after 2 s and one after 4 s", r.Timeline))
		}
		for stage, want := range map[metric.Stage]time.Duration{metric.Publish: latency, metric.Queue: latency / 2, metric.Enqueue: 0} {
			moved := during[stage] - before[stage]
			if moved < want-latency/10 || moved > want+latency*3/10 {
				bent = append(bent, fmt.Sprintf("%s moved from %v to %v, want %v more", stage, before[stage], during[stage], want))
			}
		}
		if len(bent) == 0 {
			return
		}
		if try == 10 {
			t.Fatalf("in %d runs medians moved otherwise than the latency predicts, in the last one: %q", try, bent)
		}
	}
}

// medians are those of the second that ended then, nil without it.
func medians(r *result.Result, seconds float64) map[metric.Stage]time.Duration {
	for _, row := range r.Timeline {
		if p := row.Stages[metric.Publish]; row.ElapsedS < seconds-0.1 || row.ElapsedS > seconds+0.1 || p == nil || p.P50NS == nil {
			continue // only rows that end a second have stages
		}
		all := map[metric.Stage]time.Duration{}
		for stage, s := range row.Stages {
			if s.P50NS != nil {
				all[stage] = time.Duration(*s.P50NS)
			}
		}
		return all
	}
	return nil
}

// After each kind of fault on each pool, jobs arrive again, and the ledger balances.
func TestARunSurvivesEveryFaultOfTheNetwork(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]scenario.Network{"down": {Down: true}, "reset": {Reset: true}, "swallow": {Swallow: true}, "bandwidth": {Bandwidth: 20_000}} {
		for _, pool := range []scenario.FaultTarget{scenario.ProducersTarget, scenario.ConsumersTarget, scenario.SubscribersTarget} {
			t.Run(name+" "+string(pool), func(t *testing.T) {
				t.Parallel()
				r := broken(t, scenario.Fault{At: time.Second, For: time.Second, Target: pool, Network: n})
				late := int64(0)
				for _, row := range r.Timeline {
					if row.ElapsedS > 3 {
						late += row.Notified
					}
				}
				if late == 0 {
					t.Errorf("nothing arrives after the fault: %+v", r.Ledger)
				}
				if n.Bandwidth > 0 && (r.Ledger.Lost != 0 || len(r.Ledger.Errors) != 0) {
					t.Errorf("%d jobs lost, errors %v; want none", r.Ledger.Lost, r.Ledger.Errors)
				}
			})
		}
	}
}

func TestOnlyPoolsWithAFaultHaveAProxy(t *testing.T) {
	t.Parallel()
	pause := scenario.Fault{Kind: scenario.PauseFault, Target: scenario.RedisTarget}
	if n := target.NewNetwork([]scenario.Fault{pause}); n != nil {
		t.Error("a scenario without faults of the network has proxies")
	}
	n := target.NewNetwork([]scenario.Fault{pause, {Kind: scenario.NetworkFault, Target: scenario.ConsumersTarget}})
	defer n.Close()
	for pool, proxied := range map[string]bool{"producers": false, "consumers": true, "subscribers": false} {
		if at, err := n.Route(pool, "tcp", "127.0.0.1:6379"); err != nil || (at != "") != proxied {
			t.Errorf("Route(%s) = %q, %v; want a proxy: %v", pool, at, err, proxied)
		}
	}
	if _, err := n.Break(scenario.ProducersTarget, scenario.Network{Down: true}); err == nil {
		t.Error("Break() of connections without a proxy succeeds")
	}
}
