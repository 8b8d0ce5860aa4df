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

// CrossSlot reports whether the queues are in different slots of a cluster, and so
// perhaps on different nodes. Then a consumer can take from one queue only, since a
// command can use keys of one slot only, and a producer has a connection for each.
// Names with a common part in braces, such as {orders}, keep queues in one slot.
func (c *Client) CrossSlot() bool { return c.crossSlot }

// oneTag reports whether all names are certainly in one slot of a cluster.
func oneTag(names []string) bool {
	for _, name := range names {
		if hashTag(name) != hashTag(names[0]) {
			return false
		}
	}
	return true
}

// crossSlotError is why no consumer takes from several queues in different slots.
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
		Err:    fmt.Errorf("these %d queues are in different slots, and one command can use keys of one slot only", len(queues)),
		Remedy: fmt.Sprintf("open a consumer for each of them, or keep them in one slot by a part in braces in their name, such as {orders}:%s", DefaultQueue),
	}
}

// home is the name from which a design derives its other keys for the queue: the
// queue's name if the queues are in different slots, otherwise one for all queues.
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
