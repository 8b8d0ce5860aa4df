package jobqueue

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Discard takes single elements out of the queue, wherever in it they are, and
// returns how many it found. Each costs the server a look at the whole list, so
// it is for what a run leaves behind in a queue that is not its own. A stream
// has no such command.
func (c *Client) Discard(ctx context.Context, elements ...string) (found int64, err error) {
	if c.cfg.Design == Stream {
		return 0, errors.New("discard: a stream's entries are not found by what they hold; clear it as a whole")
	}
	const page = 1000
	for len(elements) > 0 {
		n := min(page, len(elements))
		var counts []*redis.IntCmd
		pipe := c.rdb.Pipeline()
		for _, e := range elements[:n] {
			for _, queue := range c.lanes.queues {
				counts = append(counts, pipe.LRem(ctx, queue, 1, e))
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
