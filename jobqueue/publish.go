package jobqueue

import (
	"context"
	"sync"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// Publish sends one message and waits for the number of its receivers.
func (c *consumer) Publish(ctx context.Context, message []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if c.client.cfg.Notify == NoNotify {
		return 0, nil
	}
	c.publish(message, 0)
	if err := c.w.Flush(); err != nil {
		return 0, c.fault("publish on", c.client.channel, err)
	}
	if err := c.w.ExpectWithin(0); err != nil {
		return 0, err
	}
	if err := c.w.Next(); err != nil {
		return 0, c.fault("publish on", c.client.channel, err)
	}
	n, err := c.w.In.Integer()
	if err != nil {
		return 0, c.fault("publish on", c.client.channel, err)
	}
	return c.receivers(n), nil
}

// receivers is how many received a message, as far as the node can tell.
func (c *consumer) receivers(n int64) int {
	if n == 0 && c.client.subscribed.elsewhere(c.w.Addr) {
		return -1
	}
	return int(n)
}

func (c *consumer) publish(message []byte, channel int) {
	out := c.w.Out
	if c.client.cfg.Notify == ShardedPubSub {
		out = append(out, "*3\r\n$8\r\nSPUBLISH\r\n"...)
	} else {
		out = append(out, "*3\r\n$7\r\nPUBLISH\r\n"...)
	}
	out = resp.AppendWord(out, c.client.lanes.channels[channel])
	c.w.Out = resp.AppendWord(out, message)
}

// publishes reports whether an outcome has a message that goes out.
func (c *consumer) publishes(o Outcome) bool {
	return o.Message != nil && c.client.cfg.Notify != NoNotify
}

// writeOutcomes appends the commands that say what became of jobs.
func (c *consumer) writeOutcomes(outcomes []Outcome) {
	last := 0
	for _, o := range outcomes {
		if c.publishes(o) {
			c.publish(o.Message, o.Channel)
		}
		if o.Last {
			last++
		}
	}
	c.owed, c.last = c.strategy.over(last)
}

// readAcks reads the answers to tell.
func (c *consumer) readAcks(outcomes []Outcome, acked func(i, receivers int)) error {
	for i, o := range outcomes {
		receivers := -1
		if c.publishes(o) {
			n, err := c.w.In.Integer()
			if err != nil {
				return c.outOfStep("publish on", c.client.lanes.channels[o.Channel], err)
			}
			receivers = c.receivers(n)
		}
		acked(i, receivers)
	}
	for ; c.owed > 0; c.owed-- {
		if _, err := c.w.In.Integer(); err != nil {
			return c.outOfStep("end a job of", c.client.queue, err)
		}
	}
	return nil
}

// subscribedNodes are the nodes at which this client has subscribed. A node counts only
// its own receivers when it answers a PUBLISH; other nodes may have more.
type subscribedNodes struct {
	mu sync.Mutex
	at map[string]bool
}

func (n *subscribedNodes) add(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.at == nil {
		n.at = map[string]bool{}
	}
	n.at[addr] = true
}

// elsewhere reports whether there is an ear at any node but the given one.
func (n *subscribedNodes) elsewhere(addr string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.at) > 1 || len(n.at) == 1 && !n.at[addr]
}
