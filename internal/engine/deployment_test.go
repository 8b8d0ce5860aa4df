package engine_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// queueAt is the queue that a scenario asks for, at the group, with a name that
// suits.
func queueAt(t *testing.T, g *redisserver.Group, s scenario.Scenario, suits func(name string) bool) *jobqueue.Client {
	t.Helper()
	cfg := s.Config()
	cfg.URL = g.URL()
	for i := 0; i == 0 || !suits(cfg.Queue); i++ {
		cfg.Queue, cfg.Channel = runname.Of(fmt.Sprint(s.Name, i))
	}
	b, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// onEachNode reports whether 3 queues of that name lie on the 3 masters of a
// cluster.
func onEachNode(t *testing.T, g *redisserver.Group) func(name string) bool {
	o, err := redis.ParseURL(g.Nodes()[0].URL())
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	t.Cleanup(func() { rdb.Close() })
	return func(name string) bool {
		seen := map[int64]bool{}
		for i := range 3 {
			slot, err := rdb.ClusterKeySlot(t.Context(), fmt.Sprintf("%s:%d", name, i)).Result()
			if err != nil {
				t.Fatal(err)
			}
			seen[slot*3/16384] = true
		}
		return len(seen) == 3
	}
}

func whatever(string) bool { return true }

// pushes are the LPUSHes and XADDs of each master. It may be called by any
// goroutine.
func pushes(t *testing.T, b *jobqueue.Client) map[string]int64 {
	t.Helper()
	f, err := b.Inspect(t.Context())
	if err != nil {
		t.Error(err)
	}
	out := map[string]int64{}
	for _, n := range f.Nodes {
		if n.Role == "master" && n.Facts != nil {
			out[n.Address] = n.Facts.Commands["lpush"].Calls + n.Facts.Commands["xadd"].Calls
		}
	}
	return out
}

// balanced makes sure that every job that was sent is accounted for once.
func balanced(t *testing.T, l result.Ledger) {
	t.Helper()
	var lost int64
	for _, n := range l.LostByLeg {
		lost += n
	}
	if lost != l.Lost || l.Notified+l.Lost-l.LostByLeg[ledger.LegUnsent] != l.Sent || l.Sent+l.LostByLeg[ledger.LegUnsent] != l.Scheduled {
		t.Errorf("the ledger does not add up: %+v", l)
	}
}

func TestARunOverQueuesOnAllNodesOfAClusterIsComplete(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Cluster(t, 0)
	for _, design := range jobqueue.Designs() {
		t.Run(string(design), func(t *testing.T) {
			s := scenario.Scenario{
				Name: "apart-" + string(design), Design: design, Queues: []int{3, 2, 1}, Batch: 2,
				Load: scenario.Load{Rate: pace.PerSecond(600), Jobs: 1200}, Producers: 2, Consumers: 6, Subscribers: 2,
				DrainTimeout: time.Minute,
			}
			if design == jobqueue.ReliableList || design == jobqueue.Stream {
				s.Visibility = time.Minute
			}
			b := queueAt(t, g, s, onEachNode(t, g))
			before := pushes(t, b)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			r, err := engine.Run(ctx, s, b, engine.Options{NoProbes: true})
			if err != nil {
				t.Fatal(err)
			}
			balanced(t, r.Ledger)
			if l := r.Ledger; l.Sent != 1200 || l.Lost != 0 || l.Notified != 1200 || l.Duplicated != 0 {
				t.Errorf("ledger %+v, want all 1200 notified once", l)
			}
			if !strings.Contains(strings.Join(r.Warnings, "\n"), "none has priority") {
				t.Errorf("nothing says that the queues have no order: %q", r.Warnings)
			}
			for addr, n := range pushes(t, b) {
				if n == before[addr] {
					t.Errorf("no job was pushed to %s", addr)
				}
			}
			parts := r.Breakdown["queue"]
			var completed int64
			for _, p := range parts {
				if p.Completed == 0 {
					t.Errorf("no job of queue %s is in the breakdown", p.Name)
				}
				completed += p.Completed
			}
			if len(parts) != 3 || completed != 1200 {
				t.Errorf("%d jobs in the breakdown of %d queues, want 1200 of 3", completed, len(parts))
			}
		})
	}
}

func TestFewerConsumersThanQueuesThatLieApartAreRefused(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 0)
	s := scenario.Scenario{
		Name: "few", Queues: []int{1, 1, 1}, Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 100}, Consumers: 2,
	}
	_, err := engine.Run(t.Context(), s, queueAt(t, g, s, whatever), engine.Options{NoProbes: true})
	if err == nil || !strings.Contains(err.Error(), "3 queues") || !strings.Contains(err.Error(), "2 consumers") {
		t.Errorf("Run = %v, want that 2 consumers cannot serve 3 queues", err)
	}
}

// survived runs the scenario until a node was killed and much more was notified
// afterwards than could have been on its way. It must go on over other
// connections, and account for every job. It returns what it did otherwise, "" if nothing,
// and whether another server took over in time.
func survived(t *testing.T, s scenario.Scenario, b *jobqueue.Client, kill func()) (inTime bool, wrong string) {
	t.Helper()
	s.DrainTimeout = 3 * time.Second
	s.Load = scenario.Load{Rate: pace.PerSecond(200), Duration: 3 * time.Minute}
	end := make(chan struct{})
	enough := int64(0)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	r, err := engine.Run(ctx, s, b, engine.Options{NoProbes: true, Stop: end, Progress: func(p engine.Progress) {
		switch {
		case enough == 0 && p.Notified > 0:
			kill()
			enough = p.Sent + 1000
		case enough > 0 && p.Notified > enough && p.Errors > 0:
			enough = 1 << 62
			close(end)
		}
	}})
	if err != nil {
		return false, err.Error()
	}
	l := r.Ledger
	balanced(t, l)
	t.Logf("sent %d, notified %d, lost %v, duplicated %d, errors %v\n%s", l.Sent, l.Notified, l.LostByLeg, l.Duplicated, l.Errors, strings.Join(r.Warnings, "\n"))
	if enough != 1<<62 || r.Run.Failed {
		return false, fmt.Sprintf("the run ended by itself: %s, %+v", stopreason.Words(r), l)
	}
	// A producer between two pushes has nothing to lose.
	if l.Reconnects["push"] == 0 || l.Errors["consume"] == 0 {
		return true, fmt.Sprintf("errors %v, want those of the lost connections", l.Errors)
	}
	return true, ""
}

// murder kills the process of a node by its address.
func murder(t *testing.T, g *redisserver.Group, addr string) {
	for _, s := range g.Nodes() {
		if strings.Contains(s.Address(), addr) {
			p, err := os.FindProcess(s.PID())
			if err == nil {
				err = p.Kill()
			}
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Errorf("there is no node at %s", addr)
}

func TestARunSurvivesTheDeathOfAClustersMaster(t *testing.T) {
	t.Parallel()
	for _, s := range []scenario.Scenario{
		{Name: "one-list", Consumers: 3, Producers: 2},
		{Name: "three-streams", Design: jobqueue.Stream, Visibility: 2 * time.Second, Queues: []int{1, 1, 1}, Consumers: 6, Producers: 2},
	} {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			g := redistest.Cluster(t, 1)
			suits := whatever
			if len(s.Queues) == 3 {
				suits = onEachNode(t, g)
			}
			b := queueAt(t, g, s, suits)
			_, wrong := survived(t, s, b, func() {
				most, at := int64(0), ""
				for addr, n := range pushes(t, b) {
					if n > most {
						most, at = n, addr
					}
				}
				murder(t, g, at)
			})
			if wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

func TestARunSurvivesAFailoverOfSentinels(t *testing.T) {
	t.Parallel()
	for _, s := range []scenario.Scenario{
		{Name: "list", Consumers: 3, Producers: 2},
		{Name: "reliable", Design: jobqueue.ReliableList, Visibility: 2 * time.Second, Consumers: 3, Subscribers: 2},
	} {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for try := 1; ; try++ {
				g := redistest.Sentinel(t)
				b := queueAt(t, g, s, whatever)
				_, at, _ := strings.Cut(g.Nodes()[0].Address(), "://")
				at, _, _ = strings.Cut(at, "/")
				inTime, wrong := survived(t, s, b, func() { murder(t, g, at) })
				// Sentinels that were not scheduled for two seconds do nothing for half a
				// minute (TILT), which is as long as a run waits for them.
				if !inTime && try < 3 {
					t.Logf("try %d: %s", try, wrong)
					continue
				}
				if wrong != "" {
					t.Error(wrong)
				}
				return
			}
		})
	}
}
