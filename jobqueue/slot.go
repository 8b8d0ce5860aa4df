package jobqueue

import (
	"fmt"
	"slices"
	"strings"
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
