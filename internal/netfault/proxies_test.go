package netfault_test

import (
	"errors"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/queuedyno/queuedyno/internal/netfault"
)

func TestEachAddressHasAProxyAndAllHaveTheFault(t *testing.T) {
	t.Parallel()
	var ps netfault.Proxies
	defer ps.Close()
	route := func(addr string) string {
		at, err := ps.Route("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	one, two := server(t, "tcp", "127.0.0.1:0", echo), server(t, "tcp", "127.0.0.1:0", echo)
	first := route(one)
	if again := route(one); again != first {
		t.Errorf("Route() = %s and then %s", first, again)
	}
	c := dial(t, first)
	roundTrip(t, c)
	end := begin(t, &ps, netfault.Fault{Latency: 30 * ms})
	second := route(two) // while the fault is on
	if second == first {
		t.Errorf("two addresses have the proxy %s", first)
	}
	for _, c := range []net.Conn{c, dial(t, second)} {
		if took := roundTrip(t, c); took < 30*ms {
			t.Errorf("a round trip took %v; want at least 30ms", took)
		}
	}
	end()
	end = begin(t, &ps, netfault.Fault{Down: true})
	for _, addr := range []string{first, second} {
		if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial() = %v; want %v", err, syscall.ECONNREFUSED)
		}
	}
	end()
	roundTrip(t, dial(t, first))
	roundTrip(t, dial(t, second))
	if n := ps.Counts(); n.Connections != 4 || n.Up != n.Down || n.Up != 25 {
		t.Errorf("Counts() = %+v; want 4 connections and 25 bytes in each direction", n)
	}
	if _, err := ps.Begin(netfault.Fault{}); err == nil {
		t.Error("Begin() of nothing succeeds")
	}
	ps.Close()
	if _, err := ps.Route("tcp", one); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Route() after Close() = %v; want %v", err, net.ErrClosed)
	}
	if _, err := ps.Begin(netfault.Fault{Down: true}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Begin() after Close() = %v; want %v", err, net.ErrClosed)
	}
}

func TestForURL(t *testing.T) {
	t.Parallel()
	var ps netfault.Proxies
	defer ps.Close()
	for url, want := range map[string]string{
		"redis://:pa%2Fss@10.1.2.3:6380/2?protocol=3":   `^redis://:pa%2Fss@127\.0\.0\.1:\d+/2\?protocol=3$`,
		"redis://redis.test":                            `^redis://127\.0\.0\.1:\d+$`,
		"rediss://user:x@localhost:6380/1":              `^rediss://user:x@localhost:\d+/1$`,
		"rediss://127.0.0.1:6380":                       `^rediss://127\.0\.0\.1:\d+$`,
		"unix://u:x@" + filepath.ToSlash("/tmp/s?db=3"): `^redis://u:x@127\.0\.0\.1:\d+\?db=3$`,
	} {
		if got, err := ps.ForURL(url); err != nil || !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("ForURL(%q) = %q, %v; want %s", url, got, err, want)
		}
	}
	for url, want := range map[string]string{
		"redis-cluster://:s3cret@a:1,b:2":  "addresses that the servers announce",
		"rediss-sentinel://:s3cret@a:1#m":  "addresses that the servers announce",
		"rediss://:s3cret@redis.test:6380": "certificate to name the proxy",
		"http://:s3cret@redis.test":        `in front of "http"`,
		"redis://:s3cret%zz@redis.test":    "cannot be read",
	} {
		if got, err := ps.ForURL(url); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("ForURL(%q) = %q, %v; want %q and no password", url, got, err, want)
		}
	}
}
