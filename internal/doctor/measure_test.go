package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/doctor"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// connected is a client of the Redis at the URL, until the test ends.
func connected(t *testing.T, url string) *jobqueue.Client {
	t.Helper()
	client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// measured are the facts of the Redis at the URL, judged on a host without faults.
func measured(t *testing.T, url string, span time.Duration) doctor.Report {
	t.Helper()
	client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: url, Queue: "doctor:q", Channel: "doctor:c"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	f := sound()
	var got doctor.Facts
	// A busy host answers too few PINGs within the span to say anything of them.
	for try := 0; got.Redis == nil || got.Redis.RoundTrip == nil && len(got.Redis.Unusable) == 0; try++ {
		if try == 10 {
			t.Fatal("no round trip was measured")
		}
		if got, err = doctor.Measure(t.Context(), client, f.Scenarios, span); err != nil {
			t.Fatal(err)
		}
	}
	// How long that took depends on the machine of the test.
	got.Redis.RoundTrip = f.Redis.RoundTrip
	got.Redis.Kind = "process"
	got.Host, got.Sending = f.Host, f.Sending
	return doctor.Judge(got)
}

const briefly = 300 * time.Millisecond

func TestFaultsOfARealRedisAreFound(t *testing.T) {
	t.Parallel()
	set := func(pairs ...string) func(ctx context.Context, c *redis.Client) error {
		return func(ctx context.Context, c *redis.Client) error {
			for i := 0; i < len(pairs); i += 2 {
				if err := c.ConfigSet(ctx, pairs[i], pairs[i+1]).Err(); err != nil {
					return fmt.Errorf("set %s: %w", pairs[i], err)
				}
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		check string
		level doctor.Level
		args  []string
		plant func(ctx context.Context, c *redis.Client) error
	}{
		"nothing":                 {},
		"an idle limit":           {check: "redis.timeout", level: doctor.Suspect, plant: set("timeout", "100")},
		"snapshots":               {check: "redis.snapshots", level: doctor.Suspect, plant: set("save", "3600 1 60 10000")},
		"a disk":                  {check: "redis.aof", level: doctor.Suspect, plant: set("appendfsync", "always", "appendonly", "yes")},
		"eviction":                {check: "redis.eviction", level: doctor.Suspect, plant: set("maxmemory-policy", "allkeys-lru", "maxmemory", "1000000000")},
		"a full memory":           {check: "redis.usable", level: doctor.Invalid, plant: set("maxmemory", "100000")},
		"no room for connections": {check: "redis.usable", level: doctor.Invalid, plant: set("maxclients", "12")},
		"a small output buffer":   {check: "redis.output_buffer", level: doctor.Suspect, plant: set("client-output-buffer-limit", "pubsub 65536 0 0")},
		"a slow log of all":       {check: "redis.slowlog", level: doctor.Suspect, plant: set("slowlog-log-slower-than", "0")},
		"a nosy latency monitor":  {check: "redis.latency_monitor", level: doctor.Note, plant: set("latency-monitor-threshold", "1")},
		"I/O threads":             {check: "redis.io_threads", level: doctor.Suspect, args: []string{"--io-threads", "8"}},
		"a replica": {check: "redis.usable", level: doctor.Invalid, plant: func(ctx context.Context, c *redis.Client) error {
			return c.ReplicaOf(ctx, "127.0.0.1", "1").Err()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Process(t, c.args...)
			o, err := redis.ParseURL(server.URL())
			if err != nil {
				t.Fatal(err)
			}
			rdb := redis.NewClient(o)
			defer rdb.Close()
			if c.plant != nil {
				if err := c.plant(t.Context(), rdb); err != nil {
					t.Fatal(err)
				}
			}
			r := measured(t, server.URL(), briefly)
			found := names(r)
			if c.check == "" {
				if len(found) > 0 {
					t.Errorf("found %+v on a private server", r.Found())
				}
				return
			}
			if found[c.check] != c.level {
				t.Errorf("found %v, want %s %s", found, c.check, c.level)
			}
			// A full memory shows in a second place as well, and how long the fork for a
			// disk took depends on the machine; nothing else may.
			delete(found, c.check)
			delete(found, "redis.maxmemory")
			delete(found, "redis.fork")
			if len(found) > 0 {
				t.Errorf("found also %v", found)
			}
			for _, one := range r.Found() {
				if one.Remedy == "" {
					t.Errorf("%s has no remedy: %q", one.Name, one.Found)
				}
			}
		})
	}
}

func TestRightsThatARunLacksAreFound(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	defer rdb.Close()
	for user, c := range map[string]struct {
		rules []any
		check string
		level doctor.Level
	}{
		"nopush": {[]any{"+@all", "-lpush"}, "redis.usable", doctor.Invalid},
		"nosub":  {[]any{"+@all", "-subscribe"}, "redis.usable", doctor.Invalid},
		"nopop":  {[]any{"+@all", "-brpop"}, "redis.usable", doctor.Invalid},
		"noinfo": {[]any{"+@all", "-config"}, "redis.rights", doctor.Suspect},
	} {
		rules := append([]any{"ACL", "SETUSER", user, "on", ">hunter2", "~*", "&*"}, c.rules...)
		if err := rdb.Do(t.Context(), rules...).Err(); err != nil {
			t.Fatal(err)
		}
		r := measured(t, fmt.Sprintf("redis://%s:hunter2@%s/0", user, o.Addr), briefly)
		if found := names(r); found[c.check] != c.level {
			t.Errorf("%s: found %v, want %s %s", user, found, c.check, c.level)
		}
		var text bytes.Buffer
		asJSON, err := json.Marshal(r)
		if err := errors.Join(err, r.WriteText(&text, 100)); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text.Bytes(), []byte("hunter2")) || bytes.Contains(asJSON, []byte("hunter2")) {
			t.Errorf("%s: a report holds the password:\n%s", user, text.Bytes())
		}
	}
}

func TestOtherClientsAreFound(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	defer rdb.Close()
	ctx, stop := context.WithCancel(t.Context())
	began, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ctx.Err() == nil; n++ {
			pipe := rdb.Pipeline()
			for range 1000 { // so that one turn is enough
				pipe.Incr(ctx, "k")
			}
			_, _ = pipe.Exec(ctx) // the end cancels it
			if n == 0 {
				close(began)
			}
		}
	}()
	<-began
	r := measured(t, server.URL(), time.Second)
	stop()
	<-ended
	if found := names(r); found["redis.clients"] != doctor.Suspect {
		t.Errorf("found %v, want the other client", found)
	}
}

func TestAServerThatCannotBeReachedIsAFinding(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	client := connected(t, server.URL())
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	f, err := doctor.Measure(t.Context(), client, nil, briefly)
	if err != nil {
		t.Fatal(err)
	}
	r := doctor.Judge(f)
	if r.Verdict != doctor.Invalid || names(r)["redis.usable"] != doctor.Invalid {
		t.Errorf("found %v of a server that is gone", names(r))
	}
	if p := problem.Of(f.Redis.Unusable[0]); p.What == "" {
		t.Error("the error says nothing")
	}
}

func TestARedisThatDoesNotReportTheKeysOfWorkersIsAFinding(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	client := connected(t, server.URL())
	sets := []scenario.Scenario{{Name: "keys", Update: "key=result:{id},status=."}}
	for _, row := range []struct {
		setting   string
		scenarios []scenario.Scenario
		silent    bool
	}{{"", nil, false}, {"", sets, true}, {"Kh", sets, true}, {"K$h", sets, false}, {"AKE", sets, false}} {
		if _, err := client.Do(t.Context(), []string{"CONFIG", "SET", "notify-keyspace-events", row.setting}); err != nil {
			t.Fatal(err)
		}
		f, err := doctor.Measure(t.Context(), client, row.scenarios, briefly)
		if err != nil {
			t.Fatal(err)
		}
		if silent := len(f.Redis.Unusable) > 0; silent != row.silent {
			t.Errorf("notify-keyspace-events %q with %d scenarios: found %v", row.setting, len(row.scenarios), f.Redis.Unusable)
		} else if silent && !strings.Contains(problem.Of(f.Redis.Unusable[0]).Hint, "CONFIG SET notify-keyspace-events") {
			t.Errorf("no hint with %v", f.Redis.Unusable)
		}
	}
}

func TestATrialOnARedisShowsWhatThisHostSends(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	client := connected(t, server.URL())
	s, ok := doctor.Busiest([]scenario.Scenario{
		{Name: "closed", Load: scenario.Load{Duration: time.Second}},
		{Name: "slow", Load: scenario.Load{Rate: pace.PerSecond(10)}},
		{Name: "fast", Load: scenario.Load{Rate: pace.PerSecond(5000)}, Payload: 10},
	})
	if !ok || s.Name != "fast" {
		t.Fatalf("the busiest is %q, %t", s.Name, ok)
	}
	got, err := doctor.Send(t.Context(), s, client)
	if err != nil || got == nil || got.Rate <= 0 || got.Scenario != "fast" {
		t.Errorf("Send = %+v, %v", got, err)
	}
	if n, err := client.Len(t.Context()); err != nil || n != 0 {
		t.Errorf("the trial left %d jobs, %v", n, err)
	}
	if _, ok := doctor.Busiest([]scenario.Scenario{{Name: "closed", Load: scenario.Load{Duration: time.Second}}}); ok {
		t.Error("a closed loop has no rate")
	}
}
