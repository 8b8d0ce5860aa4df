//go:build unix

package redisserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// masterName is the name of the master.
const masterName = "mymaster"

// What makes a failover quick and still none of a busy machine.
const (
	replicaCount     = 2
	sentinelCount    = 3
	downAfterMillis  = 1000
	failoverMillis   = 5000
	discoverInterval = "1" // seconds
)

// startSentinels is [StartSentinels].
func (g *Group) startSentinels(ctx context.Context, o Options) error {
	secret := password(o.Args)
	quick := []string{"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", discoverInterval}
	for i := range 1 + replicaCount {
		own := o
		own.Args = append(quick, o.Args...)
		if i > 0 {
			own.Args = append(own.Args, "--replicaof", "127.0.0.1 "+g.nodes[0].port())
		}
		if secret != "" {
			own.Args = append(own.Args, "--masterauth", secret)
		}
		s, err := startOne(ctx, own)
		if err != nil {
			return err
		}
		g.nodes = append(g.nodes, s)
	}
	for range sentinelCount {
		s, err := startSentinel(ctx, o, g.nodes[0], secret)
		if err != nil {
			return err
		}
		g.sentinels = append(g.sentinels, s)
	}
	err := settled(ctx, "", "the sentinels to find each other and the replicas", func(c *conversation) (bool, error) {
		text, err := c.command("INFO", "sentinel")
		return figure(text, "slaves=") == replicaCount && figure(text, "sentinels=") == sentinelCount, err
	}, g.sentinels...)
	if err != nil {
		return err
	}
	err = settled(ctx, secret, "a replica to follow its master", func(c *conversation) (bool, error) {
		return says(c, "master_link_status:up", "INFO", "replication")
	}, g.nodes[1:]...)
	if err != nil {
		return err
	}
	g.url = groupURL("redis-sentinel", secret, "/0#"+masterName, g.sentinels)
	g.address = groupURL("redis-sentinel", "", "/0#"+masterName, g.sentinels)
	return nil
}

// startSentinel starts one sentinel, which keeps what it learns in a file.
func startSentinel(ctx context.Context, o Options, master *Server, secret string) (*Server, error) {
	o.Args = nil
	return startBinary(ctx, o, func(address, dir string) ([]string, error) {
		host, port, _ := net.SplitHostPort(address)
		text := fmt.Sprintf("bind %s\nport %s\ndir %q\n", host, port, dir) +
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %s %d\n", masterName, master.port(), sentinelCount/2+1) +
			fmt.Sprintf("sentinel down-after-milliseconds %s %d\n", masterName, downAfterMillis) +
			fmt.Sprintf("sentinel failover-timeout %s %d\n", masterName, failoverMillis)
		if secret != "" {
			text += fmt.Sprintf("sentinel auth-pass %s %q\n", masterName, secret)
		}
		path := filepath.Join(dir, "sentinel.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write the settings of a sentinel: %w", err)
		}
		return []string{path, "--sentinel"}, nil
	})
}
