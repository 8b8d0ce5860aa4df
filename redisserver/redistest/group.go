package redistest

import (
	"context"
	"errors"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
)

// Sentinel starts a master with two replicas and three sentinels as private
// processes, with the given extra arguments for the master and the replicas, and
// closes them at the end of the test. It is there, or not, as [Process] is.
func Sentinel(tb testing.TB, args ...string) *redisserver.Group {
	tb.Helper()
	return group(tb, redisserver.StartSentinels, args)
}

// Cluster starts a cluster of three masters, each with so many replicas, as
// private processes with the given extra arguments, and closes them at the end
// of the test. It is there, or not, as [Process] is.
func Cluster(tb testing.TB, replicas int, args ...string) *redisserver.Group {
	tb.Helper()
	return group(tb, func(ctx context.Context, o redisserver.Options) (*redisserver.Group, error) {
		return redisserver.StartCluster(ctx, o, replicas)
	}, args)
}

func group(tb testing.TB, start func(context.Context, redisserver.Options) (*redisserver.Group, error), args []string) *redisserver.Group {
	tb.Helper()
	g, err := start(tb.Context(), redisserver.Options{Source: "process", Args: args})
	if errors.Is(err, redisserver.ErrUnavailable) {
		Missing(tb, "redis", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := g.Close(); err != nil {
			tb.Errorf("close redis: %v", err)
		}
	})
	return g
}
