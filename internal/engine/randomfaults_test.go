package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// TestRandomFaultsOnARealServerLeaveNothingBehind breaks each run ten times, in ways and
// at times that its seed draws. What goroutines are left, TestMain looks for.
func TestRandomFaultsOnARealServerLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			brokenAtRandom(t, seed)
		})
	}
}

// pools are those whose connections can be broken.
var pools = []scenario.FaultTarget{scenario.ProducersTarget, scenario.ConsumersTarget, scenario.SubscribersTarget}

// randomFaults are so many faults of all kinds, one after the other. Ten of them begin
// within 7 s.
func randomFaults(dice *rand.Rand, many int) (all []scenario.Fault) {
	upTo := func(d time.Duration) time.Duration { return time.Millisecond + time.Duration(dice.Int64N(int64(d))) }
	at := 300*time.Millisecond + upTo(300*time.Millisecond)
	for range many {
		f := scenario.Fault{At: at}
		length := upTo(300 * time.Millisecond)
		switch dice.IntN(6) {
		case 0:
			f.Kind, f.Target, f.For = scenario.PauseFault, scenario.RedisTarget, length
		case 1:
			f.Kind, f.Target, f.Restart = scenario.KillFault, scenario.RedisTarget, length
		case 2:
			f.Kind, f.Target, f.Restart, f.Count = scenario.KillFault, scenario.WorkersTarget, length, 1+dice.IntN(4)
		case 3:
			f.Kind, f.Target, f.For, f.Factor = scenario.SlowFault, scenario.WorkersTarget, length, 1.5+5*dice.Float64()
		case 4:
			f.Kind, f.Target = scenario.DisconnectFault, pools[dice.IntN(len(pools))]
			length = 0
		case 5:
			f.Kind, f.Target, f.For = scenario.NetworkFault, pools[dice.IntN(len(pools))], length
			switch dice.IntN(5) {
			case 0:
				f.Network.Down = true
			case 1:
				f.Network.Reset = true
			case 2:
				f.Network.Swallow = true
			case 3:
				f.Network.Latency = 20 * time.Millisecond
			case 4:
				f.Network.Bandwidth = 20_000
			}
		}
		all = append(all, f)
		at += length + 50*time.Millisecond + upTo(250*time.Millisecond)
	}
	return all
}

// brokenAtRandom breaks a run ten times, and holds its ledger against a witness. Nothing
// of it may be left: no key, no process, no proxy.
func brokenAtRandom(t *testing.T, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 30))
	args := [][]string{nil, {"--appendonly", "yes", "--appendfsync", "always"}, {"--appendonly", "yes", "--appendfsync", "everysec"}}
	server := redistest.Process(t, args[dice.IntN(len(args))]...)
	designs := jobqueue.Designs()
	s := scenario.Scenario{
		Name: "random", Load: scenario.Load{Rate: pace.PerSecond(150), Duration: 7 * time.Second}, Design: designs[dice.IntN(len(designs))],
		Producers: 2, Consumers: 6, Work: scenario.Work{Time: time.Duration(dice.IntN(20)) * time.Millisecond}, DrainTimeout: 3 * time.Second,
		Faults: randomFaults(dice, 10),
	}
	if s.Work.Time == 0 {
		s.Work.Time = time.Millisecond // workers without work cannot be slow
	}
	if s.Design == jobqueue.ReliableList || s.Design == jobqueue.Stream {
		s.Visibility = time.Second
	}
	if testing.Verbose() {
		t.Logf("%s: %v", s.Design, s.Faults)
	}
	o := engine.Options{NoProbes: true, Server: privateRedis{Server: server}, ServerEnded: server.Ended()}
	cfg := configOf(server.URL(), s)
	network := target.NewNetwork(s.Faults)
	if network != nil {
		o.Network, cfg.Route = network, network.Route
	}
	client, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := newWitness(client)
	// Far longer than a run takes that does not hang.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r, err := engine.Run(ctx, s, w, o)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("Run = %v; context: %v", err, ctx.Err())
	}
	checkLaws(t, r)
	w.agrees(t, r)
	for i, f := range r.Faults {
		// A server that is killed meanwhile, or that takes longer to start than planned,
		// closes no connection.
		away := f.Kind == scenario.DisconnectFault && slices.ContainsFunc(r.Faults, func(o result.Fault) bool {
			return o.Target == scenario.RedisTarget && o.AtNS < f.AtNS+int64(time.Second) && (o.EndedNS == nil || *o.EndedNS > f.AtNS)
		})
		// One whose turn had not come when the load was over, since those before it on the
		// same target took longer than planned, is not begun.
		held := f.BeganNS == nil && f.Error == "" && slices.ContainsFunc(r.Faults[:i], func(o result.Fault) bool {
			return o.Target == f.Target && (o.EndedNS == nil || *o.EndedNS > f.AtNS)
		})
		if (f.BeganNS == nil || f.Error != "") && !away && !held {
			t.Errorf("fault %d %+v was not carried out", i, f)
		}
	}
	l := r.Ledger
	if r.Run.Failed || l.Notified == 0 {
		t.Errorf("failed: %q; ledger %+v", r.Run.Error, l)
	}
	if keys := ask(t, server).do("KEYS", "*"); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if network != nil {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	}
	pid := server.PID()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if p, err := os.FindProcess(pid); err == nil && p.Signal(syscall.Signal(0)) == nil {
		t.Errorf("process %d is still there", pid)
	}
	t.Logf("sent %d, lost %v, errors %v, reconnects %v", l.Sent, l.LostByLeg, l.Errors, l.Reconnects)
}
