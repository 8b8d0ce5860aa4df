package jobqueue

import (
	"context"
	"errors"
	"time"
)

// identifies reports whether connections that need no id for themselves ask for it.
func (c *Client) identifies() bool { return c.cfg.Identify && c.unblocks }

// Disconnect makes the server close the connection with CLIENT KILL and the connection's
// id, sent on another connection. It may be called while the connection is in use. A
// connection that is gone already is no error.
func (p *producer) Disconnect(ctx context.Context) error { return p.w.Kill(ctx) }

// Disconnect makes the servers close the connections.
func (p *crossSlotProducer) Disconnect(ctx context.Context) (all error) {
	for _, one := range p.each {
		all = errors.Join(all, one.Disconnect(ctx))
	}
	return all
}

// Disconnect does as that of a producer.
func (c *consumer) Disconnect(ctx context.Context) error { return c.w.Kill(ctx) }

// Disconnect does as that of a producer.
func (s *subscriber) Disconnect(ctx context.Context) error { return s.w.Kill(ctx) }

// Abort closes the connection without a word, as the death of the process would: the jobs
// that the consumer has are not over, and its signs of life run out by themselves. It may
// be called while the consumer is in use.
func (c *consumer) Abort() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.ending.Store(true)
	close(c.closing)
	c.strategy.leave(false)
	c.release.end()
	return c.w.Close()
}

// CheckFailover makes sure that the master of the first queue has a replica that could take
// over. An error that has a remedy has a method Hint() string.
func (c *Client) CheckFailover(ctx context.Context) error {
	return c.servers.CheckFailover(ctx, c.lanes.queues[0])
}

// Failover makes a replica take over from the master of the first queue: SENTINEL FAILOVER,
// or CLUSTER FAILOVER, with force CLUSTER FAILOVER FORCE. It returns when that has begun.
// settled waits until clients find the new master and the old one takes no writes. Jobs
// that the replica does not have yet may be lost, as may what is written to the old master
// meanwhile.
func (c *Client) Failover(ctx context.Context, force bool) (settled func(context.Context) error, err error) {
	return c.servers.Failover(ctx, c.lanes.queues[0], force)
}

// Master is the address, host:port, of the server that serves the first queue now.
func (c *Client) Master(ctx context.Context) (addr string, err error) {
	return c.servers.Find(ctx, c.lanes.queues[0])
}

// CheckMemoryLimit makes sure that [Client.LimitMemory] can be called: that the server
// allows CONFIG SET maxmemory, and unless evicts is true, that it would not evict keys.
func (c *Client) CheckMemoryLimit(ctx context.Context, evicts bool) error {
	return c.servers.CheckMemoryLimit(ctx, evicts)
}

// LimitMemory sets maxmemory of the server, of each master where there are several, to
// what limit makes of the memory that it uses, both in bytes. That affects all clients.
// restore sets it to exactly what it was, and tries again until ctx ends; it must be
// called after an error, too.
func (c *Client) LimitMemory(ctx context.Context, limit func(used int64) int64) (restore func(context.Context) error, err error) {
	return c.servers.LimitMemory(ctx, limit)
}

// PauseClients makes the server answer no client for so long, those of others
// included: CLIENT PAUSE. Nothing ends the pause earlier.
func (c *Client) PauseClients(ctx context.Context, length time.Duration) error {
	return c.explain("pause the clients of", c.queue, c.rdb.ClientPause(ctx, length).Err())
}
