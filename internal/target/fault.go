package target

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

// Place is where faults would be carried out, as far as the flags say.
func (r *Redis) Place(allowed bool) fault.Place {
	p := fault.Place{Allowed: allowed}
	switch url := r.URL(); {
	case r.Exists():
		p.Kind = string(redisserver.URL)
		p.Several, p.Clustered = several(url)
	case url != "" && url != "auto":
		return PlaceOf(url)
	}
	return p
}

// PlaceOf is where faults would be carried out on a private server of a kind.
func PlaceOf(kind string) fault.Place {
	clustered := kind == string(redisserver.Cluster)
	return fault.Place{Kind: kind, Several: clustered || kind == string(redisserver.Sentinel), Clustered: clustered}
}

// Place is where faults would be carried out.
func (s *Servers) Place(allowed bool) fault.Place {
	_, postgres := s.Database()
	p := fault.Place{Kind: string(s.Kind()), Postgres: postgres, Allowed: allowed}
	p.Several, p.Clustered = several(s.URL())
	return p
}

// BreakableDatabase is the Postgres as something that faults can break, nil where
// nothing can.
func (s *Servers) BreakableDatabase() fault.Server {
	if s.postgres == nil || s.postgres.Kind() != postgresserver.Process {
		return nil
	}
	return database{s.postgres}
}

// database is a private Postgres process.
type database struct{ server *postgresserver.Server }

func (d database) Pause(ctx context.Context, _ time.Duration) error { return d.server.Pause(ctx) }
func (d database) Resume(context.Context) error                     { return d.server.Resume() }
func (d database) Kill(context.Context) error                       { return d.server.Kill() }
func (d database) Restart(ctx context.Context) error                { return d.server.Restart(ctx) }

// several reports whether a URL names sentinels or a cluster, and which.
func several(url string) (several, clustered bool) {
	scheme, _, _ := strings.Cut(url, "://")
	clustered = strings.HasSuffix(scheme, "-cluster")
	return clustered || strings.HasSuffix(scheme, "-sentinel"), clustered
}

// Breakable is the Redis as something that the faults can break, nil where nothing can. It
// asks the Redis whether they can be carried out, as far as only that knows. The client is
// one of that Redis.
func (s *Servers) Breakable(ctx context.Context, client *jobqueue.Client, faults []scenario.Fault) (fault.Server, error) {
	if err := s.check(ctx, client, faults); err != nil {
		return nil, err
	}
	reached := remote{client, memory{client}}
	switch s.Kind() {
	case redisserver.Process:
		return process{s.redis, reached.memory}, nil
	case redisserver.Sentinel, redisserver.Cluster:
		return group{reached, s.redis.Group()}, nil
	case redisserver.URL, redisserver.Docker:
		return reached, nil
	}
	return nil, nil
}

func (s *Servers) check(ctx context.Context, client *jobqueue.Client, faults []scenario.Fault) error {
	for i, f := range faults {
		var err error
		switch f.Kind {
		case scenario.FailoverFault:
			err = client.CheckFailover(ctx)
		case scenario.MemoryFault:
			err = client.CheckMemoryLimit(ctx, s.Kind() != redisserver.URL)
		}
		if err != nil {
			return fmt.Errorf("faults[%d] (%s): %w", i, f, err)
		}
	}
	return nil
}

// memory is the memory of the servers that a client reaches.
type memory struct{ client *jobqueue.Client }

func (m memory) LimitMemory(ctx context.Context, limit scenario.MemoryLimit) (restore func(context.Context) error, err error) {
	return m.client.LimitMemory(ctx, limit.Of)
}

// process is a private process.
type process struct {
	server *redisserver.Server
	memory
}

func (p process) Pause(context.Context, time.Duration) error { return p.server.Pause() }
func (p process) Resume(context.Context) error               { return p.server.Resume() }
func (p process) Kill(context.Context) error                 { return p.server.Kill() }
func (p process) Restart(ctx context.Context) error          { return p.server.Restart(ctx) }

// remote are servers to which there are only connections.
type remote struct {
	client *jobqueue.Client
	memory
}

var errNotOurs = errors.New("only a server that the run started can be killed")

func (r remote) Pause(ctx context.Context, length time.Duration) error {
	return r.client.PauseClients(ctx, length)
}

// Resume does nothing: CLIENT PAUSE ends by itself, and nothing can end it earlier.
func (r remote) Resume(context.Context) error  { return nil }
func (r remote) Kill(context.Context) error    { return errNotOurs }
func (r remote) Restart(context.Context) error { return errNotOurs }

func (r remote) Failover(ctx context.Context, force bool) (settled func(context.Context) error, err error) {
	return r.client.Failover(ctx, force)
}

func (r remote) KillNode(context.Context) (restart func(context.Context) error, err error) {
	return nil, errNotOurs
}

// group are several private processes.
type group struct {
	remote
	servers *redisserver.Group
}

var (
	_ fault.Memory = process{}
	_ fault.Memory = remote{}
	_ fault.Group  = remote{}
	_ fault.Group  = group{}
)

// KillNode ends the process of the master that has the first queue.
func (g group) KillNode(ctx context.Context) (restart func(context.Context) error, err error) {
	addr, err := g.client.Master(ctx)
	if err != nil {
		return nil, err
	}
	node := g.servers.NodeAt(addr)
	if node == nil {
		return nil, fmt.Errorf("no server of this run listens at %s", addr)
	}
	if err := node.Kill(); err != nil {
		return nil, err
	}
	return node.Restart, nil
}
