package jobqueue_test

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/netfault"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// Each role dials through its own proxies, wherever the address of the server comes
// from, and by TLS expects the server's certificate.
func TestEveryRoleTakesItsRoute(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(t *testing.T) jobqueue.Config{
		"one server": func(t *testing.T) jobqueue.Config {
			return jobqueue.Config{URL: redistest.Process(t, "--requirepass", "s3cret").URL()}
		},
		"unix socket": func(t *testing.T) jobqueue.Config {
			path := filepath.Join(t.TempDir(), "s")
			redistest.Process(t, "--unixsocket", path)
			return jobqueue.Config{URL: "unix://" + path}
		},
		"sentinels": func(t *testing.T) jobqueue.Config { return jobqueue.Config{URL: redistest.Sentinel(t).URL()} },
		"cluster":   func(t *testing.T) jobqueue.Config { return jobqueue.Config{URL: redistest.Cluster(t, 0).URL()} },
		"tls": func(t *testing.T) jobqueue.Config {
			ca, cert, key := authority(t)
			_, port, _ := net.SplitHostPort(closedPort(t))
			redistest.Process(t, "--tls-port", port, "--tls-ca-cert-file", ca, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
			return jobqueue.Config{URL: "rediss://127.0.0.1:" + port, CACert: ca}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ways := map[string]*netfault.Proxies{"producers": {}, "consumers": {}, "subscribers": {}}
			for _, way := range ways {
				defer way.Close()
			}
			cfg := config(t)
			cfg.Route = func(pool, network, addr string) (string, error) { return ways[pool].Route(network, addr) }
			c := designAt(t, cfg.URL, cfg)
			subscriber, err := c.OpenSubscriber(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer subscriber.Close()
			producer, err := c.OpenProducer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer producer.Close()
			consumer, err := c.OpenConsumer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer consumer.Close()
			if err := producer.Push(t.Context(), []byte("job")); err != nil {
				t.Fatal(err)
			}
			if jobs, err := consumer.Pop(t.Context(), 1, 10*time.Second); err != nil || len(jobs) != 1 || string(jobs[0]) != "job" {
				t.Fatalf("Pop() = %q, %v", jobs, err)
			}
			if n, err := consumer.Publish(t.Context(), []byte("done")); err != nil || n != 1 {
				t.Fatalf("Publish() = %d, %v; want 1 receiver", n, err)
			}
			if message, err := subscriber.Receive(t.Context()); err != nil || string(message) != "done" {
				t.Fatalf("Receive() = %q, %v", message, err)
			}
			for pool, way := range ways {
				if n := way.Counts(); n.Connections < 1 || n.Up == 0 || n.Down == 0 {
					t.Errorf("the way of the %s has seen %+v", pool, n)
				}
			}
		})
	}
}

// A route that cannot be had fails the connection, and no other way is taken.
func TestAConnectionWithoutItsRouteFails(t *testing.T) {
	t.Parallel()
	noRoute := errors.New("no route")
	cfg := jobqueue.Config{Route: func(pool, _, _ string) (string, error) {
		if pool != "consumers" {
			t.Errorf("a route for the %s was asked for", pool)
		}
		return "", noRoute
	}}
	c := designAt(t, redistest.Server(t).URL(), cfg)
	if _, err := c.OpenConsumer(t.Context()); !errors.Is(err, noRoute) {
		t.Errorf("OpenConsumer() = %v; want %v", err, noRoute)
	}
	if err := c.Push(t.Context(), "job"); err != nil {
		t.Errorf("a single command needs no route, and fails: %v", err)
	}
	if err := c.Clear(t.Context()); err != nil {
		t.Error(err)
	}
}
