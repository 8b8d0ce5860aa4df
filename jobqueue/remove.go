package jobqueue

import (
	"context"
)

// Remove empties the queue as [Client.Clear] does, and returns how many jobs
// were in it: both are one step for everybody else. It refuses a key that is
// not a list, which Clear would remove as well.
func (c *Client) Remove(ctx context.Context) (removed int64, err error) {
	// Inside a transaction a wrong type would not keep the rest from being done,
	// so nothing in it harms another type.
	pipe := c.rdb.TxPipeline()
	length := pipe.LLen(ctx, c.queue)
	pipe.LTrim(ctx, c.queue, 1, 0)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, c.explain("clear", c.queue, err)
	}
	return length.Val(), nil
}
