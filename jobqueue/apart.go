package jobqueue

import (
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// Apart reports whether the client's queues lie apart: several of them in a
// cluster, each in a slot of its own and so perhaps on a node of its own. No
// consumer can take from several of them then, since a command can use keys of
// one slot only, and a producer has a connection for each. Names with a common
// part in braces, such as {orders}, keep queues together.
func (c *Client) Apart() bool { return c.crossSlot }

// oneTag reports whether all names are sure to lie in one slot of a cluster.
func oneTag(names []string) bool {
	for _, name := range names {
		if hashTag(name) != hashTag(names[0]) {
			return false
		}
	}
	return true
}

// scattered is why there is no consumer of several queues that lie apart.
func (c *Client) scattered(queues []int) error {
	var names []string
	for _, i := range queues {
		names = append(names, fmt.Sprintf("%q", c.lanes.queues[i]))
		if len(names) == 3 && len(queues) > 3 {
			names = append(names, "…")
			break
		}
	}
	return &redisconn.Error{
		Op: "take from " + strings.Join(names, ", "), Address: c.servers.Address(),
		Err:    fmt.Errorf("these %d queues lie in slots of their own, and one command can use keys of one slot only", len(queues)),
		Remedy: fmt.Sprintf("open a consumer for each of them, or keep them in one slot by a part in braces in their name, such as {orders}:%s", DefaultQueue),
	}
}

// home is the name beside which all lies that a design keeps for the queue: the
// queue's own where the queues lie apart, and else one for all queues.
func (c *Client) home(queue int) string {
	if c.crossSlot {
		return c.lanes.queues[queue]
	}
	return c.queue
}

// homes are all of them.
func (c *Client) homes() []string {
	if c.crossSlot {
		return c.lanes.queues
	}
	return []string{c.queue}
}
