package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// Group is several private servers that belong together: a master with its
// replicas and sentinels, or a cluster. It is safe for concurrent use.
type Group struct {
	url, address string
	nodes        []*Server
	sentinels    []*Server
}

// StartSentinels starts a master named mymaster with two replicas and three sentinels
// as private processes on loopback, and waits until they know of each other. Args
// are for the master and the replicas.
func StartSentinels(ctx context.Context, o Options) (*Group, error) {
	return startGroup(ctx, o, (*Group).startSentinels)
}

// StartCluster starts a cluster of three masters, each with so many replicas,
// as private processes on loopback, and waits until it takes commands. Args are
// for all nodes.
func StartCluster(ctx context.Context, o Options, replicas int) (*Group, error) {
	return startGroup(ctx, o, func(g *Group, ctx context.Context, o Options) error { return g.startCluster(ctx, o, replicas) })
}

// startGroup starts the servers of a group, or none.
func startGroup(ctx context.Context, o Options, start func(*Group, context.Context, Options) error) (*Group, error) {
	if o.Source != "" && o.Source != string(Process) {
		return nil, serverstart.Usagef("several servers at once can only be had as processes, not as %q", mask.URL(o.Source))
	}
	o, err := o.ready()
	if err != nil {
		return nil, err
	}
	g := &Group{}
	if err := start(g, ctx, o); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// URL is what to connect with. It may hold a secret: keep it out of logs,
// errors and reports.
func (g *Group) URL() string { return g.url }

// Address is the group's URL without user and password.
func (g *Group) Address() string { return g.address }

// Nodes are the servers that hold data: first those that began as masters, then
// those that began as replicas.
func (g *Group) Nodes() []*Server { return g.nodes }

// Sentinels are the sentinels that watch the master; a cluster has none.
func (g *Group) Sentinels() []*Server { return g.sentinels }

// Close ends all servers of the group and removes what they left on disk.
func (g *Group) Close() error {
	var all error
	for _, s := range slices.Concat(g.sentinels, g.nodes) {
		all = errors.Join(all, s.Close())
	}
	return all
}

// groupURL is the URL by which a group is reached at the given servers.
func groupURL(scheme, password, tail string, at []*Server) string {
	var hosts []string
	for _, s := range at {
		hosts = append(hosts, s.host())
	}
	login := ""
	if password != "" {
		login = url.UserPassword("", password).String() + "@"
	}
	return scheme + "://" + login + strings.Join(hosts, ",") + tail
}

// NodeAt is the server that holds data at an address, host:port, nil without one.
func (g *Group) NodeAt(address string) *Server {
	for _, s := range g.nodes {
		if s.host() == address {
			return s
		}
	}
	return nil
}

// host is the host and port of a server that was started here.
func (s *Server) host() string {
	_, rest, _ := strings.Cut(s.address, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func (s *Server) port() string {
	_, port, _ := net.SplitHostPort(s.host())
	return port
}

// figure is a number that stands behind a name in INFO or CLUSTER INFO, -1 where
// it is missing. Fields of one line, as in "master0:…,slaves=2", are found by
// their name with the sign behind it.
func figure(text, name string) int {
	n := -1
	if _, rest, ok := strings.Cut(text, name); ok {
		_, _ = fmt.Sscanf(rest, "%d", &n) // what is no number leaves it
	}
	return n
}
