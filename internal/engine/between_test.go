package engine_test

import (
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
)

// between is a proxy in front of a server, which from some moment on can drop all
// that comes over the connections that are open, or close them.
type between struct {
	addr string
	mu   sync.Mutex
	open []*tunnel
}

type tunnel struct {
	client, server net.Conn
	deaf           atomic.Bool
	said           atomic.Pointer[string] // the first commands of the client
}

func startBetween(t *testing.T, s *redisserver.Server) *between {
	t.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &between{addr: door.Addr().String()}
	var all sync.WaitGroup
	t.Cleanup(func() {
		door.Close()
		b.each(func(u *tunnel) { u.client.Close(); u.server.Close() })
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := door.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", u.Host)
			if err != nil {
				client.Close()
				continue
			}
			way := &tunnel{client: client, server: server}
			b.mu.Lock()
			b.open = append(b.open, way)
			b.mu.Unlock()
			all.Go(func() { way.pass(server, client) })
			all.Go(func() { way.pass(client, server) })
		}
	})
	return b
}

// pass copies until one side closes, and into nothing when the tunnel is deaf.
func (u *tunnel) pass(to io.WriteCloser, from io.ReadCloser) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if u.deaf.Load() {
			continue
		}
		if from == u.client {
			u.note(string(b[:n]))
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// note remembers what the client says, as long as that tells whose connection it is.
func (u *tunnel) note(text string) {
	if said := u.said.Load(); said != nil {
		if len(*said) > 4096 {
			return
		}
		text = *said + text
	}
	u.said.Store(&text)
}

// swallowThose drops from now on what comes over connections that gave any of the
// commands.
func (b *between) swallowThose(commands ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.open {
		said := u.said.Load()
		u.deaf.Store(said != nil && slices.ContainsFunc(commands, func(c string) bool { return strings.Contains(*said, "\r\n"+c+"\r\n") }))
	}
}

func (b *between) each(fn func(*tunnel)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.open {
		fn(u)
	}
	b.open = nil
}

func (b *between) swallow() { b.each(func(u *tunnel) { u.deaf.Store(true) }) }
func (b *between) close()   { b.each(func(u *tunnel) { u.client.Close(); u.server.Close() }) }
