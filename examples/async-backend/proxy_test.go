package main

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy stands between a process and a server, and breaks what is between them.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	conns   []net.Conn
	holding bool
	away    bool
	delay   time.Duration // of what the server sends
	muted   net.Conn      // is sent nothing more
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
		go p.request(server, client)
		go p.answer(client, server)
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

// request copies what a client writes until either end is closed. While the proxy
// holds, it is discarded.
func (p *proxy) request(server, client net.Conn) {
	defer server.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		discard := p.holding
		p.mu.Unlock()
		if discard {
			continue
		}
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
	}
}

// answer copies what a server writes until either end is closed. The delay puts off
// each piece, and makes none of them wait for another.
func (p *proxy) answer(client, server net.Conn) {
	type piece struct {
		bytes []byte
		at    time.Time
	}
	pieces := make(chan piece, 1<<12)
	go func() {
		defer client.Close()
		for one := range pieces {
			time.Sleep(time.Until(one.at))
			_, _ = client.Write(one.bytes) // an error ends the other direction
		}
	}()
	defer close(pieces)
	b := make([]byte, 32<<10)
	for {
		n, err := server.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		at, muted := time.Now().Add(p.delay), p.muted == client
		p.mu.Unlock()
		if !muted {
			pieces <- piece{bytes.Clone(b[:n]), at}
		}
	}
}

// putOff delays what the server sends from now on.
func (p *proxy) putOff(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// mute sends nothing more to the client that connected first.
func (p *proxy) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muted = p.conns[0]
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
