package redisconn

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// idleAfter is how long nothing was written before a write first asks
	// whether the other side has closed the connection. Under load it never does.
	idleAfter = 100 * time.Millisecond
	// beat is how long a read waits before it looks whether an answer is overdue.
	beat = 5 * time.Second
	// pingAfter is how long a subscription is silent, at least, before it sends a
	// PING; at most twice that. Idle limits of proxies start at about a second.
	pingAfter = 500 * time.Millisecond
	// secondOpinion bounds the question on another connection.
	secondOpinion = 2 * time.Second
)

// ErrHungUp is why a connection without a command under way is not used again.
var ErrHungUp = errors.New("the connection was closed while it was idle")

// ErrDead is that of a connection that takes bytes and delivers none.
var ErrDead = errors.New("the server answers on other connections, and not on this one: it is dead")

// liveness tells a dead connection from a silent one and from a server that stalls.
// Silence alone says nothing, so an answer must be owed: to a command, or to the
// PING of a subscription. When one is overdue by a beat, the server is asked for
// a PING on a new connection. If that is answered, and this connection is silent
// for one more beat, it is dead. If not, the server stalls, which is something to
// measure, and answerTimeout decides. So no stall, however long, makes the server
// look as if it had dropped one connection, and a dead connection is found within
// four beats. CLIENT PAUSE WRITE and a manual failover hold back writes and answer
// PING for some seconds: that is why there is the second beat.
//
// What is not atomic belongs to the goroutine that reads.
type liveness struct {
	// owes reports whether an answer is due; nil means that it always is while
	// somebody reads.
	owes func() bool
	// sound sends something into silence that is answered, such as PING. It is
	// nil where silence with nothing owed needs no proof.
	sound func() error
	// quiet is how long a read with nothing owed waits before sound.
	quiet time.Duration

	// answers reports whether the server answers on a new connection.
	answers func() bool

	heard    bool      // since the last look
	waited   bool      // an answer was owed at the last look
	late     time.Time // since when an answer is overdue, as far as we looked
	answered bool      // the server answered on another connection meanwhile
	// Aborted makes the next read that waits return.
	Aborted atomic.Bool
}

// Read reads from the connection for the parser, which never sees the looks.
func (w *Wire) Read(b []byte) (int, error) {
	for {
		n, err := w.Conn.Read(b)
		if n > 0 {
			w.heard = true
			return n, err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || w.bounded || w.Aborted.Load() {
			return 0, err
		}
		next, err := w.look(time.Now())
		if err != nil {
			return 0, err
		}
		if err := w.lookIn(next); err != nil {
			return 0, err
		}
	}
}

// lookIn makes a read that waits look again after d.
func (w *Wire) lookIn(d time.Duration) error {
	w.until = time.Now().Add(d)
	if err := w.Conn.SetReadDeadline(w.until); err != nil {
		return err
	}
	if w.Aborted.Load() { // and that deadline took the place of abort's
		return os.ErrDeadlineExceeded
	}
	return nil
}

// ExpectAnswers makes reads look whether an answer is overdue while owes reports
// that one is due.
func (w *Wire) ExpectAnswers(owes func() bool) error {
	w.owes = owes
	return w.lookIn(beat)
}

// ExpectSilence is for a connection on which nothing may come for a long time: ping
// sends a PING into the silence, and pinged reports whether its answer is due.
func (w *Wire) ExpectSilence(pinged func() bool, ping func() error) error {
	w.owes, w.sound, w.quiet = pinged, ping, pingAfter
	return w.lookIn(pingAfter)
}

// RestartSilence makes the silence before the next PING begin now.
func (w *Wire) RestartSilence() error { return w.lookIn(w.quiet) }

// look is called when nothing came until the deadline. It returns when to look
// again, or the error that ends the read.
func (w *Wire) look(now time.Time) (next time.Duration, err error) {
	heard := w.heard
	w.heard = false
	if heard || w.owes != nil && !w.owes() {
		w.waited, w.late, w.answered = false, time.Time{}, false
		if w.sound == nil {
			return beat, nil
		}
		if heard {
			return w.quiet, nil
		}
		if err := w.sound(); err != nil {
			return 0, err
		}
		w.waited = true
		return beat, nil
	}
	if w.owes != nil && !w.waited {
		w.waited = true // it may have been asked for just now
		return beat, nil
	}
	if w.late.IsZero() {
		w.late = now
	}
	switch {
	case w.answered:
		return 0, ErrDead
	case now.Sub(w.late) >= AnswerTimeout:
		return 0, os.ErrDeadlineExceeded
	}
	w.answered = w.answers()
	return beat, nil
}

// serverAnswers reports whether the server answers on a new connection.
func (w *Wire) serverAnswers() bool {
	o := *w.options
	o.PoolSize, o.MinIdleConns = 1, 0
	other := redis.NewClient(&o)
	defer other.Close()
	ctx, cancel := context.WithTimeout(context.Background(), secondOpinion)
	defer cancel()
	return CheckReachable(ctx, other) == nil
}

// Ready reports, as an error that matches [ErrStale], that the connection was
// closed since it was last used, or has died. Right after a use it is not asked
// for.
func (w *Wire) Ready() error { return w.readyAfter(restedAfter) }

// readyAfter is ready, and proves a connection that was idle for so long.
func (w *Wire) readyAfter(rest time.Duration) error {
	now := time.Now()
	idle := now.Sub(w.Used)
	if idle > idleAfter && PeerClosed(w.Conn) {
		return w.stale(ErrHungUp)
	}
	w.Used = now
	if w.Proves && idle > rest {
		return w.prove()
	}
	return nil
}

// stale is the error of a connection that is gone and has taken nothing of what
// was to be sent.
func (w *Wire) stale(err error) error {
	if w.closed.Load() {
		return ErrClosed
	}
	if w.invalidate != nil {
		w.invalidate()
	}
	return &lostError{err: err, stale: true}
}
