package redisconn

import (
	"bytes"
	"context"
	"net"
	"syscall"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// dialer is how go-redis connects.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// greeting makes a dialer whose connections keep HELLO from servers that need none.
// go-redis begins each connection with it. Only version 3 of the protocol needs
// it; servers before Redis 6 do not know it, and some proxies close the connection
// on it. Where it is kept back, or is answered by closing, go-redis is given the
// answer of a server that does not know it: it logs in by AUTH and speaks version
// 2. refused gets the reason why HELLO failed.
func greeting(dial dialer, protocol int, refused func(error)) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		g := &greeter{Conn: conn, keep: protocol != 3, refused: refused,
			// The context may end with the dialling.
			redial: func() (net.Conn, error) { return dial(context.WithoutCancel(ctx), network, addr) }}
		if _, ok := conn.(syscall.Conn); ok {
			return &rawGreeter{g}, nil
		}
		return g, nil
	}
}

// greeter is a connection that looks at the first command and its answer.
type greeter struct {
	net.Conn
	redial  func() (net.Conn, error)
	refused func(error)
	keep    bool   // HELLO is not sent
	greeted bool   // the first command was written
	asked   bool   // HELLO was sent, and its answer is due
	answer  []byte // to be read before what the server sends
}

// rawGreeter is one that go-redis can ask whether it is still open.
type rawGreeter struct{ *greeter }

// SyscallConn is for go-redis' look at whether the other end has closed it.
func (g *rawGreeter) SyscallConn() (syscall.RawConn, error) {
	return g.greeter.Conn.(syscall.Conn).SyscallConn()
}

// unknownHello is the answer of a server without HELLO.
const unknownHello = "-ERR unknown command 'HELLO'\r\n"

func (g *greeter) Write(b []byte) (int, error) {
	if g.greeted {
		return g.Conn.Write(b)
	}
	g.greeted = true
	if !bytes.Contains(bytes.ToUpper(b[:min(len(b), 32)]), []byte("\r\nHELLO\r\n")) {
		return g.Conn.Write(b)
	}
	if g.keep {
		g.answer = []byte(unknownHello)
		return len(b), nil
	}
	g.asked = true
	return g.Conn.Write(b)
}

func (g *greeter) Read(b []byte) (int, error) {
	if len(g.answer) > 0 {
		n := copy(b, g.answer)
		g.answer = g.answer[n:]
		return n, nil
	}
	n, err := g.Conn.Read(b)
	if !g.asked {
		return n, err
	}
	g.asked = false
	if n > 0 || !HungUp(err) {
		if n > 0 && b[0] == '-' {
			if said := (&resp.ReplyError{Text: string(bytes.TrimSpace(b[1:n]))}); Withheld(said) {
				g.refused(said)
			}
		}
		return n, err
	}
	again, redialed := g.redial()
	if redialed != nil {
		return n, err
	}
	g.refused(err)
	g.Conn.Close()
	g.Conn, g.answer = again, []byte(unknownHello)
	return g.Read(b)
}

// ungreeted is the connection itself, once it is greeted.
func ungreeted(conn net.Conn) net.Conn {
	switch g := conn.(type) {
	case *greeter:
		return g.Conn
	case *rawGreeter:
		return g.greeter.Conn
	}
	return conn
}
