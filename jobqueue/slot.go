package jobqueue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// hashTag is the part of a name that decides on its slot in a cluster.
func hashTag(name string) string {
	if _, rest, ok := strings.Cut(name, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			return tag
		}
	}
	return name
}

// oneSlot is the config for a cluster. A connection leads to one node, and a
// worker publishes on the one by which it takes jobs. A sharded channel is served
// by one node alone, so such channels and their queues must lie in one slot. The
// names of a run's own are given a common part in braces for that; names that the
// user chose must have one.
func (cfg Config) oneSlot() (Config, error) {
	if cfg.Notify != ShardedPubSub {
		return cfg, nil
	}
	cfg.Queue, cfg.Channel = braced(cfg.Queue), braced(cfg.Channel)
	l := cfg.lanes()
	names := slices.Concat(l.queues, l.channels)
	for _, name := range names {
		if hashTag(name) != hashTag(names[0]) {
			return cfg, fmt.Errorf("in a cluster %q and the sharded channel %q must lie in one slot, since one connection serves both: give them a common part in braces, such as {orders}:%s and {orders}:%s, or notify by %q",
				names[0], name, DefaultQueue, DefaultChannel, PubSub)
		}
	}
	return cfg, nil
}

// braced puts the run's own part of a name in braces.
func braced(name string) string {
	parts := strings.SplitN(name, ":", 3)
	if len(parts) < 3 || parts[0] != "queuedyno" || strings.ContainsAny(name, "{}") {
		return name
	}
	return "{" + parts[0] + ":" + parts[1] + "}:" + parts[2]
}

// Apart reports whether the client's queues lie apart: several of them in a
// cluster, each in a slot of its own and so perhaps on a node of its own. No
// consumer can take from several of them then, since a command can use keys of
// one slot only, and a producer has a connection for each. Names with a common
// part in braces, such as {orders}, keep queues together.
func (c *Client) CrossSlot() bool { return c.crossSlot }

// oneTag reports whether all names are sure to lie in one slot of a cluster.
func oneTag(names []string) bool {
	for _, name := range names {
		if hashTag(name) != hashTag(names[0]) {
			return false
		}
	}
	return true
}

// crossSlotError is why there is no consumer of several queues that lie apart.
func (c *Client) crossSlotError(queues []int) error {
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
