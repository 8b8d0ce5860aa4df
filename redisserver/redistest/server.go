package redistest

import (
	"context"
	"os"
	"testing"

	"github.com/queuedyno/queuedyno/internal/servertest"
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
	return shared.Get(tb)
}

// Main runs the tests and ends the server that they shared. It returns the exit
// code:
//
//	func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }
func Main(m *testing.M) (code int) { return shared.Main(m) }

// shared is the server of this process. Nothing smaller than the process would
// do: one test knows of another only by what the package holds.
var shared = newShared(redisserver.Start, os.Getenv)

// newShared is at most one server, which start starts.
func newShared(start func(context.Context, redisserver.Options) (*redisserver.Server, error), getenv func(string) string) *servertest.Shared[*redisserver.Server] {
	return &servertest.Shared[*redisserver.Server]{
		Name:     "redis",
		Variable: "REDIS_URL",
		Kinds: []servertest.Kind{
			{Source: "docker", Need: "docker"},
			{Source: "process", Need: "redis"},
			{Source: "embedded", Need: "embedded"},
		},
		Start: func(ctx context.Context, source string) (*redisserver.Server, error) {
			return start(ctx, redisserver.Options{Source: source, Getenv: getenv})
		},
		Getenv: getenv,
		KindOf: func(s *redisserver.Server) string { return string(s.Kind()) },
	}
}
