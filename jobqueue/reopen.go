package jobqueue

import "context"

// Reopen returns a consumer that goes on with the jobs that this one has.
func (c *consumer) Reopen(ctx context.Context) (Consumer, error) {
	if c.ending.Load() {
		return nil, ErrClosed // out of step: who has which job is not known
	}
	w, err := c.client.servers.Dial(ctx, c.client.lanes.queues[c.queues[0]], c.client.unblocks)
	if err != nil {
		return nil, err
	}
	w.Proves = c.w.Proves
	n := &consumer{w: w, client: c.client, queues: c.queues, most: c.most, taker: c.taker, closing: make(chan struct{})}
	n.taker.moved(n)
	c.closed.Store(true)
	c.ending.Store(true)
	if c.release != nil {
		c.release()
	}
	c.w.Close()
	return n, nil
}
