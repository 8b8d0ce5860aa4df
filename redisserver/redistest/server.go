package redistest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
)

// Server returns the one Redis of this test binary, started by the first call
// and shared by all that follow: a container for each benchmark would cost more
// than the benchmark. It is the first of these that can be had:
//
//   - the server that REDIS_URL names, which is only ever used, never started
//     or ended;
//   - a container, where a Docker daemon answers and has or can get the image,
//     $QUEUEDYNO_IMAGE or else [redisserver.DefaultImage];
//   - a private redis-server process, where one is installed;
//   - the embedded server, which is there on every machine.
//
// Which one it is, and why not one before it, is logged once. Benchmarks also
// print it as a line "redis: docker", by which benchstat keeps figures from
// different kinds of server in different tables. A kind that QUEUEDYNO_REQUIRE
// names is not skipped: the test fails.
//
// Tests that share a server share its keys: use unique names, as [Queue]
// does. [Main] ends the server; without it the server ends soon after the
// process, also after a panic or a timeout.
func Server(tb testing.TB) *redisserver.Server {
	tb.Helper()
	return shared.get(tb)
}

// Main runs the tests and ends the server that they shared. It returns the exit
// code:
//
//	func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }
func Main(m *testing.M) (code int) {
	code = m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "close redis:", err)
		return max(code, 1)
	}
	return code
}

// shared is the server of this process. Nothing smaller than the process would
// do: one test knows of another only by what the package holds.
var shared = only{start: redisserver.Start, getenv: os.Getenv}

// only is at most one server.
type only struct {
	start  func(context.Context, redisserver.Options) (*redisserver.Server, error)
	getenv func(string) string

	mu        sync.Mutex
	server    *redisserver.Server
	release   func() // of the guard
	announced bool
}

// get returns the server, and starts it first if necessary.
func (o *only) get(tb testing.TB) *redisserver.Server {
	tb.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server == nil {
		o.server = o.find(tb)
		o.release = guard(tb.Context(), o.server)
	}
	// The testing package runs every benchmark with N = 1 before it begins the
	// line of the result, so this is a separate line.
	if _, ok := tb.(*testing.B); ok && benchmarking() && !o.announced {
		o.announced = true
		fmt.Printf("redis: %s\n", label(o.server))
	}
	return o.server
}

// benchmarking reports whether the results of benchmarks are printed: those
// that a program or a test runs by testing.Benchmark are not.
func benchmarking() bool {
	f := flag.Lookup("test.bench")
	return f != nil && f.Value.String() != ""
}

// find starts the first server that can be had.
func (o *only) find(tb testing.TB) *redisserver.Server {
	tb.Helper()
	if v := o.getenv("REDIS_URL"); v != "" && v != "auto" {
		s, err := o.start(tb.Context(), redisserver.Options{Source: v, Getenv: o.getenv})
		if err != nil {
			tb.Fatalf("REDIS_URL: %v", err)
		}
		tb.Logf("redis: %s at %s, from REDIS_URL", s.Kind(), s.Address())
		return s
	}
	passedOver := []string{"REDIS_URL is not set"}
	var all []error
	for _, source := range []struct {
		kind redisserver.Kind
		need string // as in QUEUEDYNO_REQUIRE
	}{
		{redisserver.Docker, "docker"},
		{redisserver.Process, "redis"},
		{redisserver.Embedded, "embedded"},
	} {
		s, err := o.start(tb.Context(), redisserver.Options{Source: string(source.kind), Getenv: o.getenv})
		if err == nil {
			tb.Logf("redis: %s at %s; %s", s.Kind(), s.Address(), strings.Join(passedOver, "; "))
			return s
		}
		if o.required(source.need) {
			tb.Fatalf("%s is required by QUEUEDYNO_REQUIRE: %v", source.need, err)
		}
		passedOver = append(passedOver, fmt.Sprintf("no %s: %v", source.kind, err))
		all = append(all, err)
	}
	tb.Fatalf("find a redis: %v", errors.Join(all...))
	return nil
}

func (o *only) required(need string) bool { return requires(o.getenv("QUEUEDYNO_REQUIRE"), need) }

// close ends the server if there is one.
func (o *only) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server == nil {
		return nil
	}
	err := o.server.Close()
	if err == nil {
		o.release()
	}
	o.server = nil
	return err
}

// label names the server such that only figures with the same label may be
// compared. The port of a private server changes and says nothing.
func label(s *redisserver.Server) string {
	if s.Kind() == redisserver.URL {
		return "url " + s.Address()
	}
	return string(s.Kind())
}
