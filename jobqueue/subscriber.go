package jobqueue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/glob"
	"github.com/queuedyno/queuedyno/internal/lane"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// subscriber receives on a separate connection, which runs no other command. It reads
// from the socket itself: no buffer between it and the caller can fill up and drop a
// message.
type subscriber struct {
	w       *redisconn.Wire
	channel string // the name that errors have
	verbs   verbs
	names   []string   // of the channels, or one pattern
	compose Compose    // of a pattern, or nil
	on      []byte     // the channel of the message that is composed
	whole   []byte     // the composed message
	open    int        // subscriptions whose end was not confirmed; guarded by reading
	reading sync.Mutex // held by the goroutine that reads
	ending  atomic.Bool
	ended   bool     // the server confirmed the end of all; guarded by reading
	lost    bool     // Receive has said that it broke; guarded by reading
	early   [][]byte // messages that came before the last confirmation
	watched context.Context
	release registration
	pinged  bool          // a PING has no answer yet; guarded by reading
	mute    bool          // the server answers no PING here; guarded by reading
	pings   *atomic.Int64 // of the client
}

var _ Subscriber = (*subscriber)(nil)

// verbs are the words of one kind of subscription.
type verbs struct {
	subscribe, unsubscribe string // the commands
	began, message, ended  string // the kinds of frames
}

var (
	plain   = verbs{"SUBSCRIBE", "UNSUBSCRIBE", "subscribe", "message", "unsubscribe"}
	sharded = verbs{"SSUBSCRIBE", "SUNSUBSCRIBE", "ssubscribe", "smessage", "sunsubscribe"}
	pattern = verbs{"PSUBSCRIBE", "PUNSUBSCRIBE", "psubscribe", "pmessage", "punsubscribe"}
)

// OpenSubscriber returns a subscriber of all channels on a separate
// connection, after the server has confirmed the subscription.
func (c *Client) OpenSubscriber(ctx context.Context) (Subscriber, error) {
	if c.elsewhere != nil {
		return c.elsewhere(ctx)
	}
	if c.cfg.Pattern && c.cfg.Notify == PubSub {
		name := glob.Literal(c.channel)
		if len(c.lanes.channels) > 1 {
			name += ":t*"
		}
		return c.subscribe(ctx, pattern, c.channel, []string{name}, nil)
	}
	return c.OpenSubscriberOn(ctx, lane.All(len(c.lanes.channels))...)
}

// OpenSubscriberOn returns a subscriber of the given channels.
func (c *Client) OpenSubscriberOn(ctx context.Context, channels ...int) (Subscriber, error) {
	if err := lane.Check("channel", channels, len(c.lanes.channels)); err != nil {
		return nil, err
	}
	kind := plain
	var names []string
	for _, i := range channels {
		names = append(names, c.lanes.channels[i])
	}
	switch {
	case c.cfg.Notify == NoNotify:
		return newSilence(), nil
	case c.cfg.Notify == ShardedPubSub:
		kind = sharded
	case c.cfg.Pattern:
		kind = pattern
		for i := range names {
			names[i] = glob.Literal(names[i])
		}
	}
	return c.subscribe(ctx, kind, c.channel, names, nil)
}

// Elsewhere makes OpenSubscriber call open, for workers that announce what became of jobs
// elsewhere than on the client's channels. It is not called while the client is in use.
func (c *Client) Elsewhere(open func(context.Context) (Subscriber, error)) { c.elsewhere = open }

// Compose appends to dst what is received of a message on a channel; nothing means that it is
// not received.
type Compose func(dst, channel, message []byte) []byte

// OpenPatternSubscriber returns a subscriber of all channels whose names match the pattern,
// as PSUBSCRIBE takes it, in place of the client's own channels. What it receives is what
// compose makes of each message.
func (c *Client) OpenPatternSubscriber(ctx context.Context, names string, compose Compose) (Subscriber, error) {
	return c.subscribe(ctx, pattern, names, []string{names}, compose)
}

// subscribe subscribes to the names. channel is the name that errors have.
func (c *Client) subscribe(ctx context.Context, kind verbs, channel string, names []string, compose Compose) (Subscriber, error) {
	w, err := c.dial(ctx, "subscribers", c.lanes.queues[0], c.identifies())
	if err != nil {
		return nil, err
	}
	c.subscribed.add(w.Addr)
	s := &subscriber{w: w, channel: channel, verbs: kind, names: names, compose: compose, whole: []byte{}, pings: &c.pings}
	w.Out = resp.AppendCommand(w.Out, append([]string{kind.subscribe}, names...)...)
	err = w.Flush()
	if err == nil {
		err = w.ExpectWithin(0)
	}
	// The first channels may have messages before the last is confirmed.
	for err == nil && s.open < len(names) {
		var message []byte
		if message, err = s.frame(kind.began); message != nil {
			if len(message) > 0 || compose == nil {
				s.early = append(s.early, bytes.Clone(message))
			}
		} else {
			s.open++
		}
	}
	if err == nil {
		// From here on silence is normal, and broken by a PING.
		err = w.ExpectSilence(func() bool { return s.pinged }, s.ping)
	}
	if err != nil {
		err = w.Broken(err) // before the close, which would be taken for the reason
		w.Close()
		return nil, redisconn.ExplainOn("subscribe to", channel, w.Address(), err)
	}
	return s, nil
}

// ping asks the server for a sign of life. Subscriptions may do that, and nothing
// else; it is done only when nothing was heard for a while.
func (s *subscriber) ping() error {
	if s.mute {
		return nil
	}
	s.pinged = true
	s.pings.Add(1)
	_, err := s.w.Conn.Write([]byte(redisconn.PingCommand))
	return err
}

// pong reads the answer to a PING, if that is what comes next: in RESP3 it is a
// simple string, in RESP2 a frame, which frame reads.
func (s *subscriber) pong() (was bool, err error) {
	in := &s.w.In
	if err := in.Await(); err != nil || !s.pinged {
		return false, err
	}
	switch in.Peek() {
	case '+', '-', '!':
	default:
		return false, nil
	}
	_, _, err = in.Head()
	if err != nil && !resp.IsReply(err) {
		return false, err
	}
	s.mute = err != nil
	return true, s.answered()
}

// answered notes the answer to a PING. The next silence begins now.
func (s *subscriber) answered() error {
	s.pinged = false
	if s.ending.Load() {
		return nil
	}
	return s.w.RestartSilence()
}

// frame reads one frame. It returns the payload of a message, or nil when the
// frame is the confirmation that was awaited.
func (s *subscriber) frame(awaited string) ([]byte, error) {
	in := &s.w.In
	for {
		was, err := s.pong()
		if was {
			in.Again()
		}
		if err != nil {
			return nil, err
		}
		if was {
			continue
		}
		n, err := in.Array()
		if err != nil {
			return nil, err
		}
		kind, err := in.Bulk()
		if err != nil {
			return nil, err
		}
		if n == 2 && string(kind) == "pong" {
			if _, err := in.Bulk(); err != nil {
				return nil, err
			}
			in.Again()
			if err := s.answered(); err != nil {
				return nil, err
			}
			continue
		}
		return s.rest(n, kind, awaited)
	}
}

// rest reads a frame of n elements behind its kind.
func (s *subscriber) rest(n int, kind []byte, awaited string) ([]byte, error) {
	words, message := 3, string(kind) == s.verbs.message
	if !message && string(kind) != awaited {
		return nil, resp.ProtocolError("%.20q on a subscription", kind)
	}
	if message && s.verbs == pattern {
		words = 4 // the pattern, too
	}
	if n != words {
		return nil, resp.ProtocolError("a frame of %d on a subscription", n)
	}
	for i := range words - 2 { // the names
		name, err := s.w.In.Bulk()
		if err != nil {
			return nil, err
		}
		if s.compose != nil && i == 1 {
			s.on = append(s.on[:0], name...)
		}
	}
	if !message {
		_, err := s.w.In.Integer()
		return nil, err
	}
	text, err := s.w.In.Bulk()
	if s.compose == nil || err != nil {
		return text, err
	}
	s.whole = s.compose(s.whole[:0], s.on, text)
	return s.whole, nil
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
		if len(s.early) > 0 && !s.ending.Load() {
			message := s.early[0]
			s.early = s.early[1:]
			return message, nil
		}
		s.w.In.Hold()
		message, err := s.frame(s.verbs.ended)
		if errors.Is(err, os.ErrDeadlineExceeded) && s.w.Aborted.Load() && !s.ending.Load() {
			// A context has ended, this one or one before it. The frame that
			// was begun stays, and is read again with the next call.
			s.w.In.Rewind()
			s.w.Aborted.Store(false)
			if err := s.w.RestartSilence(); err != nil && !s.w.Aborted.Load() {
				return nil, s.w.Broken(err)
			}
			continue
		}
		if err != nil && s.ending.Load() {
			s.w.In.Rewind() // Close reads on
			return nil, ErrClosed
		}
		s.w.In.Release()
		switch {
		case err != nil:
			s.lost = true
			return nil, redisconn.ExplainOn("receive from", s.channel, s.w.Address(), s.w.Broken(err))
		case message == nil:
			s.over()
		case len(message) == 0 && s.compose != nil:
			// The caller does not want it.
		case !s.ending.Load():
			return message, nil
		}
	}
}

// over notes that the end of one subscription was confirmed.
func (s *subscriber) over() {
	s.open--
	s.ended = s.open == 0
}

// watch arranges that the end of ctx makes a Receive that waits return.
func (s *subscriber) watch(ctx context.Context) {
	if ctx == s.watched {
		return
	}
	s.watched = ctx
	s.release.at(ctx, s.w.Abort)
}

// Close ends the subscription: when it returns, the server counts this
// subscriber no longer. It is an error that matches [ErrLost] when the server
// does not confirm that within two seconds: the connection may have been dead,
// and messages may have been missed.
func (s *subscriber) Close() error {
	if s.ending.Swap(true) {
		return nil
	}
	s.w.Aborted.Store(true) // no look prolongs what follows
	until := time.Now().Add(endTimeout)
	_ = s.w.Conn.SetDeadline(until)
	_, err := s.w.Conn.Write(resp.AppendCommand(nil, append([]string{s.verbs.unsubscribe}, s.names...)...))
	s.reading.Lock()
	defer s.reading.Unlock()
	for err == nil && !s.ended && !s.lost {
		s.w.In.Hold()
		var message []byte
		message, err = s.frame(s.verbs.ended)
		switch {
		case err == nil && message == nil:
			s.over()
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(until):
			// The end of a Receive's context came after our deadline was set.
			s.w.In.Rewind()
			err = s.w.Conn.SetReadDeadline(until)
		}
	}
	s.release.end()
	if closeErr := s.w.Close(); closeErr != nil && err == nil {
		return fmt.Errorf("unsubscribe from %q: %w", s.channel, closeErr)
	}
	if err != nil && !s.ended && !s.lost {
		return redisconn.ExplainOn("unsubscribe from", s.channel, s.w.Address(), redisconn.Lost(err))
	}
	return nil
}

// endTimeout is how long the confirmation of a subscription's end is waited for.
const endTimeout = 2 * time.Second

// silence is a subscriber where nothing is published.
type silence struct {
	once   sync.Once
	closed chan struct{}
}

func newSilence() *silence { return &silence{closed: make(chan struct{})} }

// Receive waits for the end of ctx or for Close.
func (s *silence) Receive(ctx context.Context) ([]byte, error) {
	select {
	case <-s.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case <-s.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *silence) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}
