package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/scenario"
)

// The faults of servers, as the tables below number them.
var ofServers = []scenario.Fault{
	{At: s, Kind: scenario.FailoverFault, Target: scenario.RedisTarget},
	{At: s, Kind: scenario.FailoverFault, Target: scenario.RedisTarget, Force: true},
	{At: s, Kind: scenario.KillFault, Target: scenario.NodeTarget, Restart: s},
	{At: s, For: s, Kind: scenario.MemoryFault, Target: scenario.RedisTarget, Memory: scenario.MemoryLimit{Percent: 80}},
	{At: s, Kind: scenario.KillFault, Target: scenario.RedisTarget},
	{At: s, For: s, Kind: scenario.PauseFault, Target: scenario.RedisTarget},
}

func TestFaultsOfServersAreRefusedWhereTheServersDoNotSuit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		place   fault.Place
		refused string // the numbers of those refused
	}{
		{fault.Place{}, ""},
		{fault.Place{Kind: "process"}, "012"},
		{fault.Place{Kind: "process", Several: true, Clustered: true}, "012"}, // a cluster of one node
		{fault.Place{Kind: "sentinel", Several: true}, "145"},
		{fault.Place{Kind: "cluster", Several: true, Clustered: true}, "45"},
		{fault.Place{Kind: "docker"}, "0124"},
		{fault.Place{Kind: "url"}, "012345"},
		{fault.Place{Kind: "url", Allowed: true}, "0124"},
		{fault.Place{Kind: "url", Allowed: true, Several: true}, "1245"},
		{fault.Place{Kind: "url", Several: true, Clustered: true}, "012345"},
		{fault.Place{Kind: "url", Allowed: true, Several: true, Clustered: true}, "245"},
		{fault.Place{Kind: "embedded", Allowed: true}, "012345"},
		{fault.Place{Kind: "memory"}, "012345"},
	} {
		got := ""
		for i, f := range ofServers {
			refused := fault.Refuse([]scenario.Fault{f}, row.place)
			if len(refused) > 0 {
				got += fmt.Sprint(i)
			}
			for _, one := range refused {
				if one.Hint == "" {
					t.Errorf("%+v: %s has no remedy", row.place, one.What)
				}
			}
		}
		if got != row.refused {
			t.Errorf("%+v: refused are %q, want %q", row.place, got, row.refused)
		}
	}
}

func TestThePrivateServersAreThoseThatTheFaultsNeed(t *testing.T) {
	t.Parallel()
	workers := scenario.Fault{At: s, Kind: scenario.KillFault, Target: scenario.WorkersTarget}
	for want, all := range map[string][]scenario.Fault{
		"":         {workers},
		"process":  {workers, ofServers[3], ofServers[4]},
		"sentinel": {ofServers[0], ofServers[4], ofServers[2]},
		"cluster":  {ofServers[4], ofServers[0], ofServers[1]},
	} {
		if got := fault.Private(all); got != want {
			t.Errorf("Private(%v) = %q, want %q", all, got, want)
		}
	}
}

// servers are a group whose memory can be limited. Each begin fails with err.
type servers struct {
	fault.Server
	err  error
	done []string
}

func (v *servers) undo(what string) (func(context.Context) error, error) {
	v.done = append(v.done, what)
	return func(context.Context) error {
		v.done = append(v.done, "undo "+what)
		return nil
	}, v.err
}

func (v *servers) Failover(_ context.Context, force bool) (func(context.Context) error, error) {
	return v.undo(fmt.Sprintf("failover %t", force))
}

func (v *servers) KillNode(context.Context) (func(context.Context) error, error) {
	return v.undo("kill")
}

func (v *servers) LimitMemory(_ context.Context, limit scenario.MemoryLimit) (func(context.Context) error, error) {
	return v.undo("limit " + limit.String())
}

func TestWhatAFaultOfServersBeginsItUndoes(t *testing.T) {
	t.Parallel()
	for i, want := range []string{"failover false", "failover true", "kill", "limit 80%"} {
		for _, failure := range []error{nil, errors.New("the answer was lost")} {
			v := &servers{err: failure}
			injector, ok := fault.On(v, ofServers[i])
			if !ok {
				t.Fatalf("%s cannot be carried out", ofServers[i])
			}
			if err := injector.Begin(t.Context()); !errors.Is(err, failure) {
				t.Errorf("Begin of %s = %v, want %v", ofServers[i], err, failure)
			}
			if err := injector.End(t.Context()); err != nil || fmt.Sprint(v.done) != fmt.Sprint([]string{want, "undo " + want}) {
				t.Errorf("End of %s = %v; it did %q", ofServers[i], err, v.done)
			}
		}
	}
	for _, f := range ofServers {
		if _, ok := fault.On(nil, f); ok {
			t.Errorf("%s can be carried out on nothing", f)
		}
	}
}
