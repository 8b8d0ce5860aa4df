package doctor_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/doctor"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func ptr[T any](v T) *T { return &v }

// sound are facts of a host, a Redis and a scenario without anything to find.
func sound() doctor.Facts {
	config := map[string]string{
		"save": "", "appendonly": "no", "appendfsync": "everysec", "maxmemory": "0", "maxmemory-policy": "noeviction",
		"timeout": "0", "io-threads": "1", "slowlog-log-slower-than": "10000", "latency-monitor-threshold": "0",
		"client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
	}
	return doctor.Facts{
		Host: doctor.Host{
			Host:     result.Host{OS: "linux", CPUs: 8, GOMAXPROCS: 8, MemoryBytes: 16 << 30},
			Settings: hoststat.Settings{Governors: []string{"performance"}, ClockSource: "tsc", FirstPort: 32768, LastPort: 60999, MemoryAvailable: 8 << 30, MemorySource: "/proc/meminfo"},
			Stat:     hoststat.Stat{Steal: ptr(0.0), Busy: ptr(0.02)}, Connections: 1000, Tick: 40 * time.Nanosecond,
			Wakeup: &doctor.Spread{P50: 50 * time.Microsecond, High: 120 * time.Microsecond, At: "p95"},
		},
		Redis: &doctor.Redis{
			Redis:     result.Redis{Kind: "process", Version: "7.2.4", Address: "redis://127.0.0.1:6379/0"},
			Facts:     redisfacts.Facts{Version: "7.2.4", Config: config, Info: map[string]string{"used_memory": "1000000", "latest_fork_usec": "0"}},
			RoundTrip: &doctor.Spread{P50: 90 * time.Microsecond, High: 200 * time.Microsecond, At: "p95"}, Foreign: ptr(0.0),
		},
		Sending: &doctor.Sending{Scenario: "steady", Rate: 20_000},
		Scenarios: []scenario.Scenario{{
			Name: "steady", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 10 * time.Second}, Consumers: 8, Warmup: 2 * time.Second,
			Work: scenario.Work{Time: time.Millisecond}, Thresholds: []string{"end_to_end.p99 < 50ms", "lost == 0"},
		}},
	}
}

// names are the checks that found something.
func names(r doctor.Report) map[string]doctor.Level {
	found := map[string]doctor.Level{}
	for _, c := range r.Found() {
		found[c.Name] = c.Level
	}
	return found
}

func TestNothingIsFoundOnASoundHost(t *testing.T) {
	t.Parallel()
	r := doctor.Judge(sound())
	if r.Verdict != doctor.OK || len(r.Found()) > 0 {
		t.Errorf("verdict %s, found %+v", r.Verdict, r.Found())
	}
	for _, c := range r.Checks {
		if c.Level != doctor.OK || c.Found == "" || c.Means != "" || c.Remedy != "" {
			t.Errorf("check %+v, want an answer that all is well", c)
		}
	}
	var text bytes.Buffer
	if err := r.WriteText(&text, 100); err != nil || !strings.Contains(text.String(), "\nnothing found that would spoil") {
		t.Errorf("the text is %q, %v", text.String(), err)
	}
}

// planted are facts that are sound but for one, and the one check that finds it.
var planted = []struct {
	check string
	level doctor.Level
	plant func(f *doctor.Facts)
}{
	{"host.cpus", doctor.Suspect, func(f *doctor.Facts) { f.Host.CPUs, f.Host.GOMAXPROCS = 1, 1 }},
	{"host.cpus", doctor.Suspect, func(f *doctor.Facts) { f.Host.CPULimit = 0.5 }},
	{"host.cpu_limit", doctor.Suspect, func(f *doctor.Facts) {
		f.Host.CPULimit, f.Host.Stat.CPU.Share = 4, ptr(0.2)
	}},
	{"host.governor", doctor.Suspect, func(f *doctor.Facts) { f.Host.Governors = []string{"performance", "powersave"} }},
	{"host.steal", doctor.Suspect, func(f *doctor.Facts) { f.Host.Stat.Steal = ptr(0.12) }},
	{"host.busy", doctor.Suspect, func(f *doctor.Facts) { f.Host.Stat.Busy = ptr(0.6) }},
	{"host.clock", doctor.Suspect, func(f *doctor.Facts) { f.Host.ClockSource = "hpet" }},
	{"host.clock", doctor.Suspect, func(f *doctor.Facts) { f.Host.Tick = 500 * time.Microsecond }},
	{"host.wakeup", doctor.Suspect, func(f *doctor.Facts) { f.Host.Wakeup.High = 4 * time.Millisecond }},
	{"host.files", doctor.Invalid, func(f *doctor.Facts) { f.Host.Connections = 12 }},
	{"host.ports", doctor.Invalid, func(f *doctor.Facts) { f.Host.LastPort = f.Host.FirstPort + 9 }},
	{"host.memory", doctor.Suspect, func(f *doctor.Facts) { f.Host.MemoryAvailable = 64 << 20 }},
	{"redis.usable", doctor.Invalid, func(f *doctor.Facts) { f.Redis.Unusable = []error{errors.New("no")} }},
	{"redis.rights", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Facts.Withheld = []string{"INFO: NOPERM"} }},
	{"redis.kind", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Remarks = []string{"the embedded server"} }},
	{"redis.version", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Facts.Version = "5.0.14" }},
	{"redis.aof", doctor.Note, func(f *doctor.Facts) { f.Redis.Facts.Config["appendonly"] = "yes" }},
	{"redis.snapshots", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Facts.Config["save"] = "60 10000" }},
	{"redis.timeout", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Facts.Config["timeout"] = "5" }},
	{"redis.eviction", doctor.Suspect, func(f *doctor.Facts) {
		f.Redis.Facts.Config["maxmemory"], f.Redis.Facts.Config["maxmemory-policy"] = "1000000000", "allkeys-lru"
	}},
	{"redis.maxmemory", doctor.Invalid, func(f *doctor.Facts) { f.Redis.Facts.Config["maxmemory"] = "1000001" }},
	{"redis.output_buffer", doctor.Suspect, func(f *doctor.Facts) {
		f.Redis.Facts.Config["client-output-buffer-limit"] = "normal 0 0 0 slave 0 0 0 pubsub 65536 0 0"
	}},
	{"redis.io_threads", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Facts.Config["io-threads"] = "8" }},
	{"redis.slowlog", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Facts.Config["slowlog-log-slower-than"] = "0" }},
	{"redis.latency_monitor", doctor.Note, func(f *doctor.Facts) { f.Redis.Facts.Config["latency-monitor-threshold"] = "1" }},
	{"redis.round_trip", doctor.Note, func(f *doctor.Facts) {
		f.Redis.RoundTrip = &doctor.Spread{P50: 20 * time.Millisecond, High: 21 * time.Millisecond, At: "p95"}
	}},
	{"redis.jitter", doctor.Suspect, func(f *doctor.Facts) { f.Redis.RoundTrip.High = 9 * time.Millisecond }},
	{"redis.clients", doctor.Suspect, func(f *doctor.Facts) { f.Redis.Foreign = ptr(800.0) }},
	{"file.thresholds", doctor.Invalid, func(f *doctor.Facts) { f.Scenarios[0].Thresholds = []string{"end_to_end.p99.9 < 1s"} }},
	{"file.window", doctor.Note, func(f *doctor.Facts) { f.Scenarios[0].Load.Duration = 4 * time.Second }},
	{"file.load", doctor.Invalid, func(f *doctor.Facts) { f.Sending.Rate = 490 }},
	{"file.load", doctor.Suspect, func(f *doctor.Facts) { f.Sending.Rate = 510 }},
	{"file.workers", doctor.Note, func(f *doctor.Facts) { f.Scenarios[0].Consumers = 1; f.Scenarios[0].Work.Time = 2 * time.Millisecond }},
}

// Exactly what was planted is to be found.
func TestEachFaultIsFoundByItsCheck(t *testing.T) {
	t.Parallel()
	for _, c := range planted {
		f := sound()
		c.plant(&f)
		r := doctor.Judge(f)
		if got, want := names(r), map[string]doctor.Level{c.check: c.level}; !maps.Equal(got, want) {
			t.Errorf("planted %s: found %v, want %v", c.check, got, want)
		}
		if r.Verdict != c.level {
			t.Errorf("planted %s: verdict %s, want %s", c.check, r.Verdict, c.level)
		}
		for _, one := range r.Found() {
			if one.Means == "" || one.Remedy == "" && one.Name != "redis.usable" {
				t.Errorf("%s: means %q, remedy %q", one.Name, one.Means, one.Remedy)
			}
		}
	}
}

func TestAForkCountsWhereTheServerForks(t *testing.T) {
	t.Parallel()
	f := sound()
	f.Redis.Facts.Info["latest_fork_usec"] = "80000"
	if found := names(doctor.Judge(f)); len(found) > 0 {
		t.Errorf("a server that writes nothing: found %v", found)
	}
	f.Redis.Facts.Config["save"] = "60 10000"
	if _, found := names(doctor.Judge(f))["redis.fork"]; !found {
		t.Error("a fork of 80 ms on a server with snapshots was not found")
	}
}

func TestWhatIsNotKnownIsNoFinding(t *testing.T) {
	t.Parallel()
	r := doctor.Judge(doctor.Facts{Host: doctor.Host{Host: result.Host{CPUs: 4, GOMAXPROCS: 4}}, Redis: &doctor.Redis{}})
	if r.Verdict != doctor.OK {
		t.Errorf("verdict %s, found %+v", r.Verdict, r.Found())
	}
	unknown := 0
	for _, c := range r.Checks {
		if c.Level == doctor.Unknown {
			unknown++
		}
	}
	if unknown < 8 {
		t.Errorf("%d checks are unknown, want those of the host and the Redis: %+v", unknown, r.Checks)
	}
}

// The worst comes first, and nothing else than the worst level is the verdict.
func TestFindingsAreOrderedByLevel(t *testing.T) {
	t.Parallel()
	f := sound()
	f.Redis.Facts.Config["appendonly"] = "yes"
	f.Host.Stat.Steal = ptr(0.5)
	f.Sending.Rate = 10
	r := doctor.Judge(f)
	var levels []doctor.Level
	for _, c := range r.Found() {
		levels = append(levels, c.Level)
	}
	if want := []doctor.Level{doctor.Invalid, doctor.Suspect, doctor.Note}; !slices.Equal(levels, want) || r.Verdict != doctor.Invalid {
		t.Errorf("levels %v, verdict %s, want %v", levels, r.Verdict, want)
	}
}

// The page lists every check, and no other.
func TestTheDocumentationListsEveryCheck(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/start.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "\n### What it looks at\n")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:host|redis|file)\\.\\w+)`").FindAllStringSubmatch(table, -1) {
		listed[m[1]] = true
	}
	made := map[string]bool{"redis.fork": true} // by a test of its conditions
	for _, c := range doctor.Judge(sound()).Checks {
		made[c.Name] = true
	}
	for _, c := range planted {
		made[c.check] = true
	}
	if !maps.Equal(made, listed) {
		t.Errorf("docs/start.md lists %v, and there are %v", slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(made)))
	}
}
