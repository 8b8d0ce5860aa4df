package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// answerTimeout bounds the wait for an answer that a server owes us which does
// not answer anybody, beyond the time that the command itself may take. It is
// long, because a stall is something to measure and not to run away from; see
// alive.
const answerTimeout = 30 * time.Second

// wire is a connection on which this package speaks the protocol itself.
// go-redis dialled it, secured it, logged in and chose the database; it lends
// the connection out of a pool of one and never touches it again until close.
type wire struct {
	conn    net.Conn
	in      reader
	out     []byte
	used    time.Time // when the last write began, or the last wait was over
	addr    string
	options *redis.Options
	client  *redis.Client
	lease   *redis.Conn
	id      int64         // CLIENT ID, 0 where the server has none
	node    *redis.Client // for commands beside this connection, to the same node
	closed  atomic.Bool
	// strayed is told that the connection is gone. It may be nil.
	strayed func()
	// longest is the size of the largest job that was written, for a hint.
	longest atomic.Int64
	// until is the read deadline that is set; it is moved seldom, since
	// setting one costs more than parsing an answer.
	until time.Time
	alive
	proof
}

// openWire connects with the given options and takes the connection over.
func openWire(ctx context.Context, base *redis.Options, withID bool) (*wire, error) {
	o := *base
	o.PoolSize, o.MinIdleConns, o.MaxActiveConns = 1, 0, 1
	var taken net.Conn
	dial := o.Dialer
	if dial == nil {
		dial = redis.NewDialer(&o)
	}
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		taken = c
		return c, err
	}
	w := &wire{addr: o.Addr, options: base, client: redis.NewClient(&o)}
	w.lease = w.client.Conn()
	if err := answers(ctx, w.lease); err != nil {
		w.client.Close()
		return nil, explain("connect", o.Addr, err)
	}
	if withID {
		id, err := w.lease.ClientID(ctx).Result()
		if err != nil && !Withheld(err) {
			w.client.Close()
			return nil, explain("ask for the connection's id", o.Addr, err)
		}
		w.id = id
	}
	w.begin(ungreeted(taken), w.serverAnswers)
	if err := w.conn.SetDeadline(time.Time{}); err != nil {
		w.client.Close()
		return nil, explain("connect", o.Addr, err)
	}
	return w, nil
}

// begin speaks the protocol on conn. answers reports whether the server answers on a
// new connection.
func (w *wire) begin(conn net.Conn, answers func() bool) {
	w.conn, w.in.src, w.used, w.answers, w.pong = conn, w, time.Now(), answers, make(chan error, 1)
}

// onConn is a wire on a connection that is open; a test gives its own.
func onConn(conn net.Conn, answers func() bool) *wire {
	w := &wire{addr: conn.RemoteAddr().String()}
	w.begin(conn, answers)
	return w
}

// noteSize remembers the size of a job that is written.
func (w *wire) noteSize(bytes int) {
	if n := int64(bytes); n > w.longest.Load() {
		w.longest.Store(n)
	}
}

// flush writes what was collected in out. Its error matches [ErrStale] when the
// server has got none of it.
func (w *wire) flush() error { return w.write(w.ready()) }

// write writes what was collected in out, unless err says why it cannot.
func (w *wire) write(err error) error {
	n := 0
	if err == nil {
		n, err = w.conn.Write(w.out)
	}
	if cap(w.out) > 1<<20 {
		w.out = nil // one huge payload must not stay with us for ever
	}
	w.out = w.out[:0]
	switch {
	case err == nil || isStale(err):
		return err
	case n == 0 && gone(err) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded):
		return w.stale(err) // the kernel has taken nothing
	}
	return w.broken(err)
}

// expect makes sure that a read looks whether the answer is overdue if nothing
// comes for the given time and a beat more. Often the deadline that is set is
// still good.
func (w *wire) expect(within time.Duration) error {
	now := time.Now()
	w.heard, w.late, w.answered = false, time.Time{}, false
	if now.Add(within + beat).Before(w.until) {
		return nil
	}
	w.until = now.Add(within + 2*beat)
	return w.broken(w.conn.SetReadDeadline(w.until))
}

// broken turns the errors of a closed or silent connection into ours.
func (w *wire) broken(err error) error {
	switch {
	case err == nil:
		return nil
	case isReply(err):
		return err
	case w.closed.Load(), errors.Is(err, net.ErrClosed):
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer from %s in time: %w", w.address(), err)
	}
	if !gone(err) || errors.Is(err, ErrLost) {
		return err
	}
	if w.strayed != nil {
		w.strayed()
	}
	return &lostError{err: err}
}

// address is the node at the other end.
func (w *wire) address() string { return w.addr }

// unblock makes the server answer a command that blocks on this connection, as
// if its time were up.
func (w *wire) unblock(ctx context.Context) { w.node.ClientUnblock(ctx, w.id) }

// abort makes a read that waits return at once.
func (w *wire) abort() {
	w.aborted.Store(true)
	_ = w.conn.SetReadDeadline(time.Unix(1, 0))
}

// close ends the connection. It may be called while another goroutine reads.
func (w *wire) close() error {
	if w.closed.Swap(true) {
		return nil
	}
	err := w.conn.Close()
	// Handing the lease back lets go-redis see a closed connection and drop it.
	w.lease.Close()
	w.client.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
