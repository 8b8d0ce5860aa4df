package jobqueue

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"
)

// dial opens a connection to the node that serves the key: every connection of
// producers, consumers, subscribers and pings is made here. withID asks for the
// connection's id, which unblock needs.
func (c *Client) dial(ctx context.Context, key string, withID bool) (*wire, error) {
	w, err := c.reach(ctx, key, withID)
	if err == nil {
		return w, nil
	}
	return nil, c.unfound(explain("connect", c.options.Addr, err))
}

// unfound marks an error of an Open as one after which opening again can help,
// where it is.
func (c *Client) unfound(err error) error {
	if !c.lasts || !gone(err) || errors.Is(err, ErrLost) {
		return err
	}
	c.routes.strayed()
	return &lostError{err: err}
}

// reach dials the node of the key, and goes on to where that one sends us.
func (c *Client) reach(ctx context.Context, key string, withID bool) (*wire, error) {
	const most = 5
	addr, err := c.routes.find(ctx, key)
	if err != nil {
		return nil, err
	}
	for hops := 1; ; hops++ {
		w, err := c.dialNode(ctx, addr, withID)
		if err != nil {
			c.routes.strayed()
			return nil, err
		}
		if !c.sharded() || hops == most {
			return w, nil
		}
		next, err := w.hop(ctx, key)
		if err == nil && next == "" {
			return w, nil
		}
		w.close()
		c.routes.strayed()
		if err != nil {
			return nil, explain("ask for the queue's node", addr, err)
		}
		addr = next
	}
}

func (c *Client) dialNode(ctx context.Context, addr string, withID bool) (*wire, error) {
	o := *c.options
	o.Addr = addr
	w, err := openWire(ctx, &o, withID)
	if err != nil {
		return nil, err
	}
	w.node = c.routes.node(addr)
	w.strayed = c.routes.strayed
	if c.lasts {
		w.in.lost = c.lost
	}
	return w, nil
}

// lost reports whether another connection can be the remedy of an error reply.
func (c *Client) lost(text string) bool {
	if !begins(text, elsewhere) && !(c.sharded() && begins(text, resharded)) {
		return false
	}
	c.routes.strayed()
	return true
}

// sharded reports whether the keys are shared among several nodes.
func (c *Client) sharded() bool {
	_, is := c.routes.(*shared)
	return is
}

// dialHome dials a node that does not know its own host where the first address
// of the URL is: a cluster of one node answers so.
func dialHome(o *redis.Options, home string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := redis.NewDialer(o)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return dial(ctx, network, atHost(addr, home))
	}
}

// ears are the nodes at which this client has subscribed. A node counts only
// the receivers of its own when it answers a PUBLISH; on others there may be
// more.
type ears struct {
	mu sync.Mutex
	at map[string]bool
}

func (e *ears) add(addr string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.at == nil {
		e.at = map[string]bool{}
	}
	e.at[addr] = true
}

// elsewhere reports whether there is an ear at any node but the given one.
func (e *ears) elsewhere(addr string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.at) > 1 || len(e.at) == 1 && !e.at[addr]
}
