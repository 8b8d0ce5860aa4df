package jobqueue

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// routes know which node serves a key. They are safe for concurrent use.
type routes interface {
	// find is the address of the node that serves the key now.
	find(ctx context.Context, key string) (addr string, err error)
	// masters are the addresses of all nodes that serve keys, sorted.
	masters(ctx context.Context) ([]string, error)
	// mode is how the servers hang together, "" where there is one, which says
	// so itself.
	mode() string
	// strayed is told that a node was gone, or did not serve the key any more:
	// the next find looks again.
	strayed()
	// node is a client of the node for the commands beside the load.
	node(addr string) *redis.Client
	close() error
}

// open returns the client for commands beside the load, and the routes.
func (t target) open(o *redis.Options) (redis.UniversalClient, routes) {
	switch t.deployment {
	case sentinels:
		return openSentinels(t, o)
	case cluster:
		return openCluster(t, o)
	}
	rdb := redis.NewClient(o)
	return rdb, oneServer{rdb}
}

// oneServer serves every key.
type oneServer struct{ rdb *redis.Client }

func (s oneServer) find(context.Context, string) (string, error) { return s.rdb.Options().Addr, nil }
func (s oneServer) masters(context.Context) ([]string, error) {
	return []string{s.rdb.Options().Addr}, nil
}
func (s oneServer) mode() string              { return "" }
func (s oneServer) strayed()                  {}
func (s oneServer) node(string) *redis.Client { return s.rdb }
func (s oneServer) close() error              { return nil }

// nodes are clients of nodes, by address, made when they are first asked for.
type nodes struct {
	options *redis.Options
	mu      sync.Mutex
	at      map[string]*redis.Client
}

func (n *nodes) node(addr string) *redis.Client {
	n.mu.Lock()
	defer n.mu.Unlock()
	rdb := n.at[addr]
	if rdb == nil {
		o := *n.options
		o.Addr = addr
		rdb = redis.NewClient(&o)
		if n.at == nil {
			n.at = map[string]*redis.Client{}
		}
		n.at[addr] = rdb
	}
	return rdb
}

func (n *nodes) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all error
	for _, rdb := range n.at {
		all = errors.Join(all, rdb.Close())
	}
	n.at = nil
	return all
}

// node is a client of one server, for single commands.
type node = redis.Client
