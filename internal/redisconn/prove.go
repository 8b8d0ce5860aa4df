package redisconn

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/resp"
)

const (
	// provesAfter is how long a connection must have been idle before a proof sends a
	// PING, and restedAfter how long before a command that was not preceded by a
	// proof. Idle limits of proxies start at about two seconds.
	provesAfter = 300 * time.Millisecond
	restedAfter = 1500 * time.Millisecond
	// pongWithin is how long the answer to that PING is waited for before the
	// server is asked on another connection, and pongGrace how long after that.
	pongWithin = 750 * time.Millisecond
	pongGrace  = 250 * time.Millisecond
)

// proof is the PING that shows that an idle connection is alive before a command
// is put on it: a proxy or a firewall may have dropped the connection without a
// word. A connection that turns out dead has taken nothing but that PING.
type proof struct {
	// Proves says that idle connections are proved; the server has PING.
	Proves bool
	// Reading is held by the goroutine that reads answers.
	Reading sync.Mutex
	// PongDue says that the next answer is that to a PING.
	PongDue atomic.Bool
	// pong brings it from the goroutine that reads, or why it read none.
	pong chan error
	// bounded makes a read return at its deadline; it belongs to who reads.
	bounded bool
}

const PingCommand = "*1\r\n$4\r\nPING\r\n"

// prove asks for a PONG when nothing else is owed.
func (w *Wire) prove() error {
	if w.PongDue.Load() || w.owes != nil && w.owes() {
		return nil
	}
	select {
	case <-w.pong: // of an earlier one that came too late
	default:
	}
	w.PongDue.Store(true)
	if _, err := w.Conn.Write([]byte(PingCommand)); err != nil {
		return w.stale(ErrHungUp)
	}
	for _, patience := range []time.Duration{pongWithin, pongGrace} {
		switch err := w.pongIn(patience); {
		case err == nil:
			return nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return w.stale(ErrHungUp)
		}
		if patience == pongWithin && !w.answers() {
			// The server stalls, which is something to measure. Its PONG will
			// come before the answer to what is written next.
			return nil
		}
	}
	return w.stale(ErrDead)
}

// pongIn waits for the PONG that is due. Its error matches
// [os.ErrDeadlineExceeded] when it does not come in time.
func (w *Wire) pongIn(d time.Duration) error {
	if !w.Reading.TryLock() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case err := <-w.pong:
			return err
		case <-timer.C:
			return os.ErrDeadlineExceeded
		}
	}
	defer w.Reading.Unlock()
	if !w.PongDue.Load() {
		return nil // the other goroutine has read it
	}
	w.until, w.bounded = time.Now().Add(d), true
	defer func() { w.bounded = false }()
	if err := w.Conn.SetReadDeadline(w.until); err != nil {
		return err
	}
	err := w.readPong()
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		err = errors.Join(err, w.lookIn(beat))
	}
	return err
}

// readPong reads the answer to a PING. A refusal is one, too.
func (w *Wire) readPong() error {
	if _, _, err := w.In.Head(); err != nil && !resp.IsReply(err) {
		return err
	}
	w.PongDue.Store(false)
	return nil
}

// ProveIdle sends a PING if the connection was idle for a moment.
func (w *Wire) ProveIdle() error { return w.readyAfter(provesAfter) }

// Next waits for the answer to a command, and takes that to a PING which comes
// before it.
func (w *Wire) Next() error {
	for {
		err := w.In.Await()
		if !w.PongDue.Load() {
			return err
		}
		if err == nil {
			err = w.readPong()
		}
		select {
		case w.pong <- err:
		default: // the wait for it is over
		}
		if err != nil {
			return err
		}
	}
}
