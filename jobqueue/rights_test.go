package jobqueue_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// everywhere gives every server of a list the same user.
func everywhere(t *testing.T, servers []*redisserver.Server, user ...any) {
	t.Helper()
	for _, s := range servers {
		if err := admin(t, s).Do(t.Context(), append([]any{"ACL", "SETUSER"}, user...)...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// listRights are those that docs/redis.md names for the design list.
var listRights = []any{
	"load", "on", ">s3cret", "~queuedyno:*", "&queuedyno:*", "-@all", "+publish", "+subscribe", "+unsubscribe", "+ping", "+set", "+del",
	"+type", "+client|id", "+client|unblock", "+client|setname", "+hello", "+auth", "+select", "+lpush", "+brpop", "+rpop", "+llen", "+lrange",
}

func TestTheLeastRightsInAClusterAreOneMore(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Cluster(t, 0)
	everywhere(t, g.Nodes(), append(listRights, "+cluster|slots")...)
	url := strings.Replace(g.URL(), "://", "://load:s3cret@", 1)
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return clientAt(tb, url) })
	apart := jobqueue.Config{Queues: 3}
	queuetest.MultiQueueConformance(t, 3, 1, func(tb testing.TB) jobqueue.MultiQueue { return designAt(tb, url, apart) })
	if err := designAt(t, url, apart).Check(t.Context(), 1); err != nil {
		t.Errorf("Check of queues in several slots = %v", err)
	}
	c := clientAt(t, url)
	if err := c.Check(t.Context(), 1); err != nil {
		t.Errorf("Check = %v", err)
	}
	if f, err := c.Inspect(t.Context()); err != nil || len(f.Withheld) == 0 {
		t.Errorf("Inspect = %+v, %v; want what was withheld, and no error", f, err)
	}
}

func TestTheLeastRightsBehindSentinelsAreThoseAndOneCommandOfASentinel(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Sentinel(t)
	everywhere(t, g.Nodes(), listRights...)
	everywhere(t, g.Sentinels(), "watch", "on", ">0ther", "-@all", "+sentinel|get-master-addr-by-name", "+sentinel|sentinels",
		"+subscribe", "+ping", "+hello", "+auth", "+client|setname", "allchannels")
	everywhere(t, g.Sentinels(), "default", "off")
	base, name, _ := strings.Cut(strings.Replace(g.URL(), "://", "://load:s3cret@", 1), "#")
	_, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: base + "#" + name})
	var e *redisconn.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), "sentinel_password") {
		t.Errorf("Connect without the sentinels' password = %v, want a hint about it", err)
	}
	url := base + "?sentinel_username=watch&sentinel_password=0ther#" + name
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return clientAt(tb, url) })
}

func TestMistakesWithSentinelsAndClustersGetTheRemedy(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Sentinel(t)
	hosts := strings.TrimPrefix(strings.SplitN(g.URL(), "/0#", 2)[0], "redis-sentinel://")
	one := hostOf(g.Nodes()[0])
	for _, c := range []struct{ what, url, says, hint string }{
		{"a name that no sentinel knows", "redis-sentinel://:s3cret@" + hosts + "#other", `no master "other"`, "SENTINEL MASTERS"},
		{"a server in place of a sentinel", "redis-sentinel://" + one + "#mymaster", "unknown command", "not a sentinel"},
		{"no server there", "redis-sentinel://:s3cret@" + nothing + "#mymaster", "connection refused", ""},
		{"a server without a cluster", "redis-cluster://" + one, "cluster support disabled", "redis:// instead"},
		{"no node there", "redis-cluster://:s3cret@" + nothing, "connection refused", ""},
	} {
		_, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: c.url})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q and no password", c.what, err, c.says)
			continue
		}
		var e *redisconn.Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint(), c.hint) {
			t.Errorf("%s: %v has no hint about %q", c.what, err, c.hint)
		}
	}
}

// One node is a cluster, too, that does not know its own address.
func TestAClusterByTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	ca, cert, key := authority(t)
	_, port, _ := net.SplitHostPort(closedPort(t))
	_, bus, _ := net.SplitHostPort(closedPort(t))
	redistest.Process(t, "--tls-port", port, "--tls-ca-cert-file", ca, "--tls-cert-file", cert, "--tls-key-file", key,
		"--cluster-enabled", "yes", "--cluster-port", bus, "--tls-cluster", "yes")
	queue, channel := runname.Of("tls")
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{
		URL: "rediss-cluster://127.0.0.1:" + port, CACert: ca, Cert: cert, Key: key, Queue: queue, Channel: channel,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := openLine(t, c).carries(t, "secret"); err != nil {
		t.Error(err)
	}
}
