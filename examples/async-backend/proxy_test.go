package main

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a process and a server, and breaks what is between them.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	conns   []net.Conn
	holding bool
	away    bool
}

// behind returns a proxy in front of the server with the given URL, and the URL
// that leads through it.
func behind(t *testing.T, serverURL string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: u.Host}
	u.Host = l.Addr().String()
	go p.accept()
	t.Cleanup(func() {
		l.Close()
		p.cut()
	})
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil || !p.keep(client, server) {
			client.Close()
			if err == nil {
				server.Close()
			}
			continue
		}
		go p.pass(server, client, true)
		go p.pass(client, server, false)
	}
}

// keep notes the two ends of a connection, unless the server is away.
func (p *proxy) keep(ends ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.away {
		p.conns = append(p.conns, ends...)
	}
	return !p.away
}

// pass copies until either end is closed. What a client writes is discarded while
// the proxy holds.
func (p *proxy) pass(to, from net.Conn, fromClient bool) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		discard := fromClient && p.holding
		p.mu.Unlock()
		if discard {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil && err != io.ErrShortWrite {
			return
		}
	}
}

// hold lets nothing more get to the server.
func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = true
}

// cut closes all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// leave makes the server unreachable, and comeBack ends that.
func (p *proxy) leave() {
	p.mu.Lock()
	p.away = true
	p.mu.Unlock()
	p.cut()
}

func (p *proxy) comeBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}
