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
	return s.DialVia(ctx, nil, key, withID)
}

// Route returns the address, host:port, to dial by TCP in place of another, which is
// that of a server and stays its name: a proxy's. Empty means to dial the server.
type Route func(network, addr string) (proxied string, err error)

// DialVia is Dial by a route, nil for none.
func (s *Servers) DialVia(ctx context.Context, via Route, key string, withID bool) (*Wire, error) {
	w, err := s.reach(ctx, via, key, withID)
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
func (s *Servers) reach(ctx context.Context, via Route, key string, withID bool) (*Wire, error) {
	const most = 5
	addr, err := s.Find(ctx, key)
	if err != nil {
		return nil, err
	}
	for hops := 1; ; hops++ {
		w, err := s.dialNode(ctx, via, addr, withID)
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

func (s *Servers) dialNode(ctx context.Context, via Route, addr string, withID bool) (*Wire, error) {
	o := *s.options
	o.Addr = addr
	if via != nil {
		o.Dialer = greeting(s.dialer(via), o.Protocol, s.noHello)
	}
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

// dialer dials by a route, nil for none. By TLS it expects the certificate of the server,
// whatever the address that it dials. A node of a cluster that does not know its own host is
// dialled where the first address of the URL is: a cluster of one node answers so.
func (s *Servers) dialer(via Route) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if s.home != "" {
			addr = atHost(addr, s.home)
		}
		o, proxied := *s.options, ""
		if via != nil {
			var err error
			if proxied, err = via(network, addr); err != nil {
				return nil, err
			}
		}
		if proxied == "" {
			return redis.NewDialer(&o)(ctx, network, addr)
		}
		if o.TLSConfig != nil && o.TLSConfig.ServerName == "" {
			o.TLSConfig = o.TLSConfig.Clone()
			o.TLSConfig.ServerName, _, _ = net.SplitHostPort(addr)
		}
		return redis.NewDialer(&o)(ctx, "tcp", proxied)
	}
}
