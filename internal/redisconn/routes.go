package redisconn

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// routes know which node serves a key. They are safe for concurrent use.
type routes interface {
	// Find is the address of the node that serves the key now.
	Find(ctx context.Context, key string) (addr string, err error)
	// Masters are the addresses of all nodes that serve keys, sorted.
	Masters(ctx context.Context) ([]string, error)
	// Mode is sentinel or cluster, and "" for a single server, which reports its mode
	// itself.
	Mode() string
	// invalidate notes that a node is gone, or no longer serves the key: the next
	// Find asks again.
	invalidate()
	// Node is a client of the node for single commands.
	Node(addr string) *redis.Client
	close() error
}

// open returns the client for single commands, and the routes.
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

// universal are the options of each server, for all servers together.
func (t target) universal(o *redis.Options) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: t.addrs, MasterName: t.master, SentinelUsername: t.sentinelUser, SentinelPassword: t.sentinelPassword,
		Dialer: o.Dialer, OnConnect: o.OnConnect, Protocol: o.Protocol,
		Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
		MaxRetries: o.MaxRetries, DialTimeout: o.DialTimeout, DialerRetries: o.DialerRetries,
		ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolSize: o.PoolSize, ConnMaxIdleTime: o.ConnMaxIdleTime,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled, DisableIdentity: o.DisableIdentity,
		MaintNotificationsConfig: o.MaintNotificationsConfig,
	}
}

// oneServer serves every key.
type oneServer struct{ rdb *redis.Client }

func (s oneServer) Find(context.Context, string) (string, error) { return s.rdb.Options().Addr, nil }
func (s oneServer) Masters(context.Context) ([]string, error) {
	return []string{s.rdb.Options().Addr}, nil
}
func (s oneServer) Mode() string              { return "" }
func (s oneServer) invalidate()               {}
func (s oneServer) Node(string) *redis.Client { return s.rdb }
func (s oneServer) close() error              { return nil }

// nodes are clients of nodes, by address, made when they are first asked for.
type nodes struct {
	options *redis.Options
	mu      sync.Mutex
	at      map[string]*redis.Client
}

func (n *nodes) Node(addr string) *redis.Client {
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

// Node is a client of one server, for single commands.
type Node = redis.Client
