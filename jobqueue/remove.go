package jobqueue

import "context"

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
	// Inside a transaction a wrong type would not keep the rest from being done,
	// so nothing in it harms another type.
	pipe := c.rdb.TxPipeline()
	length := pipe.LLen(ctx, key)
	pipe.LTrim(ctx, key, 1, 0)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	return length.Val(), nil
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
