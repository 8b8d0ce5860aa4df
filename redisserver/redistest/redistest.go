// Package redistest gives tests and benchmarks a Redis, ours and yours.
//
// [Server] is one server for a whole test binary, and [Queue] a job queue on
// it: what benchmarks want. [Process], [Docker] and [Embedded] start a server
// for one test alone, with its own settings, and never use one that already
// runs.
//
// It also holds the rule for when no server is available: the test is skipped with its
// reason, unless the environment variable QUEUEDYNO_REQUIRE, a comma-separated
// list such as "redis,docker", names what must be there. CI sets it, so that a
// green CI means that these tests ran.
//
// It is for tests alone: a program that needs a Redis uses package redisserver.
// Begin reading at [Server].
package redistest

import (
	"context"
	"testing"

	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/redisserver"
)

// Process starts a private redis-server with the given extra arguments and
// closes it at the end of the test. Where redis-server is not installed the
// test is skipped, or fails if "redis" is required.
func Process(tb testing.TB, args ...string) *redisserver.Server {
	tb.Helper()
	return start(tb, "redis", redisserver.Options{Source: "process", Args: args})
}

// Docker starts a private container with the given extra arguments for
// redis-server and closes it at the end of the test. Where no Docker daemon
// answers or its image cannot be had the test is skipped, or fails if "docker"
// is required.
func Docker(tb testing.TB, args ...string) *redisserver.Server {
	tb.Helper()
	return start(tb, "docker", redisserver.Options{Source: "docker", Args: args})
}

// Embedded starts an embedded server and closes it at the end of the test. It
// is there on every machine.
func Embedded(tb testing.TB) *redisserver.Server {
	tb.Helper()
	return start(tb, "embedded", redisserver.Options{Source: "embedded"})
}

// Missing ends the test because what it needs, such as "redis" or "docker", is
// not there: with a skip, or as a failure if QUEUEDYNO_REQUIRE names it.
func Missing(tb testing.TB, need string, reason error) {
	tb.Helper()
	servertest.Missing(tb, need, reason)
}

func start(tb testing.TB, need string, o redisserver.Options) *redisserver.Server {
	tb.Helper()
	o.Log = func(line string) { tb.Log(line) }
	return servertest.Start(tb, "redis", need, func(ctx context.Context) (*redisserver.Server, error) {
		return redisserver.Start(ctx, o)
	})
}
