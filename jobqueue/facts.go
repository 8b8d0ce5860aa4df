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

	"github.com/redis/go-redis/v9"
)

// Facts are what a server says of itself, or the servers of a cluster together.
type Facts struct {
	// Version is such as 7.0.15 or "valkey 8.0.1", "" where the server does not
	// say. Where the nodes of a cluster differ, all are named.
	Version string
	Mode    string // standalone, sentinel, cluster; "" where it does not say
	// Info is INFO, key by key, without the command statistics. Of a cluster,
	// counters are the sums over the masters, and what else the masters do not
	// agree on is left out; run_id names them all.
	Info map[string]string
	// Commands are the command statistics, by command in lower case; of a
	// cluster the sums over the masters.
	Commands map[string]CommandFacts
	// Config holds the settings that matter to a queue's speed and safety.
	// Where the masters of a cluster differ, all their values are named.
	Config map[string]string
	// Nodes are the servers behind sentinels or of a cluster, masters first;
	// nil where there is one server.
	Nodes []Node
	// Withheld lists what could not be asked, in words.
	Withheld []string
}

// Node is one of several servers.
type Node struct {
	Address string
	Role    string // master or replica
	// Facts are what a master says of itself; nil where it did not answer, and
	// for a replica, which is not asked.
	Facts *Facts
}

// CommandFacts count one command since the server's start.
type CommandFacts struct{ Calls, USec, Rejected, Failed int64 }

// settings are the settings that matter: what is written to disk, what memory
// there is, what happens to slow subscribers, how many may connect.
var settings = []string{
	"save", "appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "maxclients",
	"client-output-buffer-limit", "io-threads", "hz", "timeout", "tcp-backlog",
	"latency-monitor-threshold", "slowlog-log-slower-than", "list-max-listpack-size", "list-compress-depth",
	"stream-node-max-bytes", "stream-node-max-entries", "proto-max-bulk-len", "client-query-buffer-limit",
}

// Inspect asks the server about itself, and of a cluster every master. What it
// may not or cannot ask is listed in Facts.Withheld; it is an error only if no
// server answers.
func (c *Client) Inspect(ctx context.Context) (Facts, error) {
	masters, err := c.routes.masters(ctx)
	if err != nil {
		return Facts{}, explain("look for the masters", c.options.Addr, err)
	}
	var all []Node
	var silent []Node
	var faults []error
	for _, addr := range masters {
		n := Node{Address: addr, Role: "master"}
		f, err := c.inspect(ctx, c.routes.node(addr), addr)
		if err != nil {
			silent, faults = append(silent, n), append(faults, err)
			continue
		}
		n.Facts = &f
		all = append(all, n)
	}
	if len(all) == 0 {
		return Facts{}, errors.Join(faults...)
	}
	f := together(all)
	for _, err := range faults {
		f.Withheld = append(f.Withheld, err.Error())
	}
	all = append(all, silent...)
	f.Withheld = append(f.Withheld, c.lack.words()...)
	if mode := c.routes.mode(); mode != "" {
		f.Mode = mode
		f.Nodes = append(all, replicas(all)...)
	}
	return f, nil
}

// inspect asks one server about itself.
func (c *Client) inspect(ctx context.Context, rdb *redis.Client, addr string) (Facts, error) {
	f := Facts{Info: map[string]string{}, Commands: map[string]CommandFacts{}, Config: map[string]string{}}
	text, err := rdb.Do(ctx, "INFO", "everything").Text()
	if refused(err) {
		text, err = rdb.Do(ctx, "INFO").Text()
	}
	switch {
	case refused(err):
		c.noInfo.Store(Withheld(err))
		f.Withheld = append(f.Withheld, "INFO: "+brief(err))
	case hungUp(err) && answers(ctx, rdb) == nil:
		c.noInfo.Store(true)
		f.Withheld = append(f.Withheld, "INFO: the connection was closed, as some proxies do")
	case err != nil:
		return f, explain("ask for INFO", addr, err)
	default:
		f.readInfo(text)
	}
	f.Version, f.Mode = f.version(), f.mode()
	for _, name := range settings {
		values, err := rdb.ConfigGet(ctx, name).Result()
		if refused(err) {
			f.Withheld = append(f.Withheld, "CONFIG GET: "+brief(err))
			break
		}
		if hungUp(err) && answers(ctx, rdb) == nil {
			f.Withheld = append(f.Withheld, "CONFIG GET: the connection was closed, as some proxies do")
			break
		}
		if err != nil {
			return f, explain("ask for CONFIG", addr, err)
		}
		if v, ok := values[name]; ok {
			f.Config[name] = v
		}
	}
	return f, nil
}

// version is what the server is and which. Those that are not Redis say so
// beside a redis_version, which is the one that they are compatible with.
func (f *Facts) version() string {
	name := strings.ToLower(f.Info["server_name"])
	if v := f.Info["valkey_version"]; v != "" {
		return "valkey " + v
	}
	if v := f.Info[name+"_version"]; name != "" && name != "redis" && v != "" {
		return name + " " + v
	}
	return f.Info["redis_version"]
}

func (f *Facts) mode() string {
	if m := f.Info["redis_mode"]; m != "" {
		return m
	}
	return f.Info["server_mode"]
}

// brief is the first clause of an error reply: some servers repeat the whole
// command in it.
func brief(err error) string {
	return withoutArguments(err.Error())
}

// refused reports whether the server answered, with an error.
func refused(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}

func (f *Facts) readInfo(text string) {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		command, isCommand := strings.CutPrefix(key, "cmdstat_")
		if !isCommand {
			f.Info[key] = value
			continue
		}
		var stat CommandFacts
		for pair := range strings.SplitSeq(value, ",") {
			name, digits, _ := strings.Cut(pair, "=")
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil {
				continue // usec_per_call, which the others give too
			}
			switch name {
			case "calls":
				stat.Calls = n
			case "usec":
				stat.USec = n
			case "rejected_calls":
				stat.Rejected = n
			case "failed_calls":
				stat.Failed = n
			}
		}
		f.Commands[strings.ToLower(command)] = stat
	}
}

// Check makes sure, before anything starts, that the server of the queue takes
// writes and has room for so many more connections, and that what is there
// under the queue's names is of the design's type. Behind sentinels the server
// is the master, and in a cluster the node that serves the queue; where queues
// lie [Client.Apart], each of their nodes must have room for its part. It writes
// and removes one small key of its own, which would expire by itself; where SET is
// withheld it tries other commands that write, on a key that does not exist.
func (c *Client) Check(ctx context.Context, connections int) error {
	if err := checkFiles(connections); err != nil {
		return err
	}
	served := map[string][]string{} // the homes at each node
	for _, home := range c.homes() {
		addr, err := c.routes.find(ctx, home)
		if err != nil {
			return explain("look for the queue's node", c.options.Addr, err)
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
	var f Facts
	f.Info = map[string]string{}
	f.readInfo(clients)
	most, err1 := strconv.Atoi(limit["maxclients"])
	now, err2 := strconv.Atoi(f.Info["connected_clients"])
	// The connections of a cluster's nodes to each other count as well, twice.
	links, err3 := strconv.Atoi(f.Info["cluster_connections"])
	if err3 == nil {
		now += links
	}
	if err1 == nil && err2 == nil && most > 0 && now+connections > most {
		return &Error{
			Op: "connect", Address: addr,
			Err:  fmt.Errorf("%d connections are needed, and %d of the server's %d are in use", connections, now, most),
			hint: "raise maxclients of that Redis, or use fewer producers, consumers and subscribers",
		}
	}
	return nil
}

// Blocked is how many connections wait in a blocking command at this moment,
// whoever they belong to: with more workers than work, that is most of them.
func (c *Client) Blocked(ctx context.Context) (int64, error) {
	if c.noInfo.Load() {
		return 0, ErrWithheld
	}
	text, err := c.rdb.Info(ctx, "clients").Result()
	if err != nil {
		return 0, c.explain("ask for the clients of", c.queue, err)
	}
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "blocked_clients:"); ok {
			return strconv.ParseInt(n, 10, 64)
		}
	}
	return 0, errors.New("the server does not tell blocked_clients")
}
