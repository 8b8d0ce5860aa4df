package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// AnswerTimeout bounds the wait for an answer from a server that answers no client,
// beyond the time that the command itself may take. It is long because a stall is
// to be measured; see liveness.
const AnswerTimeout = 30 * time.Second

// Wire is a connection on which this package speaks the protocol itself.
// go-redis dialled it, secured it, logged in and chose the database; it lends
// the connection out of a pool of one and never touches it again until close.
type Wire struct {
	Conn    net.Conn
	In      resp.Reader
	Out     []byte
	Used    time.Time // when the last write began, or the last wait was over
	Addr    string
	options *redis.Options
	client  *redis.Client
	lease   *redis.Conn
	ID      int64         // CLIENT ID, 0 where the server has none
	peer    *redis.Client // for commands to the same node on another connection
	closed  atomic.Bool
	// invalidate is called when the connection is gone. It may be nil.
	invalidate func()
	// Longest is the size of the largest job that was written, for a hint.
	Longest atomic.Int64
	// until is the read deadline that is set; it is moved seldom, since
	// setting one costs more than parsing an answer.
	until time.Time
	liveness
	proof
}

// openWire connects with the given options and takes the connection over.
func openWire(ctx context.Context, base *redis.Options, withID bool) (*Wire, error) {
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
	w := &Wire{Addr: o.Addr, options: base, client: redis.NewClient(&o)}
	w.lease = w.client.Conn()
	if err := CheckReachable(ctx, w.lease); err != nil {
		w.client.Close()
		return nil, Explain("connect to Redis", o.Addr, err)
	}
	if withID {
		id, err := w.lease.ClientID(ctx).Result()
		if err != nil && !Withheld(err) {
			w.client.Close()
			return nil, Explain("ask for the connection's id", o.Addr, err)
		}
		w.ID = id
	}
	w.begin(ungreeted(taken), w.serverAnswers)
	if err := w.Conn.SetDeadline(time.Time{}); err != nil {
		w.client.Close()
		return nil, Explain("connect to Redis", o.Addr, err)
	}
	return w, nil
}

// begin speaks the protocol on conn. answers reports whether the server answers on a
// new connection.
func (w *Wire) begin(conn net.Conn, answers func() bool) {
	w.Conn, w.In.Src, w.Used, w.answers, w.pong = conn, w, time.Now(), answers, make(chan error, 1)
}

// OnConn is a wire on a connection that is open; a test gives its own.
func OnConn(conn net.Conn, answers func() bool) *Wire {
	w := &Wire{Addr: conn.RemoteAddr().String()}
	w.begin(conn, answers)
	return w
}

// NoteSize remembers the size of a job that is written.
func (w *Wire) NoteSize(bytes int) {
	if n := int64(bytes); n > w.Longest.Load() {
		w.Longest.Store(n)
	}
}

// Flush writes what was collected in out. Its error matches [ErrStale] when the
// server has got none of it.
func (w *Wire) Flush() error { return w.Write(w.Ready()) }

// Write writes what was collected in out, unless err says why it cannot.
func (w *Wire) Write(err error) error {
	n := 0
	if err == nil {
		n, err = w.Conn.Write(w.Out)
	}
	if cap(w.Out) > 1<<20 {
		w.Out = nil // one huge payload must not stay with us for ever
	}
	w.Out = w.Out[:0]
	switch {
	case err == nil || IsStale(err):
		return err
	case n == 0 && gone(err) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded):
		return w.stale(err) // the kernel has taken nothing
	}
	return w.Broken(err)
}

// ExpectWithin makes sure that a read looks whether the answer is overdue if nothing
// comes for the given time and a beat more. Often the deadline that is set is
// still good.
func (w *Wire) ExpectWithin(within time.Duration) error {
	now := time.Now()
	w.heard, w.late, w.answered = false, time.Time{}, false
	if now.Add(within + beat).Before(w.until) {
		return nil
	}
	w.until = now.Add(within + 2*beat)
	return w.Broken(w.Conn.SetReadDeadline(w.until))
}

// Broken turns the errors of a closed or silent connection into ours.
func (w *Wire) Broken(err error) error {
	switch {
	case err == nil:
		return nil
	case resp.IsReply(err):
		return err
	case w.closed.Load(), errors.Is(err, net.ErrClosed):
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer from %s in time: %w", w.Address(), err)
	}
	if !gone(err) || errors.Is(err, ErrLost) {
		return err
	}
	if w.invalidate != nil {
		w.invalidate()
	}
	return &lostError{err: err}
}

// Address is the node at the other end.
func (w *Wire) Address() string { return w.Addr }

// Unblock makes the server answer a command that blocks on this connection, as
// if its time were up.
func (w *Wire) Unblock(ctx context.Context) { w.peer.ClientUnblock(ctx, w.ID) }

// Fresh returns a client for single commands to the same node, on a new connection. The
// clients that last give up on a node for a while when it was away: go-redis dials it once
// a second then, and refuses every command in between. The caller closes it.
func (w *Wire) Fresh() *redis.Client {
	o := *w.peer.Options()
	o.PoolSize, o.MinIdleConns = 1, 0
	return redis.NewClient(&o)
}

// Kill makes the server close this connection: CLIENT KILL on another one.
func (w *Wire) Kill(ctx context.Context) error {
	if w.ID == 0 {
		return errors.New("the server does not say which connection is which (CLIENT ID)")
	}
	other := w.Fresh()
	defer other.Close()
	err := other.ClientKillByFilter(ctx, "ID", strconv.FormatInt(w.ID, 10)).Err()
	return Explain("close a connection to", w.Address(), err)
}

// Abort makes a read that waits return at once.
func (w *Wire) Abort() {
	w.Aborted.Store(true)
	_ = w.Conn.SetReadDeadline(time.Unix(1, 0))
}

// Close ends the connection. It may be called while another goroutine reads.
func (w *Wire) Close() error {
	if w.closed.Swap(true) {
		return nil
	}
	err := w.Conn.Close()
	// Handing the lease back lets go-redis see a closed connection and drop it.
	w.lease.Close()
	w.client.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
