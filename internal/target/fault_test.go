package target_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestWhereFaultsWouldBeIsKnownFromTheFlags(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]fault.Place{
		"auto":                   {Allowed: true},
		"process":                {Kind: "process"},
		"sentinel":               {Kind: "sentinel", Several: true},
		"cluster":                {Kind: "cluster", Several: true, Clustered: true},
		"redis://h:1":            {Kind: "url", Allowed: true},
		"redis-sentinel://h:1#m": {Kind: "url", Several: true, Allowed: true},
		"rediss-cluster://h:1":   {Kind: "url", Several: true, Clustered: true, Allowed: true},
	} {
		if got := redis(t, "", "-u", source).Place(true); got != want {
			t.Errorf("--redis %s: %+v, want %+v", source, got, want)
		}
	}
}

// TestFaultsThatOnlyTheServerKnowsToBeImpossibleAreRefused asks servers of which there is
// nothing but a connection.
func TestFaultsThatOnlyTheServerKnowsToBeImpossibleAreRefused(t *testing.T) {
	t.Parallel()
	failover := scenario.Fault{At: time.Second, Kind: scenario.FailoverFault, Target: scenario.RedisTarget}
	memory := scenario.Fault{At: time.Second, For: time.Second, Kind: scenario.MemoryFault, Target: scenario.RedisTarget, Memory: scenario.MemoryLimit{Percent: 80}}
	evicts := redistest.Process(t, "--maxmemory-policy", "allkeys-lru")
	for name, row := range map[string]struct {
		url   string
		fault scenario.Fault
		says  string // empty for a fault that is possible
	}{
		"a cluster without replicas": {redistest.Cluster(t, 0).URL(), failover, "it has no replica"},
		"a cluster with replicas":    {redistest.Cluster(t, 1).URL(), failover, ""},
		"a server that evicts":       {evicts.URL(), memory, "its maxmemory-policy is allkeys-lru"},
		"a server that does not":     {redistest.Process(t).URL(), memory, ""},
		"no CONFIG":                  {redistest.Process(t, "--rename-command", "CONFIG", "").URL(), memory, "maxmemory-policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := target.Start(t.Context(), &redisserver.Options{Source: row.url}, nil)
			if err != nil {
				t.Fatal(err)
			}
			cfg := jobqueue.Config{URL: row.url}
			cfg.Queue, cfg.Channel = runname.Of(flight.NewID())
			client, err := jobqueue.Connect(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			server, err := s.Breakable(t.Context(), client, []scenario.Fault{row.fault})
			if row.says == "" {
				if _, can := fault.On(server, row.fault); err != nil || !can {
					t.Errorf("Breakable = %v, %v, want a server that can have the fault", server, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "faults[0]") {
				t.Errorf("Breakable = %v, want an error with %q", err, row.says)
			}
			var hinted interface{ Hint() string }
			if row.says != "" && strings.Contains(row.says, "policy is") && (!errors.As(err, &hinted) || hinted.Hint() == "") {
				t.Errorf("%v has no remedy", err)
			}
		})
	}
}
