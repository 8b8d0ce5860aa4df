package redisfacts

import (
	"reflect"
	"testing"
)

// factsFrom is what a server says in INFO.
func factsFrom(info string) *Facts {
	f := &Facts{Info: map[string]string{}, Commands: map[string]CommandFacts{}, Config: map[string]string{}}
	f.readInfo(info)
	f.Version, f.Mode = f.version(), f.mode()
	return f
}

func TestAServerIsCalledWhatItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ info, version, mode string }{
		{"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n", "7.0.15", "standalone"},
		// Valkey 8 says which Redis it is compatible with, too.
		{"# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nvalkey_release_stage:ga\r\nredis_mode:cluster\r\n", "valkey 8.0.1", "cluster"},
		{"# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nserver_mode:standalone\r\n", "valkey 8.1.0", "standalone"},
		{"# Server\r\nredis_version:7.4.0\r\nserver_name:Other\r\nother_version:1.2\r\n", "other 1.2", ""},
		{"# Server\r\nredis_version:7.2.4\r\nserver_name:redis\r\n", "7.2.4", ""},
		{"", "", ""},
	} {
		if f := factsFrom(c.info); f.Version != c.version || f.Mode != c.mode {
			t.Errorf("%q: %q, %q; want %q, %q", c.info, f.Version, f.Mode, c.version, c.mode)
		}
	}
}

func TestFactsOfSeveralServersAddUp(t *testing.T) {
	t.Parallel()
	a := factsFrom("redis_version:7.0.15\nrun_id:b\nused_cpu_user:1.500000\ntotal_commands_processed:10\nused_memory:1\nos:Linux\nmaxmemory:0\nuptime_in_days:1\n" +
		"slave0:ip=10.0.0.9,port=7003,state=online,offset=1,lag=0\ncmdstat_lpush:calls=3,usec=30,usec_per_call=10.00,rejected_calls=1,failed_calls=0\n")
	b := factsFrom("redis_version:7.2.0\nrun_id:a\nused_cpu_user:0.250000\ntotal_commands_processed:5\nused_memory:2\nos:Linux\nmaxmemory:0\n" +
		"cmdstat_lpush:calls=4,usec=50\ncmdstat_brpop:calls=1,usec=1\n")
	a.Config, b.Config = map[string]string{"appendonly": "yes", "save": ""}, map[string]string{"appendonly": "no", "save": ""}
	b.Withheld = []string{"CONFIG GET: no"}
	nodes := []Node{{Address: "h:1", Role: "master", Facts: a}, {Address: "h:2", Role: "master", Facts: b}}
	f := mergeFacts(nodes)
	want := map[string]string{
		"redis_version": "", "run_id": "a, b", "used_cpu_user": "1.750000", "total_commands_processed": "15",
		"used_memory": "", "os": "Linux", "maxmemory": "0", "uptime_in_days": "",
	}
	for key, value := range want {
		if f.Info[key] != value {
			t.Errorf("%s = %q, want %q", key, f.Info[key], value)
		}
	}
	if got := f.Commands["lpush"]; got != (CommandFacts{Calls: 7, USec: 80, Rejected: 1}) || f.Commands["brpop"].Calls != 1 {
		t.Errorf("Commands = %+v", f.Commands)
	}
	if f.Version != "7.0.15, 7.2.0" || !reflect.DeepEqual(f.Config, map[string]string{"appendonly": "no, yes", "save": ""}) {
		t.Errorf("Version, Config = %q, %q", f.Version, f.Config)
	}
	if !reflect.DeepEqual(f.Withheld, []string{"h:2: CONFIG GET: no"}) {
		t.Errorf("Withheld = %q", f.Withheld)
	}
	if got := replicas(append(nodes, Node{Address: "h:3"})); !reflect.DeepEqual(got, []Node{{Address: "10.0.0.9:7003", Role: "replica"}}) {
		t.Errorf("replicas = %+v", got)
	}
}
