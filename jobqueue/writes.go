package jobqueue

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// checkNode makes sure that the node of a home takes writes and connections.
func (c *Client) checkNode(ctx context.Context, addr, home string, connections int) error {
	node := c.routes.node(addr)
	if err := c.checkWrites(ctx, node, home); err != nil {
		return explain("write to redis", addr, err)
	}
	return room(ctx, node, addr, connections)
}

// checkWrites makes sure that a node takes writes. A SET shows all that can be
// wrong. Where the server, a proxy or the user's rights withhold it, commands that
// change nothing show as much as they can: they write to a key that does not exist,
// and a read-only replica refuses them all the same.
func (c *Client) checkWrites(ctx context.Context, node *redis.Client, home string) error {
	probe := probeKey(home)
	err := node.Set(ctx, probe, "1", 10*time.Second).Err()
	if err == nil {
		if err := node.Del(ctx, probe).Err(); err != nil && !unanswered(err) { // it expires by itself
			return err
		}
		return nil
	}
	tries := []func() error{
		func() error { return node.LPushX(ctx, probe, "1").Err() }, // needs memory, as SET does
		func() error { return node.Del(ctx, probe).Err() },
		func() error { return node.RPop(ctx, probe).Err() },
	}
	if c.cfg.Design == Stream {
		tries[2] = func() error { return node.XDel(ctx, probe, "0-1").Err() }
	}
	withheld := err
	for _, try := range tries {
		if !Withheld(err) && !(hungUp(err) && answers(ctx, node) == nil) {
			break
		}
		if err = try(); errors.Is(err, redis.Nil) {
			err = nil
		}
	}
	if Withheld(err) || hungUp(err) && answers(ctx, node) == nil {
		c.lack.note("SET", "whether the server takes writes shows at the first push", withheld)
		return nil
	}
	return err
}
