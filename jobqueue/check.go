package jobqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// Check makes sure, before anything starts, that the server of the queue takes
// writes and has room for so many more connections, and that what is there
// under the queue's names is of the design's type. Behind sentinels the server
// is the master, and in a cluster the node that serves the queue; where the
// queues are in several slots, each of their nodes must have room for its part. It writes
// and removes one small key, which would expire by itself; if SET is withheld it
// tries other commands that write, on a key that does not exist.
func (c *Client) Check(ctx context.Context, connections int) error {
	if err := redisconn.CheckFiles(connections); err != nil {
		return err
	}
	served := map[string][]string{} // the homes at each node
	for _, home := range c.homes() {
		addr, err := c.servers.Find(ctx, home)
		if err != nil {
			return redisconn.Explain("look for the queue's node", c.servers.Address(), err)
		}
		served[addr] = append(served[addr], home)
	}
	var all error
	for _, addr := range slices.Sorted(maps.Keys(served)) {
		homes := served[addr]
		// The connections are spread as the queues are.
		part := (connections*len(homes) + len(c.homes()) - 1) / len(c.homes())
		all = errors.Join(all, c.checkNode(ctx, addr, homes[0], part))
	}
	return cmp.Or(all, c.checkTypes(ctx))
}

// room makes sure that a server has so many connections left.
func room(ctx context.Context, rdb *redis.Client, addr string, connections int) error {
	limit, err := rdb.ConfigGet(ctx, "maxclients").Result()
	if err != nil {
		return nil // not allowed to ask; the connections themselves will tell
	}
	clients, err := rdb.Do(ctx, "INFO", "clients").Text()
	if err != nil {
		return nil
	}
	max, err := strconv.Atoi(limit["maxclients"])
	now, known := infoNumber(clients, "connected_clients")
	// The connections of a cluster's nodes to each other count as well, twice.
	links, _ := infoNumber(clients, "cluster_connections")
	now += links
	if err == nil && known && max > 0 && now+int64(connections) > int64(max) {
		return &redisconn.Error{
			Op: "connect to Redis", Address: addr,
			Err:    fmt.Errorf("%d connections are needed, and %d of the server's %d are in use", connections, now, max),
			Remedy: "raise maxclients of that Redis, or use fewer producers, consumers and subscribers",
		}
	}
	return nil
}

// checkNode makes sure that the node of a home takes writes and connections.
func (c *Client) checkNode(ctx context.Context, addr, home string, connections int) error {
	node := c.servers.Node(addr)
	if err := c.checkWrites(ctx, node, home); err != nil {
		return redisconn.Explain("write to redis", addr, err)
	}
	return room(ctx, node, addr, connections)
}

// checkWrites makes sure that a node takes writes. A SET shows all that can be
// wrong. Where the server, a proxy or the user's rights withhold it, commands that
// change nothing show as much as they can: they write to a key that does not exist,
// and a read-only replica refuses them, too.
func (c *Client) checkWrites(ctx context.Context, node *redis.Client, home string) error {
	probe := probeKey(home)
	err := node.Set(ctx, probe, "1", 10*time.Second).Err()
	if err == nil {
		if err := node.Del(ctx, probe).Err(); err != nil && !redisconn.Unsupported(err) { // it expires by itself
			return err
		}
		return nil
	}
	tries := []func() error{
		func() error { return node.LPushX(ctx, probe, "1").Err() }, // needs memory, as SET does
		func() error { return node.Del(ctx, probe).Err() },
		func() error { return node.RPop(ctx, probe).Err() },
	}
	if c.cfg.Design == Stream {
		tries[2] = func() error { return node.XDel(ctx, probe, "0-1").Err() }
	}
	withheld := err
	for _, try := range tries {
		if !redisconn.Withheld(err) && !(redisconn.HungUp(err) && redisconn.CheckReachable(ctx, node) == nil) {
			break
		}
		if err = try(); errors.Is(err, redis.Nil) {
			err = nil
		}
	}
	if redisconn.Withheld(err) || redisconn.HungUp(err) && redisconn.CheckReachable(ctx, node) == nil {
		c.servers.Missing.Note("SET", "whether the server takes writes shows at the first push", withheld)
		return nil
	}
	return err
}

// checkTypes makes sure that no key of the design's names is there already and
// holds something else.
func (c *Client) checkTypes(ctx context.Context) error {
	want := "list"
	if c.cfg.Design == Stream {
		want = "stream"
	}
	for _, key := range c.lanes.queues {
		is, err := c.rdb.Type(ctx, key).Result()
		if redisconn.Unsupported(err) {
			return nil // not allowed to ask; the commands themselves will tell
		}
		if err != nil {
			return c.explain("ask for the type of", key, err)
		}
		if is != "none" && is != want {
			return &redisconn.Error{
				Op: fmt.Sprintf("use the queue %q", key), Address: c.servers.Address(),
				Err:    fmt.Errorf("the key exists and is a %s; design %q keeps a %s there", is, c.cfg.Design, want),
				Remedy: "name another queue, or choose the design that the key is of",
			}
		}
	}
	return nil
}

// infoNumber is a number out of INFO.
func infoNumber(info, key string) (n int64, ok bool) {
	for line := range strings.Lines(info) {
		if text, found := strings.CutPrefix(strings.TrimSpace(line), key+":"); found {
			n, err := strconv.ParseInt(text, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
