package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// subscriber receives on a connection of its own, which runs no other command.
// It reads from the socket itself: there is no buffer between it and the caller
// that could fill up and drop a message.
type subscriber struct {
	w       *wire
	channel string
	reading sync.Mutex // held by whoever reads
	ending  atomic.Bool
	ended   bool // the server confirmed the end; guarded by reading
	watched context.Context
	release func() bool
}

var _ Subscriber = (*subscriber)(nil)

// OpenSubscriber returns a subscriber on a connection of its own, after the
// server has confirmed the subscription.
func (c *Client) OpenSubscriber(ctx context.Context) (Subscriber, error) {
	w, err := openWire(ctx, c.options, false)
	if err != nil {
		return nil, err
	}
	s := &subscriber{w: w, channel: c.channel}
	w.out = appendCommand(w.out, "SUBSCRIBE", c.channel)
	err = w.flush()
	if err == nil {
		err = w.expect(0)
	}
	if err == nil {
		_, err = s.frame("subscribe")
	}
	if err == nil {
		// From here on silence is normal.
		w.until = time.Time{}
		err = w.conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		w.close()
		return nil, explainOn("subscribe to", c.channel, c.options.Addr, err)
	}
	return s, nil
}

// frame reads one frame. It returns the payload of a message, or nil when the
// frame is the confirmation that was awaited.
func (s *subscriber) frame(awaited string) ([]byte, error) {
	n, err := s.w.in.array()
	if err != nil {
		return nil, err
	}
	if n != 3 {
		return nil, protocolError("a frame of %d on a subscription", n)
	}
	kind, err := s.w.in.bulk()
	if err != nil {
		return nil, err
	}
	message := string(kind) == "message"
	if !message && string(kind) != awaited {
		return nil, protocolError("%.20q on a subscription", kind)
	}
	if _, err := s.w.in.bulk(); err != nil { // the channel's name
		return nil, err
	}
	if message {
		return s.w.in.bulk()
	}
	_, err = s.w.in.integer()
	return nil, err
}

// Receive waits for the next message.
func (s *subscriber) Receive(ctx context.Context) ([]byte, error) {
	s.watch(ctx)
	s.reading.Lock()
	defer s.reading.Unlock()
	for {
		if s.ended {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil && !s.ending.Load() {
			return nil, err
		}
		s.w.in.hold()
		message, err := s.frame("unsubscribe")
		if errors.Is(err, os.ErrDeadlineExceeded) && !s.ending.Load() {
			// A context has ended, this one or one before it. The frame that
			// was begun stays, and is read again with the next call.
			s.w.in.rewind()
			if err := s.w.conn.SetReadDeadline(time.Time{}); err != nil {
				return nil, s.w.broken(err)
			}
			continue
		}
		s.w.in.release()
		switch {
		case err != nil && s.ending.Load():
			return nil, ErrClosed
		case err != nil:
			return nil, explainOn("receive from", s.channel, s.w.client.Options().Addr, s.w.broken(err))
		case message == nil:
			s.ended = true
		case !s.ending.Load():
			return message, nil
		}
	}
}

// watch arranges that the end of ctx makes a Receive that waits return.
func (s *subscriber) watch(ctx context.Context) {
	if ctx == s.watched {
		return
	}
	if s.release != nil {
		s.release()
	}
	s.watched, s.release = ctx, nil
	if ctx.Done() != nil {
		s.release = context.AfterFunc(ctx, s.w.abort)
	}
}

// Close ends the subscription: when it returns, the server counts this
// subscriber no longer, unless the server did not answer within a second.
func (s *subscriber) Close() error {
	if s.ending.Swap(true) {
		return nil
	}
	_ = s.w.conn.SetDeadline(time.Now().Add(time.Second))
	_, err := s.w.conn.Write(appendCommand(nil, "UNSUBSCRIBE", s.channel))
	s.reading.Lock()
	defer s.reading.Unlock()
	for err == nil && !s.ended {
		var message []byte
		if message, err = s.frame("unsubscribe"); err == nil && message == nil {
			s.ended = true
		}
	}
	if err := s.w.close(); err != nil {
		return fmt.Errorf("unsubscribe from %q: %w", s.channel, err)
	}
	return nil
}
