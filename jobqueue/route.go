package jobqueue

import (
	"context"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// dial opens a connection of a pool to the node of the key.
func (c *Client) dial(ctx context.Context, pool, key string, withID bool) (*redisconn.Wire, error) {
	if c.cfg.Route == nil {
		return c.servers.Dial(ctx, key, withID)
	}
	via := func(network, addr string) (string, error) { return c.cfg.Route(pool, network, addr) }
	return c.servers.DialVia(ctx, via, key, withID)
}
