package jobqueue

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// pipe is a wire on a connection of this process, and its other end. others reports
// whether the server answers on other connections.
func pipe(t *testing.T, others func() bool) (*redisconn.Wire, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	return redisconn.OnConn(near, others), far
}

func answering() bool { return true }
func stalled() bool   { return false }
func unasked() bool   { panic("the server was asked although no answer was overdue") }

// subscribed is a subscriber on a wire, and a server that gives each command it
// gets to serve.
func subscribed(t *testing.T, w *redisconn.Wire, far net.Conn, serve func(command string)) *subscriber {
	t.Helper()
	s := &subscriber{w: w, channel: "c", verbs: plain, names: []string{"c"}, open: 1, pings: new(atomic.Int64)}
	if err := w.ExpectSilence(func() bool { return s.pinged }, s.ping); err != nil {
		t.Fatal(err)
	}
	go func() {
		in := bufio.NewReader(far)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if word := strings.TrimSpace(line); word == "PING" || word == "UNSUBSCRIBE" {
				serve(word)
			}
		}
	}()
	return s
}

const aMessage = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n"

func TestASilentSubscriptionProvesThatItIsAlive(t *testing.T) {
	t.Parallel()
	for name, pong := range map[string]string{
		"version 2":              "*2\r\n$4\r\npong\r\n$0\r\n\r\n",
		"version 3":              "+PONG\r\n",
		"no PING allowed":        "-ERR only (P)SUBSCRIBE / (P)UNSUBSCRIBE / QUIT allowed in this context\r\n",
		"a pong before messages": "*2\r\n$4\r\npong\r\n$0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, far := pipe(t, unasked)
				pings := 0
				s := subscribed(t, w, far, func(string) {
					pings++
					time.Sleep(3 * time.Second) // a server that is slow is not dead
					far.Write([]byte(pong))
				})
				go func() {
					time.Sleep(10 * time.Minute)
					far.Write([]byte(aMessage))
				}()
				m, err := s.Receive(t.Context())
				if string(m) != "hello" || err != nil {
					t.Fatalf("Receive = %q, %v", m, err)
				}
				if refused := strings.HasPrefix(pong, "-"); refused && pings != 1 || !refused && pings < 100 {
					t.Errorf("%d PINGs were sent", pings)
				}
			})
		})
	}
}

func TestASubscriptionThatHearsMessagesSendsNoPing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, far := pipe(t, unasked)
		s := subscribed(t, w, far, func(word string) { t.Errorf("%s was sent", word) })
		go func() {
			for range 100 {
				time.Sleep(250 * time.Millisecond)
				far.Write([]byte(aMessage))
			}
		}()
		for range 100 {
			if _, err := s.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.Conn.Close()
	})
}

func TestADeadSubscriptionIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, far := pipe(t, answering)
		s := subscribed(t, w, far, func(string) {})
		from := time.Now()
		if m, err := s.Receive(t.Context()); !errors.Is(err, ErrLost) || !errors.Is(err, redisconn.ErrDead) {
			t.Errorf("Receive = %q, %v, want ErrLost", m, err)
		}
		if took := time.Since(from); took > 20*time.Second {
			t.Errorf("that took %s", took)
		}
	})
}

// The end of a context is no loss, and what comes after it is heard.
func TestAReceiveThatWasGivenUpLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, far := pipe(t, unasked)
		s := subscribed(t, w, far, func(string) { far.Write([]byte("+PONG\r\n")) })
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 333*time.Millisecond)
			if m, err := s.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Receive = %q, %v, want the context's end", m, err)
			}
			cancel()
		}
		go far.Write([]byte(aMessage))
		if m, err := s.Receive(t.Context()); string(m) != "hello" || err != nil {
			t.Errorf("Receive = %q, %v", m, err)
		}
	})
}
