//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/privateserver"
)

const (
	masterCount = 3
	slotCount   = 16384
	// nodeTimeoutMillis is how long a node may be silent before the others hold
	// it for dead: short for a test, and long for a pause of a busy machine.
	nodeTimeoutMillis = 2000
)

// startCluster is [StartCluster].
func (g *Group) startCluster(ctx context.Context, o Options, replicas int) error {
	secret := password(o.Args)
	first := "" // the bus of the first node
	for range masterCount * (1 + replicas) {
		s, err := privateserver.OnFreePort(func() (*Server, error) {
			bus, err := freeAddress()
			if err != nil {
				return nil, fmt.Errorf("choose a port for the cluster's bus: %w", err)
			}
			_, port, _ := net.SplitHostPort(bus)
			if len(g.nodes) == 0 {
				first = port
			}
			return startNode(ctx, o, secret, port)
		})
		if err != nil {
			return err
		}
		g.nodes = append(g.nodes, s)
	}
	if err := g.join(ctx, secret, first); err != nil {
		return err
	}
	g.url = groupURL("redis-cluster", secret, "", g.nodes)
	g.address = groupURL("redis-cluster", "", "", g.nodes)
	return nil
}

// startClusterOfOne starts a node that serves all slots of a cluster.
func startClusterOfOne(ctx context.Context, o Options) (*Server, error) {
	s, err := startOne(ctx, o)
	if err != nil {
		return nil, err
	}
	secret := password(o.Args)
	err = s.converse(ctx, secret, func(c *conversation) error {
		_, err := c.command("CLUSTER", "ADDSLOTSRANGE", "0", strconv.Itoa(slotCount-1))
		if err == nil || !begins(err, "ERR") {
			return err
		}
		words := []string{"CLUSTER", "ADDSLOTS"} // before Redis 7
		for slot := range slotCount {
			words = append(words, strconv.Itoa(slot))
		}
		_, err = c.command(words...)
		return err
	})
	if err == nil {
		err = settled(ctx, secret, "the cluster of one node", func(c *conversation) (bool, error) {
			return says(c, "cluster_state:ok", "CLUSTER", "INFO")
		}, s)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.url, s.address = groupURL("redis-cluster", secret, "", []*Server{s}), groupURL("redis-cluster", "", "", []*Server{s})
	return s, nil
}

// startNode starts one node with a port for its bus that was free a moment ago.
func startNode(ctx context.Context, o Options, secret, bus string) (*Server, error) {
	args := append([]string{
		"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
		// The usual port, 10,000 above, is beyond the last one for many.
		"--cluster-port", bus,
		"--cluster-node-timeout", strconv.Itoa(nodeTimeoutMillis), "--cluster-require-full-coverage", "no",
		"--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no",
		"--repl-diskless-sync-delay", "0",
	}, o.Args...)
	if secret != "" {
		args = append(args, "--masterauth", secret)
	}
	o.Args = args
	return startOne(ctx, o)
}

// join makes a cluster of the nodes, of which the first has that bus.
func (g *Group) join(ctx context.Context, secret, bus string) error {
	ids := make([]string, len(g.nodes))
	for i, s := range g.nodes {
		err := s.converse(ctx, secret, func(c *conversation) (err error) {
			if ids[i], err = c.command("CLUSTER", "MYID"); err != nil {
				return err
			}
			if i < masterCount {
				from, next := i*slotCount/masterCount, (i+1)*slotCount/masterCount
				if _, err = c.command("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(next-1)); err != nil {
					return err
				}
			}
			// Different epochs from the beginning: nothing to settle later.
			if _, err = c.command("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
				return err
			}
			_, err = c.command("CLUSTER", "MEET", "127.0.0.1", g.nodes[0].port(), bus)
			return err
		})
		if err != nil {
			return err
		}
	}
	err := settled(ctx, secret, "the nodes of the cluster to know each other", func(c *conversation) (bool, error) {
		text, err := c.command("CLUSTER", "INFO")
		return strings.Contains(text, "cluster_state:ok") && figure(text, "cluster_known_nodes:") == len(g.nodes) &&
			figure(text, "cluster_size:") == masterCount, err
	}, g.nodes...)
	if err != nil {
		return err
	}
	for i, s := range g.nodes[masterCount:] {
		follows := false
		err := settled(ctx, secret, "a replica to follow its master", func(c *conversation) (bool, error) {
			if !follows {
				// Refused for as long as the node has not heard of its master. Not repeated once
				// it is accepted: that would begin the first copy anew.
				_, err := c.command("CLUSTER", "REPLICATE", ids[i%masterCount])
				follows = err == nil
			}
			return says(c, "master_link_status:up", "INFO", "replication")
		}, s)
		if err != nil {
			return err
		}
	}
	// A client that asks too early has a map without the replicas.
	replicas := len(g.nodes) - masterCount
	return settled(ctx, secret, "the nodes of the cluster to know the replicas", func(c *conversation) (bool, error) {
		text, err := c.command("CLUSTER", "NODES")
		return strings.Count(text, " connected") == len(g.nodes) && strings.Count(text, "slave ") == replicas, err
	}, g.nodes...)
}
