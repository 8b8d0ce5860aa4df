package redistest

import (
	"context"
	"testing"

	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/redisserver"
)

// Sentinel starts a master with two replicas and three sentinels as private
// processes, with the given extra arguments for the master and the replicas, and
// closes them at the end of the test. It is there, or not, as [Process] is.
func Sentinel(tb testing.TB, args ...string) *redisserver.Group {
	tb.Helper()
	return servertest.Start(tb, "redis", "redis", func(ctx context.Context) (*redisserver.Group, error) {
		return redisserver.StartSentinels(ctx, redisserver.Options{Source: "process", Args: args})
	})
}

// Cluster starts a cluster of three masters, each with so many replicas, as
// private processes with the given extra arguments, and closes them at the end
// of the test. It is there, or not, as [Process] is.
func Cluster(tb testing.TB, replicas int, args ...string) *redisserver.Group {
	tb.Helper()
	return servertest.Start(tb, "redis", "redis", func(ctx context.Context) (*redisserver.Group, error) {
		return redisserver.StartCluster(ctx, redisserver.Options{Source: "process", Args: args}, replicas)
	})
}
