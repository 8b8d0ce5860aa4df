package jobqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// connect returns a client with unique names on the server, and checks at
// the end that it leaves no key behind.
func connect(tb testing.TB, s *redisserver.Server) *jobqueue.Client {
	tb.Helper()
	queue, channel := runname.Of(fmt.Sprint("test", serial.Add(1)))
	c, err := jobqueue.Connect(tb.Context(), jobqueue.Config{URL: s.URL(), Queue: queue, Channel: channel})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

var serial atomic.Int64

func TestConformanceOnRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return connect(tb, s) })
}

func TestConformanceOnTheEmbeddedServer(t *testing.T) {
	t.Parallel()
	s := redistest.Embedded(t)
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return connect(tb, s) })
}

func TestAReceiveThatWasCancelledLosesNothing(t *testing.T) {
	t.Parallel()
	b := connect(t, redistest.Process(t))
	const messages = 200
	c, err := b.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := b.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var publishing sync.WaitGroup
	defer publishing.Wait() // the last answer may come after its message
	publishing.Go(func() {
		long := bytes.Repeat([]byte("x"), 30_000) // seldom arrives in one piece
		for i := range messages {
			if _, err := c.Publish(t.Context(), fmt.Appendf(nil, "%d %s", i, long)); err != nil {
				t.Errorf("Publish = %v", err)
				return
			}
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for i := 0; i < messages; {
		if time.Now().After(deadline) {
			t.Fatalf("message %d never came", i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%3)*200*time.Microsecond)
		m, err := s.Receive(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
			m, err = s.Receive(ctx)
			cancel()
		}
		if err != nil || !bytes.HasPrefix(m, fmt.Appendf(nil, "%d ", i)) {
			t.Fatalf("Receive = %.20q, %v; want message %d", m, err, i)
		}
		i++
	}
}

func TestOneContextsEndDoesNotEndAPopUnderTheNext(t *testing.T) {
	t.Parallel()
	b := connect(t, redistest.Process(t))
	c, err := b.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 20 {
		short, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if _, err := c.Pop(short, 1, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Pop = %v", err)
		}
		cancel()
	}
	// Longer than the waitContext with a server that does not unblock.
	next, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := c.Pop(next, 1, 2500*time.Millisecond); !errors.Is(err, jobqueue.ErrEmpty) {
		t.Fatalf("the Pop after them = %v, want ErrEmpty after its whole wait", err)
	}
	if err := b.Push(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if jobs, err := c.Pop(next, 1, time.Second); err != nil || string(jobs[0]) != "kept" {
		t.Fatalf("Pop = %q, %v", jobs, err)
	}
}
