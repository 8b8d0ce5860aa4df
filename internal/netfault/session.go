package netfault

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// session is the connection of a client, and the one to the server that belongs to it.
type session struct {
	p      *Proxy
	client net.Conn
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	// lossy is set when a fault has swallowed some of what was sent, or a close: the
	// connection cannot go on when that fault ends.
	lossy atomic.Bool

	mu     sync.Mutex
	server net.Conn // nil until it is connected
	ended  bool
}

func newSession(p *Proxy, client net.Conn) *session {
	s := &session{p: p, client: client}
	s.ctx, s.cancel = context.WithCancel(p.ctx)
	return s
}

// run forwards until both directions have ended.
func (s *session) run() {
	defer s.end(false)
	if s.p.state.Load().swallow {
		s.hold()
		return
	}
	var d net.Dialer
	conn, err := d.DialContext(s.ctx, s.p.network, s.p.upstream)
	if err != nil {
		s.end(true) // the client takes its connection to be one to the server
		return
	}
	if !s.connected(conn) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { newLink(s, conn, s.client, down).run() })
	newLink(s, s.client, conn, up).run()
	back.Wait()
}

// connected takes over the connection to the server, unless the session has ended.
func (s *session) connected(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		conn.Close()
		return false
	}
	s.server = conn
	return true
}

// hold keeps a client that came while everything is swallowed, until it leaves or that
// has ended. No connection to the server is made for it.
func (s *session) hold() {
	buf := make([]byte, bufferSize)
	for {
		n, err := s.client.Read(buf)
		s.p.swallowed.Add(int64(n))
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		_ = s.client.SetReadDeadline(time.Time{})
		if !s.p.state.Load().swallow {
			s.end(true)
			return
		}
	}
}

// wake lets reads that wait look at the state.
func (s *session) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.client.SetReadDeadline(time.Unix(1, 0))
	if s.server != nil {
		_ = s.server.SetReadDeadline(time.Unix(1, 0))
	}
}

// end closes both connections; with a reset, the other ends see an error instead of
// the end of the data.
func (s *session) end(reset bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	s.cancel()
	for _, conn := range []net.Conn{s.client, s.server} {
		if conn == nil {
			continue
		}
		if tcp, is := conn.(*net.TCPConn); is && reset {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
}
