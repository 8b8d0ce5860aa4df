//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
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
	var buses []string
	for range masterCount * (1 + replicas) {
		s, bus, err := startNode(ctx, o, secret)
		if err != nil {
			return err
		}
		g.nodes, buses = append(g.nodes, s), append(buses, bus)
	}
	if err := g.join(ctx, secret, buses); err != nil {
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
	err = converse(ctx, s, secret, func(c *conversation) error {
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
		err = settled(ctx, s, secret, "the cluster of one node", func(c *conversation) (bool, error) {
			return says(c, "cluster_state:ok", "CLUSTER", "INFO")
		})
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.url, s.address = groupURL("redis-cluster", secret, "", []*Server{s}), groupURL("redis-cluster", "", "", []*Server{s})
	return s, nil
}

// startNode starts one node and returns the port of its bus as well. If another
// process takes that port first, it tries others.
func startNode(ctx context.Context, o Options, secret string) (s *Server, bus string, err error) {
	for range portTries {
		if s, bus, err = tryNode(ctx, o, secret); !errors.Is(err, errPortTaken) {
			break
		}
	}
	return s, bus, err
}

// tryNode starts one node with a bus port that was free a moment ago.
func tryNode(ctx context.Context, o Options, secret string) (s *Server, bus string, err error) {
	address, err := freeAddress()
	if err != nil {
		return nil, "", fmt.Errorf("choose a port for the cluster's bus: %w", err)
	}
	_, bus, _ = net.SplitHostPort(address)
	own := o
	own.Args = append([]string{
		"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
		// The usual port, 10,000 above, is beyond the last one for many.
		"--cluster-port", bus,
		"--cluster-node-timeout", strconv.Itoa(nodeTimeoutMillis), "--cluster-require-full-coverage", "no",
		"--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no",
		"--repl-diskless-sync-delay", "0",
	}, o.Args...)
	if secret != "" {
		own.Args = append(own.Args, "--masterauth", secret)
	}
	s, err = startOne(ctx, own)
	return s, bus, err
}

// join makes a cluster of the nodes.
func (g *Group) join(ctx context.Context, secret string, buses []string) error {
	ids := make([]string, len(g.nodes))
	for i, s := range g.nodes {
		err := converse(ctx, s, secret, func(c *conversation) (err error) {
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
			_, err = c.command("CLUSTER", "MEET", "127.0.0.1", g.nodes[0].port(), buses[0])
			return err
		})
		if err != nil {
			return err
		}
	}
	for i, s := range g.nodes {
		err := settled(ctx, s, secret, "the nodes of the cluster to know each other", func(c *conversation) (bool, error) {
			text, err := c.command("CLUSTER", "INFO")
			return strings.Contains(text, "cluster_state:ok") && figure(text, "cluster_known_nodes:") == len(g.nodes) &&
				figure(text, "cluster_size:") == masterCount, err
		})
		if err != nil {
			return err
		}
		if i < masterCount {
			continue
		}
		follows := false
		err = settled(ctx, s, secret, "a replica to follow its master", func(c *conversation) (bool, error) {
			if !follows {
				// Refused for as long as the node has not heard of its master. Not repeated once
				// it is accepted: that would begin the first copy anew.
				_, err := c.command("CLUSTER", "REPLICATE", ids[i%masterCount])
				follows = err == nil
			}
			return says(c, "master_link_status:up", "INFO", "replication")
		})
		if err != nil {
			return err
		}
	}
	return g.mapped(ctx, secret)
}

// mapped waits until every node knows of every replica: a client that asks too
// early has a map without them.
func (g *Group) mapped(ctx context.Context, secret string) error {
	replicas := len(g.nodes) - masterCount
	for _, s := range g.nodes {
		err := settled(ctx, s, secret, "the nodes of the cluster to know the replicas", func(c *conversation) (bool, error) {
			text, err := c.command("CLUSTER", "NODES")
			return strings.Count(text, " connected") == len(g.nodes) && strings.Count(text, "slave ") == replicas, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
