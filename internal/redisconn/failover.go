package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// errNoReplica is why a failover is impossible.
var errNoReplica = errors.New("it has no replica that could take over")

// CheckFailover makes sure that a replica could take over from the master of the key.
func (s *Servers) CheckFailover(ctx context.Context, key string) error {
	master, err := s.Find(ctx, key)
	if err != nil {
		return err
	}
	switch r := s.routes.(type) {
	case *watched:
		err = r.checkReplicas(ctx)
	case *shared:
		_, err = r.replicas(ctx, master)
	default:
		err = errNoReplica
	}
	return Explain("prepare a failover", master, err)
}

// Failover makes a replica take over from the master of the key; a cluster's by force,
// without asking that master. settled waits until clients find the new master and the old
// one takes no writes, or cannot be reached.
func (s *Servers) Failover(ctx context.Context, key string, force bool) (settled func(context.Context) error, err error) {
	before, err := s.Find(ctx, key)
	if err != nil {
		return nil, err
	}
	switch r := s.routes.(type) {
	case *watched:
		err = r.failover(ctx)
	case *shared:
		err = r.failover(ctx, before, force)
	default:
		err = errNoReplica
	}
	if err != nil {
		return nil, Explain("fail over from", before, err)
	}
	return func(ctx context.Context) error { return s.replaced(ctx, key, before) }, nil
}

// replaced waits until another node is the master of the key, and the one before is not.
func (s *Servers) replaced(ctx context.Context, key, before string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s.invalidate()
		now, err := s.Find(ctx, key)
		if err == nil && now != before && s.role(ctx, now) == "master" && s.role(ctx, before) != "master" {
			return nil
		}
		select {
		case <-ctx.Done():
			return Explain("fail over from", before, errors.New("no replica has taken over in time"))
		case <-tick.C:
		}
	}
}

// role is master or slave, empty for a node that does not say.
func (s *Servers) role(ctx context.Context, addr string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	info, err := s.Node(addr).Info(ctx, "replication").Result()
	if err != nil {
		return ""
	}
	return infoField(info, "role")
}

// infoField is the value of a key of INFO, empty without it.
func infoField(info, key string) string {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, key+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// sentinel is a client of one sentinel. The caller closes it.
func (w *watched) sentinel(addr string) *redis.SentinelClient {
	o := *w.options
	o.Addr, o.DB, o.PoolSize = addr, 0, 1
	o.Username, o.Password = w.target.sentinelUser, w.target.sentinelPassword
	o.Protocol, o.OnConnect = 2, nil
	o.ReadTimeout = o.DialTimeout // an answer is not part of any measurement
	return redis.NewSentinelClient(&o)
}

// eachSentinel asks the sentinels in turn until one answers without an error.
func (w *watched) eachSentinel(ask func(*redis.SentinelClient) error) error {
	var all []error
	for _, addr := range w.target.addrs {
		s := w.sentinel(addr)
		err := ask(s)
		s.Close()
		if err == nil {
			return nil
		}
		all = append(all, fmt.Errorf("sentinel at %s: %w", addr, err))
	}
	return errors.Join(all...)
}

// checkReplicas makes sure that a sentinel knows a replica which is up.
func (w *watched) checkReplicas(ctx context.Context) error {
	return w.eachSentinel(func(s *redis.SentinelClient) error {
		all, err := s.Replicas(ctx, w.target.master).Result()
		if err != nil {
			return err
		}
		for _, replica := range all {
			if !strings.Contains(replica["flags"], "down") && !strings.Contains(replica["flags"], "disconnected") {
				return nil
			}
		}
		return errNoReplica
	})
}

// failover makes a sentinel begin a failover.
func (w *watched) failover(ctx context.Context) error {
	return w.eachSentinel(func(s *redis.SentinelClient) error { return s.Failover(ctx, w.target.master).Err() })
}

// replicas are the addresses of the replicas of a master. CLUSTER SLOTS leaves out those
// to which nothing was written yet.
func (s *shared) replicas(ctx context.Context, master string) (all []string, err error) {
	nodes, err := s.Node(master).ClusterNodes(ctx).Result()
	if err != nil {
		return nil, err
	}
	id := ""
	for line := range strings.Lines(nodes) {
		if f := strings.Fields(line); len(f) > 3 && strings.Contains(f[2], "myself") {
			id = f[0]
		}
	}
	for line := range strings.Lines(nodes) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != id || !strings.Contains(f[2], "slave") || strings.Contains(f[2], "fail") || strings.Contains(f[2], "noaddr") {
			continue
		}
		addr, _, _ := strings.Cut(f[1], "@") // the port of the bus and the name follow
		all = append(all, atHost(addr, master))
	}
	if len(all) == 0 {
		return nil, errNoReplica
	}
	return all, nil
}

// failover makes a replica of the master begin to take over.
func (s *shared) failover(ctx context.Context, master string, force bool) error {
	all, err := s.replicas(ctx, master)
	if err != nil {
		return err
	}
	words := []any{"CLUSTER", "FAILOVER"}
	if force {
		words = append(words, "FORCE")
	}
	var errs []error
	for _, replica := range all {
		if err = s.Node(replica).Do(ctx, words...).Err(); err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("replica at %s: %w", replica, err))
	}
	return errors.Join(errs...)
}
