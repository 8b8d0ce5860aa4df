package netfault_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/netfault"
)

// child breaks connections in every way, each while data is under way, so that
// toxiproxy has reason to log.
func child() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	p, err := netfault.Listen("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	for _, f := range []netfault.Fault{
		{Latency: 20 * ms, Jitter: 5 * ms}, {Bandwidth: 1000}, {Bandwidth: 100_000}, {Latency: 20 * ms, Bandwidth: 50_000}, {Reset: true}, {Swallow: true}, {Down: true},
	} {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			panic(err)
		}
		end, err := p.Begin(f)
		if err != nil {
			panic(err)
		}
		_, _ = c.Write(make([]byte, 5000))
		_ = c.SetReadDeadline(time.Now().Add(60 * ms))
		_, _ = c.Read(make([]byte, 1))
		if err := end(); err != nil {
			panic(err)
		}
		c.Close()
	}
	p.Close()
	fmt.Print("done")
}

// Toxiproxy logs to standard error, by a logger of the whole process that an
// application may use, too.
func TestNothingIsLogged(t *testing.T) {
	t.Parallel()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), "NETFAULT_CHILD=1")
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, log.String())
	}
	if out.String() != "done" || log.Len() > 0 {
		t.Errorf("stdout is %q and stderr %q; want only done", out.String(), log.String())
	}
}
