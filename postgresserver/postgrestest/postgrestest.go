// Package postgrestest gives tests and benchmarks a Postgres, ours and yours.
//
// [Server] is one server for a whole test binary: what benchmarks want. [Process] and
// [Docker] start a server for one test alone, with separate settings, and never use one
// that already runs.
//
// Where no server is available the test is skipped with its reason, unless the
// environment variable QUEUEDYNO_REQUIRE, a comma-separated list such as
// "postgres,docker", names what must be there.
//
// It is for tests alone: a program that needs a Postgres uses package postgresserver.
// Begin reading at [Server].
package postgrestest

import (
	"context"
	"os"
	"testing"

	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/postgresserver"
)

// Server returns the one Postgres of this test binary, started by the first call
// and shared by all that follow. It is the first of these that is available:
//
//   - the database that POSTGRES_URL names, which is only ever used, never started
//     or ended;
//   - a container, where a Docker daemon answers and has or can get the image,
//     $QUEUEDYNO_POSTGRES_IMAGE or else [postgresserver.DefaultImage];
//   - a private postgres process, where one is installed.
//
// Without any of these the test is skipped. A kind that QUEUEDYNO_REQUIRE names
// ("docker", "postgres") is not skipped: the test fails.
//
// Which one it is, and why not one before it, is logged once. Benchmarks also
// print it as a line "postgres: docker", by which benchstat keeps figures from
// different kinds of server in different tables.
//
// Tests that share a server share its database: use unique names. [Main] ends the
// server; without it the server ends soon after the process, also after a panic or a
// timeout.
func Server(tb testing.TB) *postgresserver.Server {
	tb.Helper()
	return shared.Get(tb)
}

// Main runs the tests and ends the server that they shared. It returns the exit
// code:
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }
func Main(m *testing.M) (code int) { return shared.Main(m) }

// shared is the server of this process. Nothing smaller than the process would
// do: one test knows of another only by what the package holds.
var shared = newShared(postgresserver.Start, os.Getenv)

// newShared is at most one server, which start starts.
func newShared(start func(context.Context, postgresserver.Options) (*postgresserver.Server, error), getenv func(string) string) *servertest.Shared[*postgresserver.Server] {
	return &servertest.Shared[*postgresserver.Server]{
		Name:     "postgres",
		Variable: "POSTGRES_URL",
		Kinds:    []servertest.Kind{{Source: "docker", Need: "docker"}, {Source: "process", Need: "postgres"}},
		Optional: true,
		Start: func(ctx context.Context, source string) (*postgresserver.Server, error) {
			return start(ctx, postgresserver.Options{Source: source, Getenv: getenv})
		},
		Getenv: getenv,
		KindOf: func(s *postgresserver.Server) string { return string(s.Kind()) },
	}
}

// Process starts a private postgres with the given settings, each as "name=value", and
// closes it at the end of the test. Where Postgres is not installed the
// test is skipped, or fails if "postgres" is required.
func Process(tb testing.TB, settings ...string) *postgresserver.Server {
	tb.Helper()
	return start(tb, "postgres", postgresserver.Options{Source: "process", Settings: settings})
}

// Docker starts a private container with the given settings, each as "name=value", and
// closes it at the end of the test. Where no Docker daemon answers or its image is not
// available the test is skipped, or fails if "docker" is required.
func Docker(tb testing.TB, settings ...string) *postgresserver.Server {
	tb.Helper()
	return start(tb, "docker", postgresserver.Options{Source: "docker", Settings: settings})
}

func start(tb testing.TB, need string, o postgresserver.Options) *postgresserver.Server {
	tb.Helper()
	o.Log = func(line string) { tb.Log(line) }
	return servertest.Start(tb, "postgres", need, func(ctx context.Context) (*postgresserver.Server, error) {
		return postgresserver.Start(ctx, o)
	})
}
