package redisserver

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Group is several private servers that belong together: a master with its
// replicas and sentinels, or a cluster. It is safe for concurrent use.
type Group struct {
	url, address string
	nodes        []*Server
	sentinels    []*Server
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
	_, rest, ok := strings.Cut(text, name)
	if !ok {
		return -1
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return -1
	}
	return n
}
