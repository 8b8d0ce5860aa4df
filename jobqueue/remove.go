package jobqueue

import (
	"context"
)

// Remove empties the queue as [Client.Clear] does, and returns how many jobs
// were in it: both are one step for everybody else, for each of several queues.
// It refuses a key that is not a list, which Clear would remove as well.
func (c *Client) Remove(ctx context.Context) (removed int64, err error) {
	for _, key := range c.lanes.queues {
		// Inside a transaction a wrong type would not keep the rest from being
		// done, so nothing in it harms another type.
		pipe := c.rdb.TxPipeline()
		length := pipe.LLen(ctx, key)
		pipe.LTrim(ctx, key, 1, 0)
		if _, err := pipe.Exec(ctx); err != nil {
			return removed, c.explain("clear", key, err)
		}
		removed += length.Val()
	}
	return removed, nil
}
