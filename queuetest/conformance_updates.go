package queuetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

func fanOut(t *testing.T, b jobqueue.Backend) {
	const subscribers, messages = 3, 100
	c := consumerOf(t, b)
	var subs []jobqueue.Subscriber
	for range subscribers {
		subs = append(subs, subscriberOf(t, b))
	}
	for i := range messages {
		n, err := c.Publish(ctxFor(t), fmt.Appendf(nil, "m%d", i))
		if err != nil || n != subscribers {
			t.Fatalf("Publish = %d, %v; want %d receivers", n, err, subscribers)
		}
	}
	for _, s := range subs {
		for i := range messages {
			m, err := s.Receive(ctxFor(t))
			if err != nil || string(m) != fmt.Sprintf("m%d", i) {
				t.Fatalf("Receive = %q, %v; want m%d", m, err, i)
			}
		}
	}
}

func subscribed(t *testing.T, b jobqueue.Backend) {
	c := consumerOf(t, b)
	for range 20 {
		s := subscriberOf(t, b)
		if n, err := c.Publish(ctxFor(t), []byte("now")); err != nil || n != 1 {
			t.Fatalf("Publish right after OpenSubscriber = %d, %v; want 1 receiver", n, err)
		}
		if m, err := s.Receive(ctxFor(t)); err != nil || string(m) != "now" {
			t.Fatalf("Receive = %q, %v", m, err)
		}
		s.Close()
	}
}

func unsubscribe(t *testing.T, b jobqueue.Backend) {
	c, s := consumerOf(t, b), subscriberOf(t, b)
	endsAt(t, "Receive of what is closed", func() { s.Close() }, jobqueue.ErrClosed, func() error {
		_, err := s.Receive(ctxFor(t))
		return err
	})
	if err := s.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
	if n, err := c.Publish(ctxFor(t), []byte("late")); err != nil || n != 0 {
		t.Fatalf("Publish after Close = %d, %v; want no receiver", n, err)
	}
	if _, err := s.Receive(ctxFor(t)); !errors.Is(err, jobqueue.ErrClosed) {
		t.Fatalf("Receive after Close = %v", err)
	}
}

func cancelReceive(t *testing.T, b jobqueue.Backend) {
	s := subscriberOf(t, b)
	ctx, cancel := context.WithCancel(ctxFor(t))
	endsAt(t, "Receive whose context ends", cancel, context.Canceled, func() error {
		_, err := s.Receive(ctx)
		return err
	})
}

func binary(t *testing.T, b jobqueue.Backend) {
	p, c, s := producerOf(t, b), consumerOf(t, b), subscriberOf(t, b)
	for _, want := range [][]byte{
		{}, []byte("\r\n"), []byte("$5\r\nhello\r\n"), {0, 255, 10, 13, 0},
		bytes.Repeat([]byte("0123456789abcdef"), 20_000),
	} {
		if err := p.Push(ctxFor(t), want); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Pop(ctxFor(t), 1, time.Second); err != nil || len(got) != 1 || !bytes.Equal(got[0], want) {
			t.Fatalf("popped %.40q, %v; want %.40q", got, err, want)
		}
		if _, err := c.Publish(ctxFor(t), want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Receive(ctxFor(t)); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("received %.40q, %v; want %.40q", got, err, want)
		}
	}
}

func slow(t *testing.T, b jobqueue.Backend) {
	const messages = 5_000 // far more than any buffer of a client library
	c, s := consumerOf(t, b), subscriberOf(t, b)
	for i := range messages {
		if _, err := c.Publish(ctxFor(t), fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range messages {
		if m, err := s.Receive(ctxFor(t)); err != nil || string(m) != fmt.Sprint(i) {
			t.Fatalf("Receive %d = %q, %v", i, m, err)
		}
	}
}
