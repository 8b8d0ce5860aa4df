package jobqueue

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// dial opens a connection to the node that serves the key: every connection of
// producers, consumers, subscribers and pings is made here. withID asks for the
// connection's id, which unblock needs.
func (s *servers) dial(ctx context.Context, key string, withID bool) (*wire, error) {
	w, err := s.reach(ctx, key, withID)
	if err == nil {
		return w, nil
	}
	return nil, s.unfound(explain("connect", s.options.Addr, err))
}

// unfound marks an error of an Open as one after which opening again can help,
// where it is.
func (s *servers) unfound(err error) error {
	if !s.returns || !gone(err) || errors.Is(err, ErrLost) {
		return err
	}
	s.strayed()
	return &lostError{err: err}
}

// reach dials the node of the key, and goes on to where that one sends us.
func (s *servers) reach(ctx context.Context, key string, withID bool) (*wire, error) {
	const most = 5
	addr, err := s.find(ctx, key)
	if err != nil {
		return nil, err
	}
	for hops := 1; ; hops++ {
		w, err := s.dialNode(ctx, addr, withID)
		if err != nil {
			s.strayed()
			return nil, err
		}
		if !s.clustered() || hops == most {
			return w, nil
		}
		next, err := w.hop(ctx, key)
		if err == nil && next == "" {
			return w, nil
		}
		w.close()
		s.strayed()
		if err != nil {
			return nil, explain("ask for the queue's node", addr, err)
		}
		addr = next
	}
}

func (s *servers) dialNode(ctx context.Context, addr string, withID bool) (*wire, error) {
	o := *s.options
	o.Addr = addr
	w, err := openWire(ctx, &o, withID)
	if err != nil {
		return nil, err
	}
	w.node = s.node(addr)
	w.strayed = s.strayed
	if s.returns {
		w.in.wrap = s.wrap
	}
	return w, nil
}

// wrap makes an error reply match [ErrLost] if another connection can be the remedy.
func (s *servers) wrap(e *ReplyError) error {
	if !begins(e.Text, elsewhere) && !(s.clustered() && begins(e.Text, resharded)) {
		return e
	}
	s.strayed()
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
