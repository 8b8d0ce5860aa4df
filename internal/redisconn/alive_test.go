package redisconn

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// wireTo is a wire on a connection of this process, and its other end. others
// says whether the server answers on other connections.
func wireTo(t *testing.T, others func() bool) (*Wire, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	w := &Wire{Conn: near, Addr: "there"}
	w.In.Src, w.answers = w, others
	return w, far
}

func always() bool     { return true }
func unanswered() bool { return false }
func never() bool      { panic("the server was asked although no answer was overdue") }
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
		{"a stall of 28 seconds", unanswered, 28 * time.Second, nil, 0, 29 * time.Second},
		{"writes held back for nine seconds", always, 9 * time.Second, nil, 0, 10 * time.Second},
		{"a dead connection", always, 0, ErrDead, 10 * time.Second, 4 * beat},
		{"a dead connection of a busy server", seldom(), 0, ErrDead, 10 * time.Second, 6 * beat},
		{"a server that never answers again", unanswered, 0, os.ErrDeadlineExceeded, AnswerTimeout, AnswerTimeout + 4*beat},
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
					} else if err := w.ExpectWithin(0); err != nil {
						t.Fatal(err)
					}
					from := time.Now()
					if c.after > 0 {
						go func() {
							time.Sleep(c.after)
							far.Write([]byte(":1\r\n"))
						}()
					}
					n, err := w.In.Integer()
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
		if n, err := w.In.Integer(); n != 7 || err != nil {
			t.Errorf("the answer is %d, %v, want 7", n, err)
		}
	})
}
