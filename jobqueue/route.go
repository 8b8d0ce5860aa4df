package jobqueue

import (
	"context"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// Role is what a connection is for.
type Role string

// The roles.
const (
	ProducerRole   Role = "producer"
	ConsumerRole   Role = "consumer"
	SubscriberRole Role = "subscriber"
)

// dial opens a connection of a role to the node of the key.
func (c *Client) dial(ctx context.Context, role Role, key string, withID bool) (*redisconn.Wire, error) {
	if c.cfg.Route == nil {
		return c.servers.Dial(ctx, key, withID)
	}
	via := func(network, addr string) (string, error) { return c.cfg.Route(role, network, addr) }
	return c.servers.DialVia(ctx, via, key, withID)
}
