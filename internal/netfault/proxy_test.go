package netfault_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/netfault"
)

func TestWithoutAFaultEveryByteArrivesAndIsCounted(t *testing.T) {
	t.Parallel()
	p := front(t, server(t, "tcp", "127.0.0.1:0", echo))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	c := dial(t, p.Addr())
	go func() {
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back, not the %d that were sent", len(got), len(sent))
	}
	if n := p.Counts(); n.Connections != 1 || n.Up != int64(len(sent)) || n.Down != int64(len(sent)) || n.Swallowed != 0 {
		t.Errorf("Counts() = %+v; want 1 connection and %d bytes in each direction", n, len(sent))
	}
}

func TestAServerThatIsNotThereResetsTheClient(t *testing.T) {
	t.Parallel()
	c, err := net.Dial("tcp", front(t, "127.0.0.1:1").Addr())
	if err == nil { // the reset may come that early
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client gets %v; want %v", err, syscall.ECONNRESET)
	}
}

func TestLatencyDelaysOpenAndNewConnections(t *testing.T) {
	t.Parallel()
	p := front(t, server(t, "tcp", "127.0.0.1:0", echo))
	open := dial(t, p.Addr())
	roundTrip(t, open)
	for _, f := range []netfault.Fault{
		{Latency: 50 * ms},
		{Latency: 51 * ms}, // its halves differ
		{Latency: ms},
		{Latency: 60 * ms, Jitter: 10 * ms},
		{Latency: 20 * ms, Bandwidth: 1000}, // 5 bytes take 5 ms each way
	} {
		end := begin(t, p, f)
		least := f.Latency - f.Jitter
		if f.Bandwidth > 0 {
			least += 10 * ms
		}
		for _, c := range []net.Conn{open, dial(t, p.Addr())} {
			// A limit of bandwidth makes good what it waited too long before, so one
			// round trip may take less.
			var took time.Duration
			for range 3 {
				took += roundTrip(t, c)
			}
			if took < 3*least {
				t.Errorf("%+v: 3 round trips took %v; want at least %v", f, took, 3*least)
			}
		}
		end()
		roundTrip(t, open)
	}
}

// What is delayed when a fault ends is delivered then, in order, and not later.
func TestTheEndOfALatencyDeliversWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	p := front(t, server(t, "tcp", "127.0.0.1:0", echo))
	c := dial(t, p.Addr())
	roundTrip(t, c)
	end := begin(t, p, netfault.Fault{Latency: 10 * time.Hour})
	var sent strings.Builder
	for i := range 50 {
		piece := strings.Repeat(string(rune('a'+i%26)), 100)
		sent.WriteString(piece)
		if _, err := io.WriteString(c, piece); err != nil {
			t.Fatal(err)
		}
	}
	end()
	got := make([]byte, sent.Len())
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != sent.String() {
		t.Error("the data came back in another order")
	}
}

func TestBandwidthHoldsOverAnAmount(t *testing.T) {
	t.Parallel()
	received := make(chan int)
	p := front(t, server(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		n, _ := io.Copy(io.Discard, c)
		received <- int(n)
	}))
	const rate, amount = 400_000, 100_000
	end := begin(t, p, netfault.Fault{Bandwidth: rate})
	defer end()
	c := dial(t, p.Addr())
	began := time.Now()
	if _, err := c.Write(make([]byte, amount)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if n := <-received; n != amount {
		t.Errorf("%d bytes arrived, not the %d that were sent", n, amount)
	}
	if took, least := time.Since(began), time.Second*amount/rate; took < least {
		t.Errorf("%d bytes took %v at %d/s; want at least %v", amount, took, rate, least)
	}
}

// refused checks that no connection can be made. A process that another test starts holds
// what listens open for the moment until its exec.
func refused(t *testing.T, addr string) {
	t.Helper()
	var err error
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(5 * ms) {
		var c net.Conn
		if c, err = net.Dial("tcp", addr); errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			c.Close()
		}
	}
	t.Errorf("Dial() = %v; want %v", err, syscall.ECONNREFUSED)
}

func TestDownRefusesUntilItsEnd(t *testing.T) {
	t.Parallel()
	p := front(t, server(t, "tcp", "127.0.0.1:0", echo))
	open := dial(t, p.Addr())
	roundTrip(t, open)
	end := begin(t, p, netfault.Fault{Down: true})
	if _, err := open.Read(make([]byte, 1)); err == nil {
		t.Error("an open connection outlives it")
	}
	for range 3 {
		refused(t, p.Addr())
	}
	if runtime.GOOS == "linux" {
		if l, err := net.Listen("tcp", p.Addr()); err == nil {
			l.Close()
			t.Error("another listener could take the port")
		}
	}
	end()
	end() // again, which does nothing
	roundTrip(t, dial(t, p.Addr()))
}

func TestResetBreaksOpenAndNewConnections(t *testing.T) {
	t.Parallel()
	p := front(t, server(t, "tcp", "127.0.0.1:0", echo))
	idle := dial(t, p.Addr())
	roundTrip(t, idle)
	end := begin(t, p, netfault.Fault{Reset: true})
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an idle connection: Read() = %v; want %v", err, syscall.ECONNRESET)
	}
	c, err := net.Dial("tcp", p.Addr())
	if err == nil { // the reset may come that early
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a new connection gets %v; want %v", err, syscall.ECONNRESET)
	}
	end()
	roundTrip(t, dial(t, p.Addr()))
}

func TestSwallowIsSilentUntilItsEnd(t *testing.T) {
	t.Parallel()
	gone := make(chan error, 10)
	p := front(t, server(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		_, err := io.Copy(c, c)
		gone <- err
	}))
	talks, leaves, quiet := dial(t, p.Addr()), dial(t, p.Addr()), dial(t, p.Addr())
	for _, c := range []net.Conn{talks, leaves, quiet} {
		roundTrip(t, c)
	}
	before := p.Counts()
	end := begin(t, p, netfault.Fault{Swallow: true})
	late := dial(t, p.Addr())
	for _, c := range []net.Conn{talks, late} {
		if _, err := io.WriteString(c, "hello"); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(100 * ms))
		if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read() = %d, %v; want silence", n, err)
		}
		_ = c.SetReadDeadline(time.Time{})
	}
	// The proxy reads the end of a connection after what was written on it.
	if _, err := io.WriteString(leaves, "hello"); err != nil {
		t.Fatal(err)
	}
	leaves.Close()
	for until := time.Now().Add(time.Minute); p.Counts().Swallowed < 15 && time.Now().Before(until); {
		time.Sleep(5 * ms)
	}
	select {
	case err := <-gone:
		t.Errorf("the server learns (%v) that a client has closed its connection", err)
	case <-time.After(100 * ms):
	}
	if n := p.Counts(); n.Up != before.Up || n.Down != before.Down || n.Swallowed != 15 || n.Connections != 4 {
		t.Errorf("Counts() = %+v; want 4 connections, 15 bytes swallowed and none delivered since %+v", n, before)
	}
	end()
	for _, c := range []net.Conn{talks, late} {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Read() after the end = %v; want %v", err, syscall.ECONNRESET)
		}
	}
	for range 2 {
		if err := <-gone; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the server reads %v; want %v", err, syscall.ECONNRESET)
		}
	}
	roundTrip(t, quiet) // it has lost nothing
	roundTrip(t, dial(t, p.Addr()))
}

func TestFaultsOverlap(t *testing.T) {
	t.Parallel()
	p := front(t, server(t, "tcp", "127.0.0.1:0", echo))
	c := dial(t, p.Addr())
	endLong := begin(t, p, netfault.Fault{Latency: 40 * ms})
	endShort := begin(t, p, netfault.Fault{Latency: 30 * ms})
	if took := roundTrip(t, c); took < 70*ms {
		t.Errorf("with latencies of 40ms and 30ms a round trip took %v", took)
	}
	endDown := begin(t, p, netfault.Fault{Down: true})
	endDownToo := begin(t, p, netfault.Fault{Down: true})
	endLong()
	endDown()
	refused(t, p.Addr()) // one fault goes on
	endDownToo()
	if took := roundTrip(t, dial(t, p.Addr())); took < 30*ms {
		t.Errorf("with a latency of 30ms a round trip took %v", took)
	}
	endShort()
	roundTrip(t, dial(t, p.Addr()))
}

func TestTheServerMayBeAUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	server(t, "unix", path, echo)
	p, err := netfault.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := dial(t, p.Addr())
	roundTrip(t, c)
	end := begin(t, p, netfault.Fault{Latency: 30 * ms})
	if took := roundTrip(t, c); took < 30*ms {
		t.Errorf("a round trip took %v; want at least 30ms", took)
	}
	end()
	end = begin(t, p, netfault.Fault{Reset: true})
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read() = %v; want %v", err, syscall.ECONNRESET)
	}
	end()
}

func TestCloseEndsConnectionsThatAreStuck(t *testing.T) {
	t.Parallel()
	for _, f := range []netfault.Fault{{Latency: time.Hour}, {Bandwidth: 1000}, {Swallow: true}, {Down: true}, {Reset: true}} {
		stuck := make(chan struct{})
		p, err := netfault.Listen("tcp", server(t, "tcp", "127.0.0.1:0", func(net.Conn) { <-stuck }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		flood := func() {
			c, err := net.Dial("tcp", p.Addr())
			if err != nil && f.Reset {
				return // reset before it was open here
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			go func() {
				for {
					if _, err := c.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			}()
		}
		flood()
		end := begin(t, p, f)
		if !f.Down {
			flood()
		}
		if err := p.Close(); err != nil {
			t.Errorf("%+v: Close() = %v", f, err)
		}
		end()
		if _, err := p.Begin(f); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Begin() after Close() = %v; want %v", err, net.ErrClosed)
		}
		if n := p.Counts(); n.Open != 0 {
			t.Errorf("%+v: %d connections are open after Close()", f, n.Open)
		}
		p.Close()
		close(stuck)
	}
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	p := front(t, "127.0.0.1:1")
	for want, f := range map[string]netfault.Fault{
		"does nothing":     {},
		"go together":      {Latency: ms, Down: true},
		"go together ":     {Reset: true, Swallow: true},
		"latency must be":  {Latency: 1500 * time.Microsecond},
		"latency must be ": {Latency: -ms},
		"jitter must be":   {Latency: ms, Jitter: time.Microsecond},
		"jitter is at":     {Latency: ms, Jitter: 2 * ms},
		"bandwidth is":     {Bandwidth: 999},
		"bandwidth is at":  {Bandwidth: -1},
	} {
		if _, err := p.Begin(f); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("Begin(%+v) = %v; want %q", f, err, want)
		}
	}
	if _, err := netfault.Listen("udp", "127.0.0.1:1"); err == nil {
		t.Error("Listen(udp) succeeds")
	}
}
