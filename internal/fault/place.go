package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/scenario"
)

// Server is a server under test, as far as a run may break it.
type Server interface {
	// Pause makes it answer nothing, for the given time at most or until Resume.
	Pause(ctx context.Context, length time.Duration) error
	// Resume lets it go on. It does nothing to one that is not paused.
	Resume(ctx context.Context) error
	// Kill ends it at once.
	Kill(ctx context.Context) error
	// Restart starts it again, and returns when it answers.
	Restart(ctx context.Context) error
}

// Network are the ways of the pools to their servers.
type Network interface {
	// Break begins a fault in the way of a pool, and returns what ends it.
	Break(pool scenario.FaultTarget, n scenario.Network) (repair func() error, err error)
	// Way finds the address that the connections of a pool dial in place of another; an
	// empty one means the same address. It is nil where all of them are direct.
	Way(pool scenario.FaultTarget) func(network, addr string) (at string, err error)
}

// Workers are processes that work on the jobs of a run.
type Workers interface {
	// Kill ends so many of those that run at once, or all with 0, and returns when they
	// are gone. restart starts as many again.
	Kill(ctx context.Context, count int) (restart func(context.Context) error, err error)
	// Pause stops so many of those that run, or all with 0. resume lets them go on.
	Pause(count int) (resume func() error, err error)
}

// Place is where faults would be carried out.
type Place struct {
	// Kind is where the Redis comes from: url, process, sentinel, cluster, docker,
	// embedded, memory, or none. Empty means that it is not known yet, and anything may be
	// possible.
	Kind string
	// Several means that there are several servers, sentinels or a cluster, and Clustered
	// that they are a cluster.
	Several, Clustered bool
	// Postgres is where the Postgres comes from: url, process or docker. Empty means that
	// it is not known yet, or that no job is stored.
	Postgres string
	// Workers says who the workers are.
	Workers WorkersKind
	// Count is how many workers the run starts, of [StartedWorkers].
	Count int
	// Allowed means that the user allows faults on a server that they named.
	Allowed bool
}

// WorkersKind is what the workers of a run are.
type WorkersKind string

// The kinds of workers. The zero value are those of this process, of which every fault
// is possible.
const (
	BuiltInWorkers  WorkersKind = ""
	StartedWorkers  WorkersKind = "started"  // processes that the run starts
	UnpausedWorkers WorkersKind = "unpaused" // the same, where no process can be paused
	ExternalWorkers WorkersKind = "external" // they run already
)

// Refusal is a fault that cannot be carried out at a place, and the remedy.
type Refusal struct{ What, Hint string }

// Refuse lists the faults that cannot be carried out at the place.
func Refuse(all []scenario.Fault, p Place) (refused []Refusal) {
	for i, f := range all {
		if what, hint := p.refuse(f); what != "" {
			refused = append(refused, Refusal{fmt.Sprintf("faults[%d] (%s): %s", i, f, what), hint})
		}
	}
	return refused
}

const (
	startOne      = "use --redis process, which starts a private redis-server"
	startSeveral  = "use --redis sentinel, or --redis cluster, which start private servers with replicas"
	startCluster  = "use --redis cluster, which starts a private cluster"
	startPostgres = "use --postgres process, which starts a private Postgres"
	startWorkers  = "start them with --worker, or use built-in consumers"
)

func (p Place) refuse(f scenario.Fault) (what, hint string) {
	switch f.Target {
	case scenario.WorkersTarget:
		return p.refuseWorkers(f)
	case scenario.PostgresTarget:
		return p.refusePostgres(f)
	case scenario.EntryTarget, scenario.ExitTarget:
		return "", "" // they affect the run's connections only
	}
	kill, network := f.Kind == scenario.KillFault, f.Kind == scenario.NetworkFault
	if network && p.Kind != "memory" && p.Kind != "none" {
		return "", "" // as above
	}
	if what, hint := p.refuseSeveral(f); what != "" {
		return what, hint
	}
	switch p.Kind {
	case "url":
		switch {
		case kill:
			return "a run kills only a server that it started, and this one was named", startOne
		case !p.Allowed:
			return "the server was named, and a fault on it affects all of its clients", "add --allow-faults if that is intended, or " + startOne
		case f.Kind == scenario.PauseFault && p.Several:
			return "CLIENT PAUSE stops one server only, and several were named", startOne
		}
	case "docker":
		if kill {
			return "a server in a container cannot be killed and started again here", startOne
		}
	case "embedded":
		return "the embedded server is part of this process and cannot be broken", startOne
	case "memory", "none":
		return "there is no server that could be broken", startOne
	}
	return "", ""
}

func (p Place) refuseWorkers(f scenario.Fault) (what, hint string) {
	started := p.Workers == StartedWorkers || p.Workers == UnpausedWorkers
	switch {
	case p.Workers == ExternalWorkers:
		return "the workers are external, and a run breaks only workers that it started", startWorkers
	case started && f.Kind == scenario.SlowFault:
		return "how long the processes of --worker take for a job is up to them", "use pause=workers, which stops them for a while, or built-in consumers"
	case p.Workers == UnpausedWorkers && f.Kind == scenario.PauseFault:
		return "this system cannot pause a process", "use kill=workers, or built-in consumers"
	case started && f.Count > max(1, p.Count):
		return fmt.Sprintf("count is %d, and the command of --worker is started %s", f.Count, times(p.Count)),
			fmt.Sprintf("add --worker-processes %d, which starts it so many times, or lower count", f.Count)
	}
	return "", ""
}

// times is how often something is started, 0 meaning once.
func times(n int) string {
	if n <= 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (p Place) refusePostgres(f scenario.Fault) (what, hint string) {
	disconnect := f.Kind == scenario.DisconnectFault
	switch {
	case p.Postgres == "url" && !disconnect:
		return "a run pauses and kills only a Postgres that it started, and this one was named", startPostgres + ", or break the network=entry"
	case p.Postgres == "url" && !p.Allowed:
		return "the Postgres was named, and closing connections there needs your permission", "add --allow-faults if that is intended, or " + startPostgres
	case p.Postgres == "docker" && !disconnect:
		return "a Postgres in a container cannot be paused or killed here", startPostgres
	}
	return "", ""
}

// NeedsPostgres reports whether one of the faults needs a Postgres that is a private
// process.
func NeedsPostgres(all []scenario.Fault) bool {
	for _, f := range all {
		if f.Target == scenario.PostgresTarget && f.Kind != scenario.DisconnectFault {
			return true
		}
	}
	return false
}

// refuseSeveral says why the number of servers does not suit a fault.
func (p Place) refuseSeveral(f scenario.Fault) (what, hint string) {
	private := p.Kind == "sentinel" || p.Kind == "cluster"
	switch {
	case p.Kind == "":
	case f.Kind == scenario.FailoverFault && (!p.Several || p.Kind == "process"):
		return "there is one server, and no replica that could take over", startSeveral
	case f.Kind == scenario.FailoverFault && f.Force && !p.Clustered:
		return "sentinels never ask the master for a failover, so force has no meaning", "remove force, or " + startCluster
	case f.Target == scenario.NodeTarget && !private && p.Kind != "url":
		return "there is one server, which kill: redis ends", "write kill: redis, or " + startSeveral
	case f.Target == scenario.NodeTarget && p.Kind == "url":
		return "a run kills only a server that it started, and these were named", startSeveral
	case f.Target == scenario.RedisTarget && private && f.Kind == scenario.KillFault:
		return "there are several servers, and kill: redis ends a single one", "write kill: node, which ends the master that has the queue, or " + startOne
	case f.Kind == scenario.PauseFault && private:
		return "there are several servers, and pause: redis stops a single one", startOne
	}
	return "", ""
}

// Private is the kind of private server that the faults need: "" for any, or process,
// sentinel or cluster. Where the faults need different kinds it is the last of these.
func Private(all []scenario.Fault) (kind string) {
	for _, f := range all {
		switch {
		case f.Force:
			return "cluster"
		case f.Kind == scenario.FailoverFault || f.Target == scenario.NodeTarget:
			kind = "sentinel"
		case f.Target == scenario.RedisTarget && kind == "":
			kind = "process"
		}
	}
	return kind
}

// NeedsServer reports whether one of the faults needs a server that lets itself be
// broken, or that can close connections.
func NeedsServer(all []scenario.Fault) bool {
	for _, f := range all {
		if f.Target != scenario.WorkersTarget && f.Target != scenario.PostgresTarget && f.Kind != scenario.NetworkFault {
			return true
		}
	}
	return false
}

// Outage is how long a server is away at most because of one of the faults: it
// answers nothing, is being started again, or cannot be reached.
func Outage(all []scenario.Fault) (longest time.Duration) {
	for _, f := range all {
		if f.Away() || f.Target == scenario.PostgresTarget || f.Kind == scenario.NetworkFault {
			longest = max(longest, f.For, f.Restart)
		}
	}
	return longest
}
