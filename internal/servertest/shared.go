package servertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// Server is a server of redisserver or postgresserver.
type Server interface {
	comparable
	URL() string
	Address() string
	Close() error
}

// Kind is a kind of server that can be started.
type Kind struct {
	Source string // as in the options of the package that starts it
	Need   string // as in QUEUEDYNO_REQUIRE
}

// Shared is at most one server, which the first test that asks for it starts.
type Shared[S Server] struct {
	// Name is that of the server, and Variable the one that may name its URL.
	Name, Variable string
	// Kinds are tried in order.
	Kinds  []Kind
	Start  func(ctx context.Context, source string) (S, error)
	Getenv func(string) string
	// Optional makes a test skip, not fail, if there is no server at all.
	Optional bool
	// KindOf is the kind of a server that was started.
	KindOf func(S) string

	mu        sync.Mutex
	server    S
	release   func() // of the guard
	announced bool
}

// Get returns the server, and starts it first if necessary. Which one it is, and why not
// one before it, is logged once. Benchmarks also print it as a line such as
// "redis: docker".
func (s *Shared[S]) Get(tb testing.TB) S {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var none S
	if s.server == none {
		s.server = s.find(tb)
		s.release = func() {}
		if s.KindOf(s.server) == "docker" {
			s.release = guard(tb.Context(), s.server.URL())
		}
	}
	// The testing package runs every benchmark with N = 1 before it begins the
	// line of the result, so this is a separate line.
	if _, ok := tb.(*testing.B); ok && benchmarking() && !s.announced {
		s.announced = true
		fmt.Printf("%s: %s\n", s.Name, s.Label(s.server))
	}
	return s.server
}

// benchmarking reports whether the results of benchmarks are printed: those
// that a program or a test runs by testing.Benchmark are not.
func benchmarking() bool {
	f := flag.Lookup("test.bench")
	return f != nil && f.Value.String() != ""
}

// find starts the first server that is available.
func (s *Shared[S]) find(tb testing.TB) (none S) {
	tb.Helper()
	if v := s.Getenv(s.Variable); v != "" && v != "auto" {
		got, err := s.Start(tb.Context(), v)
		if err != nil {
			tb.Fatalf("%s: %v", s.Variable, err)
		}
		tb.Logf("%s: %s at %s, from %s", s.Name, s.KindOf(got), got.Address(), s.Variable)
		return got
	}
	skipped := []string{s.Variable + " is not set"}
	var all []error
	for _, kind := range s.Kinds {
		got, err := s.Start(tb.Context(), kind.Source)
		if err == nil {
			tb.Logf("%s: %s at %s; %s", s.Name, s.KindOf(got), got.Address(), strings.Join(skipped, "; "))
			return got
		}
		if requires(s.Getenv("QUEUEDYNO_REQUIRE"), kind.Need) {
			tb.Fatalf("%s is required by QUEUEDYNO_REQUIRE: %v", kind.Need, err)
		}
		skipped = append(skipped, fmt.Sprintf("no %s: %v", kind.Source, err))
		all = append(all, err)
	}
	if s.Optional {
		tb.Skipf("needs %s: %v", s.Name, errors.Join(all...))
	}
	tb.Fatalf("find a %s: %v", s.Name, errors.Join(all...))
	return none
}

// Main runs the tests, ends the server and returns the exit code.
func (s *Shared[S]) Main(m *testing.M) (code int) {
	code = m.Run()
	if err := s.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "close %s: %v\n", s.Name, err)
		return max(code, 1)
	}
	return code
}

// Close ends the server if there is one.
func (s *Shared[S]) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var none S
	if s.server == none {
		return nil
	}
	err := s.server.Close()
	if err == nil {
		s.release()
	}
	s.server = none
	return err
}

// Label names the server such that only figures with the same label may be
// compared. The port of a private server changes and says nothing.
func (s *Shared[S]) Label(server S) string {
	if kind := s.KindOf(server); kind != "url" {
		return kind
	}
	return "url " + server.Address()
}
