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
// Workers keep the jobs that they have taken. It refuses a key of another type than
// the design's, which [Client.Clear] would remove. Each list is counted and emptied
// atomically; the entries that a stream has at the beginning are removed a thousand at
// a time.
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

// Discard takes single elements out of the queue, wherever in it they are, and
// returns how many it found. It is for what a run leaves behind in a queue that is
// not its own. Give the oldest first, as [Client.Peek] does: each is looked for from
// the end where the oldest is, and costs the server a look at all that is older. Of
// a stream those that no worker was given yet are found.
func (c *Client) Discard(ctx context.Context, elements ...string) (found int64, err error) {
	if c.cfg.Design == Stream {
		return c.discardWaiting(ctx, elements)
	}
	const page = 1000
	for len(elements) > 0 {
		n := min(page, len(elements))
		var counts []*redis.IntCmd
		pipe := c.rdb.Pipeline()
		for _, e := range elements[:n] {
			for _, queue := range c.lanes.queues {
				counts = append(counts, pipe.LRem(ctx, queue, -1, e))
			}
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return found, c.explain("discard from", c.queue, err)
		}
		for _, count := range counts {
			found += count.Val()
		}
		elements = elements[n:]
	}
	return found, nil
}

// discardWaiting removes entries of the streams that hold one of the elements and
// were not given to any worker yet.
func (c *Client) discardWaiting(ctx context.Context, elements []string) (found int64, err error) {
	ours := make(map[string]bool, len(elements))
	for _, e := range elements {
		ours[e] = true
	}
	for _, key := range c.lanes.queues {
		start, err := c.given(ctx, key)
		if err != nil && !redisconn.IsErrorReply(err) {
			return found, c.explain("discard from", key, err)
		}
		for {
			const page = 1000
			entries, err := c.rdb.XRangeN(ctx, key, start, "+", page).Result()
			if err != nil {
				return found, c.explain("discard from", key, err)
			}
			var ids []string
			for _, e := range entries {
				if text, _ := e.Values[streamField].(string); ours[text] {
					ids = append(ids, e.ID)
				}
			}
			if len(ids) > 0 {
				n, err := c.rdb.XDel(ctx, key, ids...).Result()
				if found += n; err != nil {
					return found, c.explain("discard from", key, err)
				}
			}
			if len(entries) < page {
				break
			}
			start = "(" + entries[len(entries)-1].ID
		}
	}
	return found, nil
}

// Return puts elements that were popped back into queue 0, so that the first of
// them is the next to be taken; into a stream, behind what waits there.
func (c *Client) Return(ctx context.Context, elements ...[]byte) error {
	const page = 1000
	for len(elements) > 0 {
		// RPUSH puts each at the end where BRPOP takes: so the first comes last.
		n := min(page, len(elements))
		part := elements[len(elements)-n:]
		if c.cfg.Design == Stream {
			part = elements[:n]
		}
		pipe := c.rdb.Pipeline()
		values := make([]any, 0, n)
		for i := range part {
			if c.cfg.Design == Stream {
				pipe.XAdd(ctx, &redis.XAddArgs{Stream: c.lanes.queues[0], Values: []any{streamField, part[i]}})
			} else {
				values = append(values, part[len(part)-1-i])
			}
		}
		if len(values) > 0 {
			pipe.RPush(ctx, c.lanes.queues[0], values...)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return c.explain("return jobs to", c.queue, err)
		}
		if c.cfg.Design == Stream {
			elements = elements[n:]
		} else {
			elements = elements[:len(elements)-n]
		}
	}
	return nil
}
