package jobqueue

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

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
