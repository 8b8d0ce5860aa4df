// Package redisserver provides the Redis under test: one that the user names
// by its URL, a private redis-server process, a Docker container, or the
// embedded server that needs nothing installed.
//
// What [Start] started, [Server.Close] ends, and a private process ends even
// when its owner is killed. An existing Redis is never touched: a URL is only
// checked here, and the client that uses it dials it. The package sends no
// command of a pipeline, tunes no operating system and installs nothing.
//
// Begin reading at [Start].
package redisserver

import (
	"context"
	"os"
	"sync"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// Kind is where a server comes from.
type Kind string

// The kinds of servers.
const (
	URL      Kind = "url"      // an existing Redis, named by the user
	Process  Kind = "process"  // a private redis-server or valkey-server process
	Docker   Kind = "docker"   // a private container
	Embedded Kind = "embedded" // a server inside this process, for trying things out
	Sentinel Kind = "sentinel" // a private master with replicas and sentinels, see [StartSentinels]
	Cluster  Kind = "cluster"  // a private cluster with replicas, see [StartCluster]
)

var (
	// ErrUsage is matched by the errors of [Start] for options that no machine
	// could satisfy, such as an invalid URL. The user must change them.
	ErrUsage = serverstart.ErrUsage
	// ErrUnavailable is matched by the errors of [Start] when the kind asked
	// for cannot be had on this machine: no redis-server in PATH, no Docker
	// daemon, no image. Install it, or ask for another kind.
	ErrUnavailable = serverstart.ErrUnavailable
)

// Options say which server to start. The zero value is the default: auto.
type Options struct {
	// Source is "auto" (as is ""), "process", "docker", "embedded", "sentinel",
	// "cluster", or a redis://, rediss:// or unix:// URL, or one of several servers:
	// redis-sentinel://, redis-cluster://, or rediss-… by TLS.
	Source string
	// Args are extra arguments for redis-server, such as "--appendonly",
	// "yes". A configuration file may come first, or be included. They override
	// our defaults (nothing is persisted) and are refused where there is no
	// redis-server to give them to: with a URL and with the embedded server.
	// Arguments that would take the server out of our hands, such as "--port",
	// are refused, and such settings of a file are dropped.
	Args []string
	// Image is the Docker image. Empty means $QUEUEDYNO_IMAGE, else
	// [DefaultImage].
	Image string
	// Log gets a line for each decision worth reporting. Lines hold
	// no secret. It is called before Start returns, by the caller's goroutine.
	// It may be nil.
	Log func(line string)
	// Getenv looks up REDIS_URL, QUEUEDYNO_IMAGE and PATH. Nil means
	// [os.Getenv].
	Getenv func(name string) string
}

// Server is a Redis to run against. It is safe for concurrent use.
type Server struct {
	kind    Kind
	url     string
	address string
	note    string
	private *privateserver.Server // nil for what is no private process
	group   *Group                // nil for a single server
	close   func() error
}

// Start returns a server that answers PING. The one exception is a URL: it is
// checked strictly and not dialled, since the client that dials it knows the
// user's TLS settings and explains what went wrong.
//
// Source "auto" takes the first of these that can be had, and logs which one it
// was and why not the ones before: $REDIS_URL, a private process, a container,
// the embedded server. Every other source is had or is an error with a remedy;
// see [ErrUsage] and [ErrUnavailable].
//
// The end of ctx ends the start, not the server.
func Start(ctx context.Context, o Options) (*Server, error) {
	switch Kind(o.Source) {
	case Sentinel:
		return startSeveral(ctx, o, Sentinel, StartSentinels)
	case Cluster:
		return startSeveral(ctx, o, Cluster, func(ctx context.Context, o Options) (*Group, error) { return StartCluster(ctx, o, 1) })
	}
	o, err := o.ready()
	if err != nil {
		return nil, err
	}
	switch o.Source {
	case "", "auto":
		return startAuto(ctx, o, startProcess, startDocker, startEmbedded)
	case string(Process):
		return startProcess(ctx, o)
	case string(Docker):
		return startDocker(ctx, o)
	case string(Embedded):
		return startEmbedded(ctx, o)
	}
	return startURL(o)
}

// ready are the options with the files that the arguments name read, and what may
// be nil set.
func (o Options) ready() (Options, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	args, notes, err := readArgs(o.Args)
	if err != nil {
		return o, err
	}
	o.Args = args
	for _, note := range notes {
		o.Log(note)
	}
	return o, nil
}

// URL is what to connect with. It may hold a secret: keep it out of logs,
// errors and reports.
func (s *Server) URL() string { return s.url }

// Address is the server's URL without user, password and options, for people
// and reports. It never holds a secret.
func (s *Server) Address() string { return s.address }

// Kind is where the server comes from.
func (s *Server) Kind() Kind { return s.kind }

// Note is one sentence that every report on this server must carry, or "".
func (s *Server) Note() string { return s.note }

// PID is the id of the process that Start started or Restart has started since, or 0.
func (s *Server) PID() int { return s.private.PID() }

// Group are the servers of the kinds [Sentinel] and [Cluster], nil for every other kind.
// Closing the server closes them.
func (s *Server) Group() *Group { return s.group }

// Ended is closed when the process that Start started has ended for any reason but
// [Server.Kill]. It is nil, and so never closed, for every other server: where there are
// several, another takes the place of one that ends.
func (s *Server) Ended() <-chan struct{} { return s.private.Ended() }

// Close ends what Start started and removes what it left on disk; it returns
// when both are done. It leaves an existing Redis alone. Every call after the
// first returns the same as the first.
func (s *Server) Close() error { return s.close() }

// startSeveral starts a group, and makes it one server for those that only connect to it.
func startSeveral(ctx context.Context, o Options, kind Kind, start func(context.Context, Options) (*Group, error)) (*Server, error) {
	o.Source = string(Process)
	g, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	return newServer(Server{kind: kind, url: g.URL(), address: g.Address(), group: g}, g.Close), nil
}

// newServer completes s with an end that happens once.
func newServer(s Server, end func() error) *Server {
	s.close = sync.OnceValue(end)
	return &s
}
