package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/lane"
	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// need is a command that not every server has, asked for where it does nothing.
type need struct {
	what, hint string
	cmd        *redis.Cmd
}

// needs asks for the commands that the client's design cannot do without.
func (c *Client) needs(ctx context.Context, pipe redis.Pipeliner, absent string) []need {
	var needs []need
	if c.cfg.Notify == ShardedPubSub {
		needs = append(needs, need{fmt.Sprintf("notify %q", ShardedPubSub),
			"sharded channels came with Redis 7.0; use a newer server, or notify pubsub", pipe.Do(ctx, "SPUBLISH", absent, "")})
	}
	switch c.cfg.Design {
	case ReliableList:
		needs = append(needs, need{fmt.Sprintf("design %q", ReliableList),
			"LMOVE came with Redis 6.2; use a newer server, or another design", pipe.Do(ctx, "LMOVE", absent, absent, "RIGHT", "LEFT")})
	case Stream:
		needs = append(needs, need{fmt.Sprintf("design %q", Stream),
			"XAUTOCLAIM came with Redis 6.2; use a newer server, or another design", pipe.Do(ctx, "XAUTOCLAIM", absent, group, "absent", 0, "0")})
	}
	return needs
}

// lacking is the first need that the server does not know. Any other refusal
// means that it does: there is no such key, or the right to it is lacking.
func lacking(needs []need, address string) error {
	for _, n := range needs {
		if err := n.cmd.Err(); err != nil && strings.HasPrefix(strings.ToLower(err.Error()), "err unknown command") {
			return &redisconn.Error{Op: "use " + n.what, Address: address, Err: errors.New("this server lacks it: " + redisconn.Brief(err)), Remedy: n.hint}
		}
	}
	return nil
}

// Push appends the job ids to the first queue, in order and all or none.
func (c *Client) Push(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	key := c.lanes.queues[0]
	if c.cfg.Design == Stream {
		_, err := c.rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			for _, id := range ids {
				pipe.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{streamField, id}})
			}
			return nil
		})
		return c.explain("push to", key, err)
	}
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = id
	}
	return c.explain("push to", key, c.rdb.LPush(ctx, key, values...).Err())
}

// Len is how many jobs wait in all queues.
func (c *Client) Len(ctx context.Context) (int64, error) {
	n, err := c.waiting(ctx, c.lanes.queues)
	return n, c.explain("length of", c.queue, err)
}

// LenOf is how many jobs wait in one queue. Jobs that workers have taken do not wait.
func (c *Client) LenOf(ctx context.Context, queue int) (int64, error) {
	if err := lane.Check("queue", []int{queue}, len(c.lanes.queues)); err != nil {
		return 0, err
	}
	key := c.lanes.queues[queue]
	n, err := c.waiting(ctx, []string{key})
	return n, c.explain("length of", key, err)
}

// waiting is how many jobs wait in the given queues, asked for in one go.
func (c *Client) waiting(ctx context.Context, keys []string) (sum int64, err error) {
	if c.cfg.Design == Stream {
		return c.streamLen(ctx, keys)
	}
	lengths := make([]*redis.IntCmd, len(keys))
	pipe := c.rdb.Pipeline()
	for i, key := range keys {
		lengths[i] = pipe.LLen(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	for _, n := range lengths {
		sum += n.Val()
	}
	return sum, nil
}

// Peek is n jobs from the given one on, in the order in which they would be
// taken, without taking them.
func (c *Client) Peek(ctx context.Context, from, n int64) ([]string, error) {
	if n <= 0 || from < 0 {
		return nil, nil
	}
	var all []string
	for i, key := range c.lanes.queues {
		// Queue i-1 has been read to its end: skip its length.
		if i > 0 {
			before, err := c.LenOf(ctx, i-1)
			if err != nil {
				return nil, err
			}
			from = max(0, from-before)
		}
		ids, err := c.peek(ctx, key, from, n-int64(len(all)))
		if err != nil {
			return nil, c.explain("peek into", key, err)
		}
		if all = append(all, ids...); int64(len(all)) >= n {
			break
		}
	}
	return all, nil
}

func (c *Client) peek(ctx context.Context, key string, from, n int64) ([]string, error) {
	if c.cfg.Design == Stream {
		return c.streamPeek(ctx, key, from, n)
	}
	// The oldest is at the right end, where it is taken.
	ids, err := c.rdb.LRange(ctx, key, -from-n, -from-1).Result()
	if err != nil {
		return nil, err
	}
	slices.Reverse(ids)
	return ids, nil
}

// Clear removes the queues with all jobs, and the other keys of the design. Close the
// consumers first: what they write afterwards stays.
func (c *Client) Clear(ctx context.Context) error {
	if c.cfg.Design == ReliableList {
		for _, home := range c.homes() {
			if err := c.clearReliable(ctx, home); err != nil {
				return c.explain("clear", home, err)
			}
		}
	}
	return c.explain("clear", c.queue, c.removeKeys(ctx, c.lanes.queues))
}

// Publish sends an update to every subscriber of the first channel and returns
// how many there were.
func (c *Client) Publish(ctx context.Context, u Update) (receivers int64, err error) {
	name, message := c.lanes.channels[0], u.AppendTo(nil)
	switch c.cfg.Notify {
	case NoNotify:
		return 0, nil
	case ShardedPubSub:
		receivers, err = c.rdb.SPublish(ctx, name, message).Result()
	default:
		receivers, err = c.rdb.Publish(ctx, name, message).Result()
	}
	return receivers, c.explain("publish on", name, err)
}
