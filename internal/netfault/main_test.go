package netfault_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/netfault"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

const ms = time.Millisecond

func TestMain(m *testing.M) {
	if os.Getenv("NETFAULT_CHILD") != "" {
		child()
		return
	}
	code := redistest.Main(m)
	if left := leftovers(); left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leftovers are the goroutines of proxies and toxics. One that has just done its last
// work is given time to go.
func leftovers() (left string) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(ms) {
		if left = running(); left == "" {
			break
		}
	}
	return left
}

func running() string {
	buf := make([]byte, 1<<22)
	buf = buf[:runtime.Stack(buf, true)]
	var all []string
	for one := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(one, "internal/netfault.") || strings.Contains(one, "toxiproxy") {
			all = append(all, one)
		}
	}
	return strings.Join(all, "\n\n")
}

// server answers each connection by a function, in a goroutine of the connection.
func server(tb testing.TB, network, addr string, answer func(net.Conn)) string {
	tb.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				answer(c)
			}()
		}
	}()
	return l.Addr().String()
}

// echo sends everything back.
func echo(c net.Conn) { _, _ = io.Copy(c, c) }

// front starts a proxy in front of a TCP server, and closes it after the test.
func front(tb testing.TB, upstream string) *netfault.Proxy {
	tb.Helper()
	p, err := netfault.Listen("tcp", upstream)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

func dial(tb testing.TB, addr string) net.Conn {
	tb.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// trip sends a message and waits for its echo.
func trip(c net.Conn, message string) (time.Duration, error) {
	began := time.Now()
	if _, err := io.WriteString(c, message); err != nil {
		return 0, err
	}
	back := make([]byte, len(message))
	if _, err := io.ReadFull(c, back); err != nil {
		return 0, err
	}
	if string(back) != message {
		return 0, fmt.Errorf("%q came back as %q", message, back)
	}
	return time.Since(began), nil
}

// roundTrip is trip for a connection that must work.
func roundTrip(tb testing.TB, c net.Conn) time.Duration {
	tb.Helper()
	took, err := trip(c, "hello")
	if err != nil {
		tb.Fatal(err)
	}
	return took
}

func begin(tb testing.TB, p interface {
	Begin(netfault.Fault) (func() error, error)
}, f netfault.Fault) (end func()) {
	tb.Helper()
	e, err := p.Begin(f)
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		tb.Helper()
		if err := e(); err != nil {
			tb.Fatal(err)
		}
	}
}
