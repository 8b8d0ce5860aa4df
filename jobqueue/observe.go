package jobqueue

import (
	"context"
	"errors"

	"github.com/queuedyno/queuedyno/internal/census"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
)

// Inspect asks the server about itself, and in a cluster every master. What it
// may not or cannot ask is listed in Facts.Withheld; it is an error only if no
// server answers.
func (c *Client) Inspect(ctx context.Context) (redisfacts.Facts, error) {
	f, err := redisfacts.Inspect(ctx, c.servers)
	if err == nil {
		c.noInfo.Store(len(f.Info) == 0)
	}
	return f, err
}

// ClientSnapshot notes who is connected now, so that later connections can be counted.
// What the servers withhold is not an error here.
func (c *Client) ClientSnapshot(ctx context.Context) (*census.Snapshot, error) {
	return census.Take(ctx, c.servers, c.homes())
}

// OpenPing returns a connection for PINGs.
func (c *Client) OpenPing(ctx context.Context) (*redisconn.Ping, error) {
	if c.servers.Missing.Lacks("PING") {
		return nil, errors.New("the server does not take PING")
	}
	w, err := c.servers.Dial(ctx, c.lanes.queues[0], false)
	if err != nil {
		return nil, err
	}
	return redisconn.NewPing(w), nil
}

// Blocked is how many connections wait in a blocking command at this moment,
// those of other clients, too: with more workers than work, most of them.
func (c *Client) Blocked(ctx context.Context) (int64, error) {
	if c.noInfo.Load() {
		return 0, errors.New("INFO is withheld")
	}
	text, err := c.rdb.Info(ctx, "clients").Result()
	if err != nil {
		return 0, c.explain("ask for the clients of", c.queue, err)
	}
	n, ok := infoNumber(text, "blocked_clients")
	if !ok {
		return 0, errors.New("INFO has no blocked_clients")
	}
	return n, nil
}
