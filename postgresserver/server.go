// Package postgresserver provides the Postgres under test: one that the user names by
// its URL, a private postgres process, or a Docker container.
//
// [Server.Close] ends what [Start] started and removes its files; both also happen if the
// owner is killed. A private process listens on 127.0.0.1 only, has its socket and its
// data in a separate temporary directory, and asks for a random password. An existing
// database is never changed: Start connects to it once, to check that it answers.
//
// What durability costs is part of what users measure, so a private server commits as
// Postgres does by default (fsync and synchronous_commit are on, shared_buffers is what
// initdb finds). Only these settings are not the defaults: listen_addresses, port and
// unix_socket_directories; the locale C and the encoding UTF8; and initdb does not wait
// for the disk (--no-sync). [Options.Settings] changes the others. The data is in TMPDIR or,
// where that is not set, in /tmp or /var/tmp: on a disk and not in memory, if possible.
//
// Begin reading at [Start].
package postgresserver

import (
	"context"
	"os"
	"sync"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// Kind is where a server comes from.
type Kind string

// The kinds of servers. There is no embedded one.
const (
	URL     Kind = "url"     // an existing database, named by the user
	Process Kind = "process" // a private postgres process
	Docker  Kind = "docker"  // a private container
)

var (
	// ErrUsage is matched by the errors of [Start] for options that no machine
	// could satisfy, such as an invalid URL. The user must change them.
	ErrUsage = serverstart.ErrUsage
	// ErrUnavailable is matched by the errors of [Start] when the kind asked
	// for is not available on this machine: Postgres is not installed, or there is no
	// Docker daemon or image. Install it, or ask for another kind.
	ErrUnavailable = serverstart.ErrUnavailable
)

// Options say which server to start. The zero value is the default: auto.
type Options struct {
	// Source is "auto" (as is ""), "process", "docker", or a postgres:// or
	// postgresql:// URL.
	Source string
	// Settings are settings of postgresql.conf for a private server, each as
	// "name=value", such as "shared_buffers=1GB". The last one of a name wins. Settings
	// that decide where the server listens and keeps its files, such as "port", are
	// refused, and so are all settings with a URL.
	Settings []string
	// Image is the Docker image. Empty means $QUEUEDYNO_POSTGRES_IMAGE, else
	// [DefaultImage].
	Image string
	// Log gets a line for each decision worth reporting. Lines hold
	// no secret. It is called before Start returns, by the caller's goroutine.
	// It may be nil.
	Log func(line string)
	// Getenv looks up POSTGRES_URL, DATABASE_URL, QUEUEDYNO_POSTGRES_IMAGE and PATH.
	// Nil means [os.Getenv].
	Getenv func(name string) string
}

// Server is a Postgres to run against. It is safe for concurrent use.
type Server struct {
	kind    Kind
	url     string
	address string
	version string
	note    string
	private *privateserver.Server // nil unless it is a private process
	close   func() error
}

// Start returns a server that answers.
//
// Source "auto" takes the first of these that is available, and logs which one it was and
// why not the ones before: $POSTGRES_URL, a private process, a container. It does not
// take DATABASE_URL, which is set for many other purposes: a run writes its rows to the
// disk, the log and the replicas of the database that it uses, so the user must name it.
//
// Every other source is started or is an error with a remedy: in its text, or from a
// method Hint() string. See also [ErrUsage] and [ErrUnavailable].
//
// The end of ctx ends the start, not the server.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if err := checkSettings(o.Settings); err != nil {
		return nil, err
	}
	switch o.Source {
	case "", "auto":
		return startAuto(ctx, o, startProcess, startDocker)
	case string(Process):
		return startProcess(ctx, o)
	case string(Docker):
		return startDocker(ctx, o)
	}
	return startURL(ctx, o)
}

// URL is what to connect with. It may hold a secret: keep it out of logs,
// errors and reports.
func (s *Server) URL() string { return s.url }

// Address is the server's URL without user, password and options, for people
// and reports. It never holds a secret.
func (s *Server) Address() string { return s.address }

// Kind is where the server comes from.
func (s *Server) Kind() Kind { return s.kind }

// Version is that of the server, such as "17.2".
func (s *Server) Version() string { return s.version }

// Note is one sentence that every report on this server must carry, or "".
func (s *Server) Note() string { return s.note }

// PID is the id of the process that Start started or Restart has started since, or 0.
func (s *Server) PID() int { return s.private.PID() }

// Ended is closed when the process that Start started has ended, for any reason but
// [Server.Kill]. It is nil, and so never closed, for every other server.
func (s *Server) Ended() <-chan struct{} { return s.private.Ended() }

// Close ends what Start started and removes what it left on disk; it returns
// when both are done. It does nothing to an existing database. Every call after the
// first returns the same as the first.
func (s *Server) Close() error { return s.close() }

// newServer completes s with an end that happens once.
func newServer(s Server, end func() error) *Server {
	s.close = sync.OnceValue(end)
	return &s
}
