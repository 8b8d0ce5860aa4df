package jobqueue

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// wireTo is a wire on a connection of this process, and its other end. others
// says whether the server answers on other connections.
func wireTo(t *testing.T, others func() bool) (*wire, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	w := &wire{conn: near, addr: "there"}
	w.in.src, w.answers = w, others
	return w, far
}

func always() bool  { return true }
func nobodys() bool { return false }
func never() bool   { panic("the server was asked although no answer was overdue") }
func seldom() func() bool {
	var n atomic.Int64
	return func() bool { return n.Add(1)%2 == 0 }
}

func TestADeadConnectionIsToldFromAServerThatStalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		others func() bool
		after  time.Duration // until the answer comes, 0 for never
		err    error
		least  time.Duration // before it may be given up
		most   time.Duration
	}{
		{"an answer at once", never, time.Millisecond, nil, 0, time.Second},
		{"a stall of three seconds", never, 3 * time.Second, nil, 0, 4 * time.Second},
		{"a stall of 28 seconds", nobodys, 28 * time.Second, nil, 0, 29 * time.Second},
		{"writes held back for nine seconds", always, 9 * time.Second, nil, 0, 10 * time.Second},
		{"a dead connection", always, 0, errDead, 10 * time.Second, 4 * beat},
		{"a dead connection of a busy server", seldom(), 0, errDead, 10 * time.Second, 6 * beat},
		{"a server that never answers again", nobodys, 0, os.ErrDeadlineExceeded, answerTimeout, answerTimeout + 4*beat},
	} {
		for _, pipelined := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, far := wireTo(t, c.others)
					if pipelined {
						w.owes = func() bool { return true }
						if err := w.lookIn(beat); err != nil {
							t.Fatal(err)
						}
					} else if err := w.expect(0); err != nil {
						t.Fatal(err)
					}
					from := time.Now()
					if c.after > 0 {
						go func() {
							time.Sleep(c.after)
							far.Write([]byte(":1\r\n"))
						}()
					}
					n, err := w.in.integer()
					took := time.Since(from)
					if !errors.Is(err, c.err) || c.err == nil && (err != nil || n != 1) {
						t.Errorf("pipelined %t: %d, %v after %s, want %v", pipelined, n, err, took, c.err)
					}
					if took < c.least || took > c.most {
						t.Errorf("pipelined %t: that took %s, want %s to %s", pipelined, took, c.least, c.most)
					}
				})
			})
		}
	}
}

func TestAConnectionThatOwesNothingMayBeSilentForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, far := wireTo(t, never)
		var owed atomic.Bool
		w.owes = owed.Load
		if err := w.lookIn(beat); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Hour)
			owed.Store(true) // sent right before a look: that is not overdue yet
			time.Sleep(time.Second)
			far.Write([]byte(":7\r\n"))
		}()
		if n, err := w.in.integer(); n != 7 || err != nil {
			t.Errorf("the answer is %d, %v, want 7", n, err)
		}
	})
}

// subscribed is a subscriber on a wire, and a server that gives each command it
// gets to serve.
func subscribed(t *testing.T, w *wire, far net.Conn, serve func(command string)) *subscriber {
	t.Helper()
	s := &subscriber{w: w, channel: "c", verbs: plain, names: []string{"c"}, open: 1, pings: new(atomic.Int64)}
	w.owes, w.sound, w.quiet = func() bool { return s.pinged }, s.ping, pingAfter
	if err := w.lookIn(pingAfter); err != nil {
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
				w, far := wireTo(t, never)
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
		w, far := wireTo(t, never)
		s := subscribed(t, w, far, func(word string) { t.Errorf("%s was sent", word) })
		go func() {
			for range 100 {
				time.Sleep(pingAfter / 2)
				far.Write([]byte(aMessage))
			}
		}()
		for range 100 {
			if _, err := s.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.conn.Close()
	})
}

func TestADeadSubscriptionIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, far := wireTo(t, always)
		s := subscribed(t, w, far, func(string) {})
		from := time.Now()
		if m, err := s.Receive(t.Context()); !errors.Is(err, ErrLost) || !errors.Is(err, errDead) {
			t.Errorf("Receive = %q, %v, want ErrLost", m, err)
		}
		if took := time.Since(from); took > 4*beat {
			t.Errorf("that took %s", took)
		}
	})
}

// The end of a context is no loss, and what comes after it is heard.
func TestAReceiveThatWasGivenUpLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, far := wireTo(t, never)
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
