package netfault_test

import (
	"errors"
	"net"
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
		refused(t, addr)
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
