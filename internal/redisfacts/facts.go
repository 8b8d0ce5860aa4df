// Package redisfacts asks Redis servers about themselves: version, INFO, command
// statistics, and the settings that matter to a queue. Begin reading at [Inspect].
package redisfacts

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/redisconn"
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
func Inspect(ctx context.Context, s *redisconn.Servers) (Facts, error) {
	masters, err := s.Masters(ctx)
	if err != nil {
		return Facts{}, redisconn.Explain("look for the masters", s.Address(), err)
	}
	var all []Node
	var silent []Node
	var faults []error
	for _, addr := range masters {
		n := Node{Address: addr, Role: "master"}
		f, err := inspect(ctx, s.Node(addr), addr)
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
	f := mergeFacts(all)
	for _, err := range faults {
		f.Withheld = append(f.Withheld, err.Error())
	}
	all = append(all, silent...)
	f.Withheld = append(f.Withheld, s.Missing.Words()...)
	if mode := s.Mode(); mode != "" {
		f.Mode = mode
		f.Nodes = append(all, replicas(all)...)
	}
	return f, nil
}

// inspect asks one server about itself.
func inspect(ctx context.Context, rdb *redisconn.Node, addr string) (Facts, error) {
	f := Facts{Info: map[string]string{}, Commands: map[string]CommandFacts{}, Config: map[string]string{}}
	text, err := rdb.Do(ctx, "INFO", "everything").Text()
	if redisconn.IsErrorReply(err) {
		text, err = rdb.Do(ctx, "INFO").Text()
	}
	switch {
	case redisconn.IsErrorReply(err):
		f.Withheld = append(f.Withheld, "INFO: "+redisconn.Brief(err))
	case redisconn.HungUp(err) && redisconn.CheckReachable(ctx, rdb) == nil:
		f.Withheld = append(f.Withheld, "INFO: the connection was closed, as some proxies do")
	case err != nil:
		return f, redisconn.Explain("ask for INFO", addr, err)
	default:
		f.readInfo(text)
	}
	f.Version, f.Mode = f.version(), f.mode()
	for _, name := range settings {
		values, err := rdb.ConfigGet(ctx, name).Result()
		if redisconn.IsErrorReply(err) {
			f.Withheld = append(f.Withheld, "CONFIG GET: "+redisconn.Brief(err))
			break
		}
		if redisconn.HungUp(err) && redisconn.CheckReachable(ctx, rdb) == nil {
			f.Withheld = append(f.Withheld, "CONFIG GET: the connection was closed, as some proxies do")
			break
		}
		if err != nil {
			return f, redisconn.Explain("ask for CONFIG", addr, err)
		}
		if v, ok := values[name]; ok {
			f.Config[name] = v
		}
	}
	return f, nil
}

// version is what the server is and which. Servers other than
// Redis also report a redis_version: the one that they are compatible with.
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
