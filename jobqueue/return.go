package jobqueue

import (
	"context"

	"github.com/redis/go-redis/v9"
)

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
