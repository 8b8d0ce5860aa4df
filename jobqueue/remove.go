package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// Remove takes all waiting jobs out of the queues and returns how many they were.
// What workers have in hand stays theirs. It refuses a key of another type than
// the design's, which [Client.Clear] would remove as well. On a list both are one
// step for everybody else, for each of several queues; of a stream, what was in it
// at the beginning goes a thousand at a time.
func (c *Client) Remove(ctx context.Context) (removed int64, err error) {
	remove := c.removeList
	if c.cfg.Design == Stream {
		remove = c.removeWaiting
	}
	for _, key := range c.lanes.queues {
		n, err := remove(ctx, key)
		removed += n
		if err != nil {
			return removed, c.explain("clear", key, err)
		}
	}
	return removed, nil
}

// removeList empties a list.
func (c *Client) removeList(ctx context.Context, key string) (removed int64, err error) {
	if c.servers.Missing.Lacks("MULTI") {
		return c.removeByParts(ctx, key)
	}
	// Inside a transaction a wrong type would not keep the rest from being done,
	// so nothing in it harms another type.
	pipe := c.rdb.TxPipeline()
	length := pipe.LLen(ctx, key)
	pipe.LTrim(ctx, key, 1, 0)
	_, err = pipe.Exec(ctx)
	if redisconn.Withheld(err) || redisconn.HungUp(err) {
		c.servers.Missing.Note("MULTI", "jobs are counted and removed in two steps", err)
		return c.removeByParts(ctx, key)
	}
	if err != nil {
		return 0, err
	}
	return length.Val(), nil
}

// removeByParts empties a list where there are no transactions, job by job where it
// cannot be trimmed.
func (c *Client) removeByParts(ctx context.Context, key string) (removed int64, err error) {
	n, err := c.rdb.LLen(ctx, key).Result()
	if err != nil || n == 0 {
		return 0, err
	}
	// The oldest n are at the right end: what comes in the meantime stays.
	err = c.rdb.LTrim(ctx, key, 0, -n-1).Err()
	if err == nil || !redisconn.Withheld(err) && !redisconn.HungUp(err) {
		return n, err
	}
	for ; removed < n; removed++ {
		if err := c.rdb.RPop(ctx, key).Err(); errors.Is(err, redis.Nil) {
			break
		} else if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// removeKeys removes keys, by what the server has for that: DEL, else UNLINK, an
// expiry that is over, or of a list all that is in it.
func (c *Client) removeKeys(ctx context.Context, keys []string) error {
	pipe := c.rdb.Pipeline()
	for _, key := range keys {
		pipe.Del(ctx, key)
	}
	_, err := pipe.Exec(ctx)
	if !redisconn.Withheld(err) {
		return err
	}
	var left []string
	var last error
	for _, key := range keys {
		if err := c.removeKey(ctx, key); err != nil {
			left, last = append(left, key), err
		}
	}
	if len(left) == 0 {
		return nil
	}
	return &redisconn.Error{Op: fmt.Sprintf("remove %q", left), Address: c.servers.Address(), Err: last,
		Remedy: "DEL is withheld from this user: remove what is left as another one, by redis-cli DEL " + strings.Join(left, " ")}
}

// removeKey removes one key without DEL.
func (c *Client) removeKey(ctx context.Context, key string) error {
	ways := []func() error{
		func() error { return c.rdb.Unlink(ctx, key).Err() },
		func() error { return c.rdb.PExpire(ctx, key, 0).Err() },
		func() error { return c.rdb.LTrim(ctx, key, 1, 0).Err() },
		func() error {
			for {
				if err := c.rdb.RPop(ctx, key).Err(); errors.Is(err, redis.Nil) {
					return nil // where there is no list any more
				} else if err != nil {
					return err
				}
			}
		},
	}
	var err error
	for _, way := range ways {
		if err = way(); err == nil {
			return nil
		}
		if !redisconn.Withheld(err) && !redisconn.HungUp(err) && !redisconn.BeginsWith(redisconn.ReplyText(err), []string{"WRONGTYPE"}) {
			return err
		}
	}
	return err
}

// removeWaiting removes the jobs of a stream that no worker was given yet.
func (c *Client) removeWaiting(ctx context.Context, key string) (removed int64, err error) {
	newest, err := c.rdb.XRevRangeN(ctx, key, "+", "-", 1).Result()
	if err != nil || len(newest) == 0 {
		return 0, err
	}
	for {
		after, err := c.given(ctx, key)
		if err != nil {
			return removed, err
		}
		waiting, err := c.rdb.XRangeN(ctx, key, after, newest[0].ID, 1000).Result()
		if err != nil || len(waiting) == 0 {
			return removed, err
		}
		ids := make([]string, len(waiting))
		for i, m := range waiting {
			ids[i] = m.ID
		}
		n, err := c.rdb.XDel(ctx, key, ids...).Result()
		removed += n
		if err != nil {
			return removed, err
		}
	}
}
