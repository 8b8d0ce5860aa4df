package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/queuedyno/queuedyno/internal/netfault"
	"github.com/queuedyno/queuedyno/result"
)

// slowLatency is by how much a round trip on the slow way to the Redis takes longer, and slowJitter by how much that varies.
const slowLatency, slowJitter = 20 * time.Millisecond, 5 * time.Millisecond

// slowWay is the URL of a proxy in front of the server, which delays everything.
func slowWay(t *testing.T, server string) string {
	t.Helper()
	proxies := &netfault.Proxies{}
	t.Cleanup(func() {
		if err := proxies.Close(); err != nil {
			t.Error(err)
		}
	})
	through, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	if through.Host, err = proxies.Route("tcp", through.Host); err != nil {
		t.Fatal(err)
	}
	if _, err := proxies.Begin(netfault.Fault{Latency: slowLatency, Jitter: slowJitter}); err != nil {
		t.Fatal(err)
	}
	return through.String()
}

// stored reads a result that a script has written.
func stored(ts *testscript.TestScript, file string) *result.Result {
	r := new(result.Result)
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), r))
	return r
}

// balanced is "balanced MERGED SHARD...": it fails unless every job of the merged result is
// accounted for, its counts are the sums of those of the shards, each shard has counted only
// its own jobs, and the stages between generators and external workers are absent.
func balanced(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: balanced MERGED SHARD...")
	}
	r := stored(ts, args[0])
	l := r.Ledger
	if l.Scheduled == 0 || l.Sent != l.Scheduled || l.Notified != l.Scheduled || l.Lost != 0 || l.Duplicated != 0 || l.Foreign != 0 || l.Corrupt != 0 {
		ts.Fatalf("the ledger is not balanced: %+v", l)
	}
	var sum, updates int64
	for _, file := range args[1:] {
		one := stored(ts, file)
		sum += one.Ledger.Notified
		updates += one.Ledger.Notified + one.Run.Shard.Overheard
		if !one.Run.Shard.SharedQueue || one.Run.Shard.Overheard == 0 {
			ts.Fatalf("shard %d heard nothing of the others: %+v", one.Run.Shard.Index, one.Run.Shard)
		}
	}
	if sum != l.Notified {
		ts.Fatalf("the shards have %d jobs, and the merged result %d", sum, l.Notified)
	}
	// The last updates may come when a shard no longer listens.
	if n := int64(len(args) - 1); updates > n*l.Notified {
		ts.Fatalf("%d shards read %d updates of %d jobs", n, updates, l.Notified)
	}
	for _, stage := range []result.Stage{"queue", "publish", "notify"} {
		if r.Stages[stage] != nil {
			ts.Fatalf("the stage %s was measured across processes: %+v", stage, r.Stages[stage])
		}
	}
	for _, stage := range []result.Stage{"lateness", "enqueue", "end_to_end"} {
		if s := r.Stages[stage]; s == nil || s.Count != r.Window.Completed {
			ts.Fatalf("the stage %s of %d jobs is %+v", stage, r.Window.Completed, s)
		}
	}
}

// clocks is "clocks MERGED SLOW": it fails unless the offset of each shard's clock is right
// within its uncertainty, where all have the clock of one host, and unless shard SLOW is as
// slow as its way.
func clocks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: clocks MERGED SLOW")
	}
	r := stored(ts, args[0])
	for _, s := range r.Fleet.Shards {
		c := s.Run.Shard.Clock
		if c == nil || max(c.OffsetNS, -c.OffsetNS) > c.UncertaintyNS {
			ts.Fatalf("shard %d: the offset is 0, and it states %+v", s.Run.Shard.Index, c)
		}
		slow := args[1] == strconv.Itoa(s.Run.Shard.Index)
		p50 := s.Stages["end_to_end"].P50NS
		if slow && (time.Duration(*p50) < slowLatency || c.UncertaintyNS < int64(slowLatency-2*slowJitter)/2) {
			ts.Fatalf("shard %d is behind a slow network: p50 %v, clock %+v", s.Run.Shard.Index, time.Duration(*p50), c)
		}
	}
	if a, b := r.Fleet.Shards[0], r.Fleet.Shards[1]; *a.Stages["end_to_end"].P50NS >= *b.Stages["end_to_end"].P50NS {
		ts.Fatalf("the slow shard does not show: p50 %d and %d", *a.Stages["end_to_end"].P50NS, *b.Stages["end_to_end"].P50NS)
	}
}
