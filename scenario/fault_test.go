package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestAFaultReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	for _, want := range []scenario.Fault{
		{At: 10 * time.Second, For: 2 * time.Second, Kind: scenario.PauseFault, Target: scenario.RedisTarget},
		{At: 0, Kind: scenario.KillFault, Target: scenario.RedisTarget},
		{At: time.Minute, Restart: 1500 * time.Millisecond, Kind: scenario.KillFault, Target: scenario.RedisTarget},
		{At: time.Second, Kind: scenario.KillFault, Target: scenario.WorkersTarget, Count: 2, Restart: time.Second},
		{At: time.Second, Kind: scenario.DisconnectFault, Target: scenario.SubscribersTarget},
		{At: time.Second, For: time.Second, Kind: scenario.PauseFault, Target: scenario.WorkersTarget, Count: 2},
		{At: time.Second, For: time.Second, Kind: scenario.PauseFault, Target: scenario.PostgresTarget},
		{At: time.Second, Restart: time.Second, Kind: scenario.KillFault, Target: scenario.PostgresTarget},
		{At: time.Second, Kind: scenario.DisconnectFault, Target: scenario.PostgresTarget},
		{At: time.Second, For: time.Second, Kind: scenario.NetworkFault, Target: scenario.EntryTarget, Network: scenario.Network{Down: true}},
		{At: time.Second, For: time.Second, Kind: scenario.NetworkFault, Target: scenario.ExitTarget, Network: scenario.Network{Latency: 50 * time.Millisecond}},
		{At: time.Second, For: time.Second, Kind: scenario.SlowFault, Target: scenario.WorkersTarget, Factor: 2.5},
		{At: time.Second, For: time.Second, Kind: scenario.NetworkFault, Target: scenario.ConsumersTarget, Network: scenario.Network{Latency: 50 * time.Millisecond, Jitter: 10 * time.Millisecond, Bandwidth: 100_000}},
		{At: time.Second, For: time.Second, Kind: scenario.NetworkFault, Target: scenario.ProducersTarget, Network: scenario.Network{Down: true}},
		{At: time.Second, Kind: scenario.NetworkFault, Target: scenario.SubscribersTarget, Network: scenario.Network{Reset: true}},
		{At: time.Second, For: time.Second, Kind: scenario.NetworkFault, Target: scenario.ConsumersTarget, Network: scenario.Network{Swallow: true}},
		{At: time.Second, Kind: scenario.KillFault, Target: scenario.NodeTarget, Restart: time.Second},
		{At: time.Second, Kind: scenario.FailoverFault, Target: scenario.RedisTarget},
		{At: time.Second, Kind: scenario.FailoverFault, Target: scenario.RedisTarget, Force: true},
		{At: time.Second, For: time.Second, Kind: scenario.MemoryFault, Target: scenario.RedisTarget, Memory: scenario.MemoryLimit{Bytes: 2 << 20}},
		{At: time.Second, For: time.Second, Kind: scenario.MemoryFault, Target: scenario.RedisTarget, Memory: scenario.MemoryLimit{Percent: 99.5}},
		{At: time.Second, Kind: scenario.KillFault, Target: scenario.RedisTarget, Restart: time.Second, Name: "crash-1_b"},
		{At: time.Second, Kind: scenario.NetworkFault, Target: scenario.SubscribersTarget, Network: scenario.Network{Reset: true}, Name: "7"},
	} {
		got, err := scenario.ParseFault(want.String())
		if err != nil || got != want {
			t.Errorf("ParseFault(%q) = %+v, %v, want %+v", want, got, err, want)
		}
	}
}

func TestAFaultThatCannotBeReadSaysHowToWriteIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"pause":                                         "write it like 10s+2s:pause=redis",
		"10s+2s:puase=redis":                            `did you mean "pause"?`,
		"10s+2s:pause=postgers":                         `did you mean "postgres"?`,
		"10s+2s:slow=redis,factor=2":                    "there is workers",
		"10s:disconnect=consumer":                       `did you mean "consumers"?`,
		"10+2s:pause=redis":                             "10s",
		"10s:kill=redis,restrat=1s":                     `did you mean "restart"?`,
		"10s:kill=redis,restart":                        "KEY=VALUE",
		"10s:kill=workers,count=0":                      "at least 1",
		"1s+1s:network=redis,down":                      `unknown target of network "redis"`,
		"1s+1s:network=consumers,latncy":                "KEY=VALUE",
		"1s+1s:network=consumers,dwn=1":                 `did you mean "down"?`,
		"1s+1s:network=consumers,latency=1us,jitter=no": "jitter: ",
		"10s+1s:slow=workers,factor=-1":                 "factor",
		"10s+1s:maxmemory=redis,to=2mb":                 "2MiB",
		"10s+1s:maxmemory=redis,to=0%":                  "80%",
		"10s:failover=workers":                          "there is redis",
		"10s:kill=redis,name=a.b":                       `name: "a.b" is not the name of a fault; use 1 to 63 letters`,
		"10s:kill=redis,name=":                          "is not the name of a fault",
		"10s:kill=redis,name":                           "KEY=VALUE",
		"x+2s:puase=redis,restart=never":                "restart: ", // all of it at once
	} {
		_, err := scenario.ParseFault(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseFault(%q) = %v, want an error with %q", text, err, want)
		}
	}
}

// named is the fault with a name.
func named(f scenario.Fault, name string) scenario.Fault {
	f.Name = name
	return f
}

// limited is a scenario of 60 s with a threshold and those faults.
func limited(threshold string, faults ...scenario.Fault) scenario.Scenario {
	s := faulty(faults...)
	s.Thresholds = []string{threshold}
	return s
}

// faulty is a scenario of 60 s with those faults.
func faulty(faults ...scenario.Fault) scenario.Scenario {
	return scenario.Scenario{
		Name: "faulty", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Minute}, Consumers: 4,
		Work: scenario.Work{Time: time.Millisecond}, Faults: faults,
	}
}

// storing is the same whose jobs are stored in Postgres.
func storing(faults ...scenario.Fault) scenario.Scenario {
	s := faulty(faults...)
	s.Entry.Kind = scenario.EntryPostgres
	return s.WithDefaults()
}

func TestWhatIsWrongWithAFaultIsFoundAtItsKey(t *testing.T) {
	t.Parallel()
	s := time.Second
	pause := func(at, length time.Duration) scenario.Fault {
		return scenario.Fault{At: at, For: length, Kind: scenario.PauseFault, Target: scenario.RedisTarget}
	}
	kill := func(at, restart time.Duration) scenario.Fault {
		return scenario.Fault{At: at, Restart: restart, Kind: scenario.KillFault, Target: scenario.RedisTarget}
	}
	network := func(length time.Duration, n scenario.Network) scenario.Fault {
		return scenario.Fault{At: s, For: length, Kind: scenario.NetworkFault, Target: scenario.ConsumersTarget, Network: n}
	}
	ms := time.Millisecond
	workers := func(f scenario.Fault) scenario.Fault { f.Target = scenario.WorkersTarget; return f }
	for name, row := range map[string]struct {
		s     scenario.Scenario
		field string
		want  string
	}{
		"at the end of the load":        {faulty(pause(60*s, s)), "faults[0].at", "not before the end of the load"},
		"after the drain":               {faulty(pause(59*s, 12*s)), "faults[0]", "after the load and the drain timeout"},
		"a pause without a length":      {faulty(pause(s, 0)), "faults[0]", "needs for"},
		"a kill with a length":          {faulty(scenario.Fault{At: s, For: s, Kind: scenario.KillFault, Target: scenario.RedisTarget}), "faults[0].for", "restart: 1s"},
		"a server with a count":         {faulty(scenario.Fault{At: s, Count: 2, Kind: scenario.KillFault, Target: scenario.RedisTarget}), "faults[0].count", "has no count"},
		"an unknown kind":               {faulty(scenario.Fault{Kind: "puase", Target: scenario.RedisTarget}), "faults[0]", `did you mean "pause"?`},
		"an impossible target":          {faulty(scenario.Fault{Kind: scenario.PauseFault, Target: scenario.ProducersTarget}), "faults[0]", "its targets are redis, workers, postgres"},
		"more paused than there are":    {faulty(workers(scenario.Fault{At: s, For: s, Count: 5, Kind: scenario.PauseFault})), "faults[0].count", "there are 4"},
		"no Postgres":                   {faulty(scenario.Fault{At: s, For: s, Kind: scenario.PauseFault, Target: scenario.PostgresTarget}), "faults[0]", "no job is stored in Postgres"},
		"a Postgres gone for good":      {storing(scenario.Fault{At: s, Kind: scenario.KillFault, Target: scenario.PostgresTarget}), "faults[0]", "add restart"},
		"a network without an entry":    {faulty(scenario.Fault{At: s, Kind: scenario.NetworkFault, Target: scenario.EntryTarget, Network: scenario.Network{Reset: true}}), "faults[0]", "on: producers"},
		"a network without an exit":     {faulty(scenario.Fault{At: s, Kind: scenario.NetworkFault, Target: scenario.ExitTarget, Network: scenario.Network{Reset: true}}), "faults[0]", "on: subscribers"},
		"producers of an entry":         {storing(scenario.Fault{At: s, Kind: scenario.DisconnectFault, Target: scenario.ProducersTarget}), "faults[0]", "break the network of the entry"},
		"more workers than there are":   {faulty(workers(scenario.Fault{At: s, Count: 5, Kind: scenario.KillFault})), "faults[0].count", "there are 4"},
		"slow without a factor":         {faulty(workers(scenario.Fault{At: s, For: s, Kind: scenario.SlowFault})), "faults[0]", "needs factor"},
		"faster than slow":              {faulty(workers(scenario.Fault{At: s, For: s, Factor: 0.5, Kind: scenario.SlowFault})), "faults[0].factor", "above 1"},
		"two pauses that overlap":       {faulty(pause(s, 3*s), pause(2*s, s)), "faults[1]", "breaks the same target"},
		"a disconnect while paused":     {faulty(pause(s, 3*s), scenario.Fault{At: 2 * s, Kind: scenario.DisconnectFault, Target: scenario.ProducersTarget}), "faults[1]", "answers nothing"},
		"after the server is gone":      {faulty(kill(10*s, 0), pause(20*s, s)), "faults[1]", "add a restart"},
		"before, but later in the list": {faulty(pause(20*s, s), kill(10*s, 0)), "faults[1]", "add a restart"},
		"nothing for the network":       {faulty(network(s, scenario.Network{})), "faults[0]", "does nothing"},
		"much for the network":          {faulty(network(s, scenario.Network{Latency: ms, Down: true})), "faults[0]", "go together"},
		"down without a length":         {faulty(network(0, scenario.Network{Down: true})), "faults[0]", "needs for"},
		"a latency of microseconds":     {faulty(network(s, scenario.Network{Latency: ms + 1})), "faults[0].network.latency", "whole milliseconds"},
		"a jitter of microseconds":      {faulty(network(s, scenario.Network{Latency: 9 * ms, Jitter: ms + 1})), "faults[0].network.jitter", "whole milliseconds"},
		"more jitter than latency":      {faulty(network(s, scenario.Network{Latency: ms, Jitter: 2 * ms})), "faults[0].network.jitter", "more than the latency"},
		"a limit of no memory":          {faulty(scenario.Fault{At: s, For: s, Kind: scenario.MemoryFault, Target: scenario.RedisTarget}), "faults[0]", "needs to"},
		"two limits of memory":          {faulty(scenario.Fault{At: s, For: s, Kind: scenario.MemoryFault, Target: scenario.RedisTarget, Memory: scenario.MemoryLimit{Bytes: 1, Percent: 1}}), "faults[0].to", "two limits"},
		"a kill by force":               {faulty(scenario.Fault{At: s, Kind: scenario.KillFault, Target: scenario.NodeTarget, Force: true}), "faults[0].force", "has no force"},
		"a failover of a dead node":     {faulty(kill(s, 3*s), scenario.Fault{At: 2 * s, Kind: scenario.FailoverFault, Target: scenario.RedisTarget}), "faults[1]", "breaks the same target"},
		"hardly any bandwidth":          {faulty(network(s, scenario.Network{Bandwidth: 999})), "faults[0].network.bandwidth", "less than 1000"},
		"a pause with a latency":        {faulty(scenario.Fault{At: s, For: s, Kind: scenario.PauseFault, Target: scenario.RedisTarget, Network: scenario.Network{Latency: ms}}), "faults[0].network.latency", "has no latency"},
		"too many":                      {faulty(make([]scenario.Fault, 51)...), "faults", "more than 50"},
		"a name with a dot":             {faulty(named(pause(s, s), "a.b")), "faults[0].name", "letters, digits, - and _"},
		"a name that is too long":       {faulty(named(pause(s, s), strings.Repeat("n", 64))), "faults[0].name", "1 to 63"},
		"a name of two faults":          {faulty(named(pause(s, s), "a"), named(pause(5*s, s), "b"), named(kill(9*s, s), "a")), "faults[2].name", "faults[0] has the name a as well"},
		"a limit on another fault":      {limited("fault.crsh.lost == 0", named(pause(s, s), "crash")), "thresholds[0]", `no fault has the name crsh (did you mean "crash"?)`},
		"a limit on no near name":       {limited("fault.x.lost == 0", named(pause(s, s), "crash"), named(pause(9*s, s), "gone")), "thresholds[0]", "the names are crash, gone"},
		"a limit on a fault unnamed":    {limited("fault.crash.recovery < 2s", pause(s, s)), "thresholds[0]", "write name: crash at one of them"},
		"a limit without faults":        {limited("fault.lost == 0"), "thresholds[0]", "has no faults"},
		"a limit on an unknown figure":  {limited("fault.crash.lsot == 0", named(pause(s, s), "crash")), "thresholds[0]", `did you mean "fault.crash.lost"?`},
	} {
		var found []string
		for _, p := range row.s.Validate() {
			found = append(found, p.String())
			if p.Field == row.field && strings.Contains(p.Message, row.want) {
				found = nil
				break
			}
		}
		if found != nil || len(row.s.Validate()) != 1 {
			t.Errorf("%s: problems %q, want one at %s with %q", name, row.s.Validate(), row.field, row.want)
		}
	}
	if p := limited("fault.crash.recovery < 2s", pause(9*s, s), named(pause(s, s), "crash")).Validate(); len(p) > 0 {
		t.Errorf("a limit on a fault by its name: %q", p)
	}
	sound := faulty(network(s, scenario.Network{Latency: 50 * ms, Jitter: 50 * ms, Bandwidth: 1000}), pause(s, s), kill(3*s, s), workers(scenario.Fault{At: s, Kind: scenario.KillFault, Count: 4, Restart: s}))
	if p := sound.Validate(); len(p) > 0 {
		t.Errorf("a sound scenario: %q", p)
	}
	stored := storing(
		scenario.Fault{At: s, For: s, Kind: scenario.PauseFault, Target: scenario.PostgresTarget}, scenario.Fault{At: 3 * s, Restart: s, Kind: scenario.KillFault, Target: scenario.PostgresTarget},
		scenario.Fault{At: 5 * s, Kind: scenario.DisconnectFault, Target: scenario.PostgresTarget}, pause(5*s, s),
		scenario.Fault{At: 7 * s, For: s, Kind: scenario.NetworkFault, Target: scenario.EntryTarget, Network: scenario.Network{Latency: ms}},
	)
	if p := stored.Validate(); len(p) > 0 {
		t.Errorf("a sound scenario with Postgres: %q", p)
	}
	// Who starts external workers is known to the run alone.
	outside := faulty(workers(scenario.Fault{At: s, Kind: scenario.KillFault}))
	outside.External, outside.Consumers, outside.Work = true, 0, scenario.Work{}
	if p := outside.Validate(); len(p) > 0 {
		t.Errorf("external workers: %q", p)
	}
}

const faultyFile = `version: 1
scenarios:
  a:
    load: {rate: 100/s, duration: 60s}
    faults:
      - {at: 10s, for: 2s, puase: redis}
      - {at: 20s, kill: redis, pause: redis}
      - {at: 30s, disconnect: subscriber}
      - {for: 2s, pause: redis}
      - {at: 70s, for: 1s, pause: redis}
      - 5
      - {at: 40s, kill: redis, count: 2, restart: 1s}
      - {at: 41s, for: 1s, network: consumers}
      - {at: 42s, for: 1s, network: {on: redis, latncy: 50ms}}
      - {at: 43s, for: 1s, network: {latency: 50ms}}
      - {at: 44s, for: 1s, network: {on: consumers, latency: 1ms, jitter: 2ms}}
      - {at: 45s, for: 1s, network: {on: consumers, down: maybe}}
      - {at: 46s, disconnect: consumers, name: two words}
      - {at: 47s, disconnect: consumers, name: twice}
      - {at: 48s, disconnect: consumers, name: twice}
      - {at: 49s, disconnect: consumers, name: 5}
  b:
    load: {rate: 100/s, duration: 60s}
    faults: [{at: 10s, for: 2s, pause: redis, name: crash}]
    thresholds: ["fault.crash.lost == 0", "fault.crush.lost == 0"]
`

func TestAllProblemsOfFaultsAreFoundAtOnceWithTheirPlaces(t *testing.T) {
	t.Parallel()
	_, err := scenario.Parse("f.yaml", []byte(faultyFile))
	if err == nil {
		t.Fatal("Parse = nil")
	}
	for _, want := range []string{
		`f.yaml:6:28: unknown key "puase" (did you mean "pause"?)`,
		`f.yaml:7:32: a fault is one thing; remove kill or pause`,
		`f.yaml:8:31: unknown target of disconnect "subscriber" (did you mean "subscribers"?)`,
		`f.yaml:9:9: at is missing`,
		`f.yaml:10:10: faults[4].at: 1m10s is not before the end of the load (1m0s)`,
		`f.yaml:11:9: expected a fault such as`,
		`f.yaml:12:32: faults[6].count: kill=redis has no count; remove it`,
		`f.yaml:13:37: expected what happens to the network, such as {on: consumers, latency: 50ms}`,
		`f.yaml:14:42: unknown target of network "redis"`,
		`f.yaml:14:49: unknown key "latncy" (did you mean "latency"?)`,
		`f.yaml:15:37: on is missing`,
		`f.yaml:16:67: faults[10].network.jitter: 2ms is more than the latency of 1ms`,
		`f.yaml:17:59: expected true`,
		`f.yaml:18:48: name: "two words" is not the name of a fault`,
		`f.yaml:20:42: faults[14].name: faults[13] has the name twice as well`,
		`f.yaml:21:48: expected a name such as crash, found`,
		`f.yaml:25:43: thresholds[1]: fault.crush.lost: no fault has the name crush (did you mean "crash"?)`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the problems do not hold %q:\n%s", want, err)
		}
	}
}

func TestFaultsAreReadAsMappingsAndAsTexts(t *testing.T) {
	t.Parallel()
	const file = `version: 1
scenarios:
  a:
    load: {rate: 100/s, duration: 60s}
    faults:
      - {at: 10s, for: 2s, pause: redis}
      - "20s:kill=redis,restart=1s"
      - {at: 30s, for: 5s, network: {on: consumers, latency: 50ms, jitter: 10ms}}
      - {at: 40s, for: 5s, network: {on: producers, down: true, reset: false}, name: gone}
      - {at: 46s, failover: redis, force: true}
      - {at: 47s, for: 5s, maxmemory: redis, to: 80%}
      - "53s:kill=node,name=again"
`
	got, err := scenario.Parse("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []scenario.Fault{
		{At: 10 * time.Second, For: 2 * time.Second, Kind: scenario.PauseFault, Target: scenario.RedisTarget},
		{At: 20 * time.Second, Restart: time.Second, Kind: scenario.KillFault, Target: scenario.RedisTarget},
		{At: 30 * time.Second, For: 5 * time.Second, Kind: scenario.NetworkFault, Target: scenario.ConsumersTarget, Network: scenario.Network{Latency: 50 * time.Millisecond, Jitter: 10 * time.Millisecond}},
		{At: 40 * time.Second, For: 5 * time.Second, Kind: scenario.NetworkFault, Target: scenario.ProducersTarget, Network: scenario.Network{Down: true}, Name: "gone"},
		{At: 46 * time.Second, Kind: scenario.FailoverFault, Target: scenario.RedisTarget, Force: true},
		{At: 47 * time.Second, For: 5 * time.Second, Kind: scenario.MemoryFault, Target: scenario.RedisTarget, Memory: scenario.MemoryLimit{Percent: 80}},
		{At: 53 * time.Second, Kind: scenario.KillFault, Target: scenario.NodeTarget, Name: "again"},
	}
	if diff := cmp.Diff(want, got[0].Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
