package engine_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// serversOf are those of a source, as the command starts them.
func serversOf(t *testing.T, source string, args ...string) *target.Servers {
	t.Helper()
	s, err := target.Start(t.Context(), &redisserver.Options{Source: source, Args: args}, nil)
	if errors.Is(err, redisserver.ErrUnavailable) {
		redistest.Missing(t, "redis", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// witnessed runs the scenario, and returns besides the result how many jobs the servers
// acknowledged and neither gave out nor hold in the end, by the test's own account.
func witnessed(t *testing.T, servers *target.Servers, s scenario.Scenario) (*result.Result, *witness, int) {
	t.Helper()
	client := clientOf(t, servers.URL(), s)
	server, err := servers.Breakable(t.Context(), client, s.Faults)
	if err != nil {
		t.Fatal(err)
	}
	w := newWitness(client)
	r := mustRun(t, s, w, engine.Options{NoProbes: true, Server: server})
	vanished := 0
	for id, job := range w.jobs {
		if job.acked && job.given == 0 && !w.left[id] {
			vanished++
		}
	}
	return r, w, vanished
}

// balances holds the ledger and its only fault against the test's own account.
func balances(t *testing.T, r *result.Result, w *witness, vanished int) {
	t.Helper()
	l, f := r.Ledger, r.Faults[0]
	if acked := w.count(func(s *seen) bool { return s.acked }); acked != l.Acked {
		t.Errorf("the ledger has %d acknowledged jobs, the test's own list %d", l.Acked, acked)
	}
	if got := l.LostByLeg[ledger.LegVanished]; got != int64(vanished) {
		t.Errorf("the ledger has %d vanished jobs, the test's own list %d", got, vanished)
	}
	if f.BeganNS == nil || f.EndedNS == nil || f.Error != "" || f.Lost != l.Lost {
		t.Fatalf("fault %+v, want it carried out; the ledger lost %v", f, l.LostByLeg)
	}
	if r.Run.Failed || l.Notified == 0 {
		t.Errorf("failed: %q; ledger %+v", r.Run.Error, l)
	}
	t.Logf("lasted %v; lost %v, errors %v, reconnects %v", time.Duration(*f.EndedNS-*f.BeganNS), l.LostByLeg, l.Errors, l.Reconnects)
}

// TestAFailoverLosesWhatTheTestsOwnCountFinds makes a replica take over, on order or
// because its master died.
func TestAFailoverLosesWhatTheTestsOwnCountFinds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	failover := scenario.Fault{At: time.Second, Kind: scenario.FailoverFault, Target: scenario.RedisTarget}
	force := failover
	force.Force = true
	kill := scenario.Fault{At: time.Second, Restart: 4 * time.Second, Kind: scenario.KillFault, Target: scenario.NodeTarget}
	for _, row := range []struct {
		name, source string
		fault        scenario.Fault
		length       time.Duration
	}{
		// A sentinel makes the old master a replica only after about ten seconds.
		{"by sentinels", "sentinel", failover, 15 * time.Second},
		{"the master behind sentinels dies", "sentinel", kill, 9 * time.Second},
		{"in a cluster", "cluster", failover, 5 * time.Second},
		{"in a cluster by force", "cluster", force, 5 * time.Second},
		{"a node of a cluster dies", "cluster", kill, 9 * time.Second},
		{"in a cluster that was named", "named", failover, 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			source := row.source
			if source == "named" {
				source = redistest.Cluster(t, 1).URL()
			}
			s := scenario.Scenario{
				Name: "failover", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: row.length}, Producers: 2, Consumers: 4,
				Work: scenario.Work{Time: 2 * time.Millisecond}, DrainTimeout: 3 * time.Second, Faults: []scenario.Fault{row.fault},
			}
			if problems := s.WithDefaults().Validate(); len(problems) > 0 {
				t.Fatal(problems)
			}
			r, w, vanished := witnessed(t, serversOf(t, source), s)
			// Sentinels that were not scheduled for two seconds trust their clocks no more and
			// do nothing for half a minute (TILT). The fault is not over in time then.
			for try := 1; try < 3 && row.source == "sentinel" && r.Faults[0].EndedNS == nil; try++ {
				r, w, vanished = witnessed(t, serversOf(t, source), s)
			}
			balances(t, r, w, vanished)
			if l := r.Ledger; l.Reconnects["push"]+l.Reconnects["consume"]+l.Reconnects["receive"] == 0 {
				t.Errorf("no connection was opened again, so no other server took over; errors %v", l.Errors)
			}
		})
	}
}

// maxMemoryOf is the limit of memory of a server, and how many commands it refused because
// of it.
func maxMemoryOf(t *testing.T, url string) (limit string, refused int64) {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	defer rdb.Close()
	all, err := rdb.ConfigGet(context.Background(), "maxmemory").Result()
	if err != nil {
		t.Fatal(err)
	}
	info, err := rdb.Info(context.Background(), "errorstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, found := strings.Cut(info, "errorstat_OOM:count="); found {
		count, _, _ := strings.Cut(rest, "\r\n")
		if refused, err = strconv.ParseInt(count, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return all["maxmemory"], refused
}

// limitAt is a limit of half the memory in use.
func limitAt(at, length time.Duration) scenario.Fault {
	return scenario.Fault{At: at, For: length, Kind: scenario.MemoryFault, Target: scenario.RedisTarget, Memory: scenario.MemoryLimit{Percent: 50}}
}

// TestAServerWithoutMemoryRefusesPushesAndLosesNothingElse holds the refused jobs against
// the server's own count of its answers.
func TestAServerWithoutMemoryRefusesPushesAndLosesNothingElse(t *testing.T) {
	t.Parallel()
	const limit = "123456789" // in no unit whole
	for _, d := range []jobqueue.Design{jobqueue.List, jobqueue.ReliableList, jobqueue.Stream} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			servers := serversOf(t, "process", "--maxmemory", limit)
			s := scenario.Scenario{
				Name: "full", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 4 * time.Second}, Design: d,
				Producers: 2, Consumers: 4, Work: scenario.Work{Time: 2 * time.Millisecond}, DrainTimeout: 6 * time.Second,
				Faults: []scenario.Fault{limitAt(2*time.Second, time.Second)},
			}
			if d != jobqueue.List {
				s.Visibility = time.Second
			}
			r, w, vanished := witnessed(t, servers, s)
			balances(t, r, w, vanished)
			l, f := r.Ledger, r.Faults[0]
			refused := l.LostByLeg[ledger.LegRefused]
			if refused == 0 || l.Lost != refused || f.Refused != refused || l.Errors["push"] != refused || l.Duplicated != 0 {
				t.Errorf("refused %d of %d pushes; lost %v, errors %v, fault %+v", refused, l.Sent, l.LostByLeg, l.Errors, f)
			}
			if l.Reconnects["push"] != 0 {
				t.Errorf("%d producers connected again although no connection was lost", l.Reconnects["push"])
			}
			now, answers := maxMemoryOf(t, servers.URL())
			if now != limit {
				t.Errorf("maxmemory is %s after the fault, want %s as before", now, limit)
			}
			// Workers of a reliable list are refused, too.
			if answers < refused || d == jobqueue.List && answers != refused {
				t.Errorf("the server refused %d commands, the ledger has %d", answers, refused)
			}
		})
	}
}

func TestTheLimitOfMemoryIsRestoredHoweverTheRunEnds(t *testing.T) {
	t.Parallel()
	servers := serversOf(t, "process")
	s := scenario.Scenario{
		Name: "full", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Minute}, Consumers: 2,
		Faults: []scenario.Fault{limitAt(time.Second, 50*time.Second)},
	}
	client := clientOf(t, servers.URL(), s)
	server, err := servers.Breakable(t.Context(), client, s.Faults)
	if err != nil {
		t.Fatal(err)
	}
	was, _ := maxMemoryOf(t, servers.URL())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := make(chan struct{})
	go func() {
		defer close(began)
		for ctx.Err() == nil {
			if now, _ := maxMemoryOf(t, servers.URL()); now != was {
				cancel()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	r, err := engine.Run(ctx, s, client, engine.Options{NoProbes: true, Server: server})
	cancel()
	<-began
	if r == nil || !r.Run.Interrupted || r.Faults[0].BeganNS == nil {
		t.Fatalf("Run = %v, %v, want a run that was stopped during the fault", r, err)
	}
	if now, _ := maxMemoryOf(t, servers.URL()); now != was || r.Faults[0].EndedNS == nil {
		t.Errorf("maxmemory is %s, want %s as before; fault %+v", now, was, r.Faults[0])
	}
}
