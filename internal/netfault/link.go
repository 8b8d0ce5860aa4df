package netfault

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// bufferSize is how much a link reads at once. Each connection has two buffers.
const bufferSize = 16 << 10

// link forwards one direction of a session.
type link struct {
	s         *session
	from, to  net.Conn
	direction int
	delivered *atomic.Int64
	state     *state // that chain is of
	chain     *chain // nil while data goes straight through
}

func newLink(s *session, from, to net.Conn, direction int) *link {
	return &link{s: s, from: from, to: to, direction: direction, delivered: &s.p.delivered[direction]}
}

// run forwards until no more can come. On return everything that the link started has
// ended.
func (l *link) run() {
	defer l.dissolve()
	buf := make([]byte, bufferSize)
	for {
		n, err := l.from.Read(buf)
		if n > 0 && !l.pass(buf[:n]) {
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			// Woken up: the state is read after the deadline is gone, so that no change
			// of it is missed.
			_ = l.from.SetReadDeadline(time.Time{})
			if !l.adopt() {
				return
			}
		default:
			l.finish(err == io.EOF)
			return
		}
	}
}

// adopt brings the link into the state of the proxy, and reports whether it goes on.
func (l *link) adopt() bool {
	now := l.s.p.state.Load()
	if now == l.state {
		return true
	}
	l.dissolve()
	l.state = now
	if now.closed || !now.swallow && l.s.lossy.Load() {
		l.s.end(!now.closed)
		return false
	}
	l.chain = newChain(now, l.direction, l.deliver)
	return true
}

// pass hands data on, and reports whether the link goes on.
func (l *link) pass(data []byte) bool {
	var arrived time.Time
	for {
		if !l.adopt() {
			return false
		}
		if l.chain == nil {
			return l.deliver(data)
		}
		if arrived.IsZero() {
			arrived = time.Now()
		}
		piece := l.chain.piece(data)
		select {
		case l.chain.in <- chunk(piece, arrived):
			if l.state.swallow {
				l.lose(len(piece))
			}
			if data = data[len(piece):]; len(data) == 0 {
				return true
			}
		case <-l.state.changed:
		}
	}
}

// lose notes that data, or the end of it, is not delivered.
func (l *link) lose(bytes int) {
	l.s.lossy.Store(true)
	l.s.p.swallowed.Add(int64(bytes))
}

// deliver writes to the other end, and reports whether that is there.
func (l *link) deliver(data []byte) bool {
	l.delivered.Add(int64(len(data))) // first, so that no answer comes before it is counted
	n, err := l.to.Write(data)
	if err != nil {
		l.delivered.Add(int64(n - len(data)))
		l.s.end(true)
	}
	return err == nil
}

// finish lets the other end know that no more comes, after what is under way. clean says
// that this end closed the connection, and did not break it.
func (l *link) finish(clean bool) {
	for l.adopt() {
		switch {
		case l.state.swallow:
			l.lose(0)
			select {
			case <-l.state.changed:
			case <-l.s.ctx.Done():
				return
			}
		case !clean:
			l.s.end(true)
			return
		case l.chain == nil:
			if c, is := l.to.(interface{ CloseWrite() error }); is {
				_ = c.CloseWrite()
			}
			return
		default:
			l.chain.close()
			select {
			case <-l.chain.done:
				l.chain = nil
			case <-l.state.changed:
			case <-l.s.ctx.Done():
				return
			}
		}
	}
}

// dissolve delivers at once what is under way.
func (l *link) dissolve() {
	if l.chain != nil {
		l.chain.dissolve()
		l.chain = nil
	}
}
