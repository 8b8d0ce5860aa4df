package redistest_test

import (
	"slices"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestAGroupAnswersAndNothingOfItIsLeft(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) *redisserver.Group{
		"sentinels":                  func(tb testing.TB) *redisserver.Group { return redistest.Sentinel(tb) },
		"sentinels with a password":  func(tb testing.TB) *redisserver.Group { return redistest.Sentinel(tb, "--requirepass", "s 3c@ret") },
		"a cluster":                  func(tb testing.TB) *redisserver.Group { return redistest.Cluster(tb, 0) },
		"a cluster with replicas":    func(tb testing.TB) *redisserver.Group { return redistest.Cluster(tb, 1) },
		"a cluster with a password ": func(tb testing.TB) *redisserver.Group { return redistest.Cluster(tb, 0, "--requirepass", "s3cret") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			all := slices.Concat(g.Nodes(), g.Sentinels())
			if len(all) < 3 {
				t.Fatalf("%d servers, want at least 3", len(all))
			}
			for _, s := range all {
				if err := reach(s); err != nil {
					t.Error(err)
				}
			}
			if err := g.Close(); err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				if err := reach(s); err == nil {
					t.Errorf("%s is still there", s.Address())
				}
			}
		})
	}
}
