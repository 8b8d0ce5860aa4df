package redisconn

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// Dial opens a connection to the node that serves the key: every connection of
// producers, consumers, subscribers and pings is made here. withID asks for the
// connection's id, which unblock needs.
func (s *Servers) Dial(ctx context.Context, key string, withID bool) (*Wire, error) {
	w, err := s.reach(ctx, key, withID)
	if err == nil {
		return w, nil
	}
	return nil, s.Retryable(Explain("connect to Redis", s.options.Addr, err))
}

// Retryable marks an error of an Open as one after which opening again can help,
// where it is.
func (s *Servers) Retryable(err error) error {
	if !s.returns || !gone(err) || errors.Is(err, ErrLost) {
		return err
	}
	s.invalidate()
	return &lostError{err: err}
}

// reach dials the node of the key, and goes on to where that one sends us.
func (s *Servers) reach(ctx context.Context, key string, withID bool) (*Wire, error) {
	const most = 5
	addr, err := s.Find(ctx, key)
	if err != nil {
		return nil, err
	}
	for hops := 1; ; hops++ {
		w, err := s.dialNode(ctx, addr, withID)
		if err != nil {
			s.invalidate()
			return nil, err
		}
		if !s.Clustered() || hops == most {
			return w, nil
		}
		next, err := w.hop(ctx, key)
		if err == nil && next == "" {
			return w, nil
		}
		w.Close()
		s.invalidate()
		if err != nil {
			return nil, Explain("ask for the queue's node", addr, err)
		}
		addr = next
	}
}

func (s *Servers) dialNode(ctx context.Context, addr string, withID bool) (*Wire, error) {
	o := *s.options
	o.Addr = addr
	w, err := openWire(ctx, &o, withID)
	if err != nil {
		return nil, err
	}
	w.peer = s.Node(addr)
	w.invalidate = s.invalidate
	if s.returns {
		w.In.Wrap = s.wrap
	}
	return w, nil
}

// wrap makes an error reply match [ErrLost] if another connection can be the remedy.
func (s *Servers) wrap(e *resp.ReplyError) error {
	if !BeginsWith(e.Text, elsewhere) && !(s.Clustered() && BeginsWith(e.Text, resharded)) {
		return e
	}
	s.invalidate()
	return &lostError{err: e}
}

// dialHome dials a node that does not know its own host where the first address
// of the URL is: a cluster of one node answers so.
func dialHome(o *redis.Options, home string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := redis.NewDialer(o)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return dial(ctx, network, atHost(addr, home))
	}
}
