package redisconn

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// shared are the masters of a cluster. go-redis keeps the map of its slots.
type shared struct {
	nodes
	rdb  *redis.ClusterClient
	home string // an address of the URL
	// stale is set when the map was found to be wrong.
	stale atomic.Bool
}

func openCluster(t target, o *redis.Options) (redis.UniversalClient, routes) {
	s := &shared{nodes: nodes{options: o}, home: t.addrs[0]}
	u := t.universal(o).Cluster()
	// A redirect by go-redis would also be a second try after a broken
	// connection; redirected tells the two apart.
	u.MaxRedirects = -1
	u.DisableRoutingPolicies = true // they ask for COMMAND, which needs a right
	s.rdb = redis.NewClusterClient(u)
	s.rdb.AddHook(redirected{s})
	return s.rdb, s
}

func (s *shared) Find(ctx context.Context, key string) (string, error) {
	s.refresh(ctx)
	master, err := s.rdb.MasterForKey(ctx, key)
	if err != nil {
		s.stale.Store(true)
		return "", err
	}
	return s.address(master), nil
}

// address is where a node is.
func (s *shared) address(node *redis.Client) string { return atHost(node.Options().Addr, s.home) }

// refresh reads the map of slots again if it was found to be wrong.
func (s *shared) refresh(ctx context.Context) {
	if s.stale.Swap(false) {
		// It reads the map before it goes through the masters.
		_ = s.rdb.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
	}
}

func (s *shared) Masters(ctx context.Context) ([]string, error) {
	var mu sync.Mutex // go-redis asks all masters at the same time
	var addrs []string
	err := s.rdb.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		addrs = append(addrs, s.address(node))
		return nil
	})
	slices.Sort(addrs)
	return addrs, err
}

func (s *shared) invalidate() { s.stale.Store(true) }

// redirected gives a command that was answered by MOVED, and so was not carried
// out, to the node that serves its key. No command whose fate is unknown is
// tried again.
type redirected struct{ s *shared }

func (r redirected) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook repeats nothing, since part of it may have been carried
// out.
func (r redirected) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		r.s.refresh(ctx)
		err := next(ctx, cmds)
		if err != nil && gone(err) {
			r.s.stale.Store(true)
		}
		return err
	}
}

func (r redirected) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	const most = 3
	return func(ctx context.Context, cmd redis.Cmder) error {
		for tries := 1; ; tries++ {
			r.s.refresh(ctx)
			err := next(ctx, cmd)
			if err != nil && gone(err) {
				r.s.stale.Store(true)
			}
			if _, moved := movedTo(err); !moved || tries == most {
				return err
			}
			cmd.SetErr(nil)
		}
	}
}

// hop looks whether the node of the wire serves the key, and returns the node
// that does if it is another one. The map of slots can be older than the last
// failover.
func (w *Wire) hop(ctx context.Context, key string) (addr string, err error) {
	err = w.lease.LLen(ctx, key).Err()
	// The deadline of this question must not stay for what comes after it.
	if err := w.Conn.SetDeadline(time.Time{}); err != nil {
		return "", err
	}
	if addr, moved := movedTo(err); moved {
		return atHost(addr, w.Addr), nil
	}
	var reply redis.Error
	if err == nil || errors.As(err, &reply) {
		return "", nil // served here, whatever it holds and whether we may look
	}
	return "", err
}

func (s *shared) Mode() string { return "cluster" }
