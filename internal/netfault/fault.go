// Package netfault puts network faults between clients and a server: latency,
// bandwidth, connections that are refused, reset or that go silent.
//
// A [Proxy] listens on a free loopback port and forwards to one address. It does not
// read what it forwards, so TLS passes through. [Proxies] are those of one group of
// clients, one for each address that they dial.
//
// The delays and limits are the toxics of Shopify's toxiproxy, in this process and
// without its server: its links cannot reset a connection that is already open, and
// leave goroutines behind when they are closed with data under way. So the sockets are
// handled here.
//
// It is not in the way of a run without network faults. While no fault is on, a proxy
// costs two system calls and one change of goroutines in each direction; see
// BenchmarkRoundTrip. Begin reading at [Fault].
package netfault

import (
	"errors"
	"fmt"
	"time"
)

// Fault is one thing that is wrong with the network, or latency and bandwidth
// together. It applies to connections that are open already, too.
type Fault struct {
	// Latency is by how much a round trip takes longer, in whole milliseconds: half of
	// it on the way to the server, half on the way back. Establishing a connection is not
	// delayed.
	Latency time.Duration
	// Jitter is by how much Latency varies at most, evenly distributed in each direction.
	// Data never overtakes other data of its connection.
	Jitter time.Duration
	// Bandwidth limits each direction of each connection, in bytes per second, rounded
	// down to 1,000. Zero means no limit.
	Bandwidth int64
	// Down refuses new connections and closes the open ones.
	Down bool
	// Reset resets the open connections at its begin, and each new one until its end.
	Reset bool
	// Swallow accepts connections and data, and delivers nothing: neither end learns that
	// the other closed the connection. At its end the connections that lost data are reset.
	Swallow bool
}

// Check reports what is wrong with the fault.
func (f Fault) Check() error {
	slow := f.Latency != 0 || f.Jitter != 0 || f.Bandwidth != 0
	kinds := 0
	for _, on := range []bool{slow, f.Down, f.Reset, f.Swallow} {
		if on {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return errors.New("network fault: it does nothing; give it latency, bandwidth, down, reset or swallow")
	case kinds > 1:
		return errors.New("network fault: only latency and bandwidth go together")
	case f.Latency < 0 || f.Latency%time.Millisecond != 0:
		return fmt.Errorf("network fault: latency must be whole milliseconds, not %v", f.Latency)
	case f.Jitter < 0 || f.Jitter%time.Millisecond != 0:
		return fmt.Errorf("network fault: jitter must be whole milliseconds, not %v", f.Jitter)
	case f.Jitter > f.Latency:
		return fmt.Errorf("network fault: jitter is at most the latency of %v, not %v", f.Latency, f.Jitter)
	case f.Bandwidth != 0 && f.Bandwidth < 1000:
		return fmt.Errorf("network fault: bandwidth is at least 1000 bytes per second, not %d", f.Bandwidth)
	}
	return nil
}

// state is what all faults that are on do together. It does not change; a change is
// another state.
type state struct {
	closed, down, reset, swallow bool
	way                          [2]way
	// changed is closed when another state has taken its place.
	changed chan struct{}
}

// The directions of a link.
const (
	up   = iota // to the server
	down        // to the client
)

// way is what slows one direction.
type way struct {
	latency, jitter int64 // in milliseconds
	rate            int64 // in thousands of bytes per second, 0 without limit
}

// together is the state with these faults: latencies add up, and the least bandwidth
// counts.
func together(faults []*Fault) *state {
	s := &state{changed: make(chan struct{})}
	for _, f := range faults {
		s.down = s.down || f.Down
		s.reset = s.reset || f.Reset
		s.swallow = s.swallow || f.Swallow
		latency, jitter := f.Latency.Milliseconds(), f.Jitter.Milliseconds()
		// The halves of an odd number differ by one.
		s.way[up].latency += latency - latency/2
		s.way[up].jitter += jitter - jitter/2
		s.way[down].latency += latency / 2
		s.way[down].jitter += jitter / 2
		if rate := f.Bandwidth / 1000; rate > 0 {
			for i := range s.way {
				if s.way[i].rate == 0 || rate < s.way[i].rate {
					s.way[i].rate = rate
				}
			}
		}
	}
	return s
}

// Counts are what a proxy has done so far.
type Counts struct {
	// Connections were accepted, of which Open are open now.
	Connections, Open int64
	// Up and Down are bytes that were delivered to the server and to the clients, and
	// Swallowed are those that were not, due to a fault that swallows.
	Up, Down, Swallowed int64
}
