package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Facts are what a server says of itself.
type Facts struct {
	Version string // such as 7.0.15, "" where it does not say
	Mode    string // standalone, sentinel, cluster; "" where it does not say
	// Info is INFO, key by key, without the command statistics.
	Info map[string]string
	// Commands are the command statistics, by command in lower case.
	Commands map[string]CommandFacts
	// Config holds the settings that matter to a queue's speed and safety.
	Config map[string]string
	// Withheld lists what could not be asked, in words.
	Withheld []string
}

// CommandFacts count one command since the server's start.
type CommandFacts struct{ Calls, USec, Rejected, Failed int64 }

// settings are the settings that matter: what is written to disk, what memory
// there is, what happens to slow subscribers, how many may connect.
var settings = []string{
	"save", "appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "maxclients",
	"client-output-buffer-limit", "io-threads", "hz", "timeout", "tcp-backlog",
	"latency-monitor-threshold", "slowlog-log-slower-than", "list-max-listpack-size", "list-compress-depth",
	"stream-node-max-bytes", "stream-node-max-entries",
}

// Inspect asks the server about itself. What it may not or cannot ask is listed
// in Facts.Withheld; only a broken connection is an error.
func (c *Client) Inspect(ctx context.Context) (Facts, error) {
	f := Facts{Info: map[string]string{}, Commands: map[string]CommandFacts{}, Config: map[string]string{}}
	text, err := c.rdb.Do(ctx, "INFO", "everything").Text()
	if refused(err) {
		text, err = c.rdb.Do(ctx, "INFO").Text()
	}
	switch {
	case refused(err):
		f.Withheld = append(f.Withheld, "INFO: "+brief(err))
	case err != nil:
		return f, explain("ask for INFO", c.options.Addr, err)
	default:
		f.readInfo(text)
	}
	f.Version = f.Info["redis_version"]
	if v := f.Info["valkey_version"]; v != "" {
		f.Version = "valkey " + v
	}
	f.Mode = f.Info["redis_mode"]
	for _, name := range settings {
		values, err := c.rdb.ConfigGet(ctx, name).Result()
		if refused(err) {
			f.Withheld = append(f.Withheld, "CONFIG GET: "+brief(err))
			break
		}
		if err != nil {
			return f, explain("ask for CONFIG", c.options.Addr, err)
		}
		if v, ok := values[name]; ok {
			f.Config[name] = v
		}
	}
	return f, nil
}

// brief is the first clause of an error reply: some servers repeat the whole
// command in it.
func brief(err error) string {
	text, _, _ := strings.Cut(err.Error(), ", with args")
	return text
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

// Check makes sure, before anything starts, that this Redis takes writes and
// has room for so many more connections, and that what is there under the
// queue's names is of the design's type. It writes and removes one small key of
// its own, which would expire by itself.
func (c *Client) Check(ctx context.Context, connections int) error {
	if err := checkFiles(connections); err != nil {
		return err
	}
	probe := fmt.Sprintf("queuedyno:probe:%d", time.Now().UnixNano())
	if err := c.rdb.Set(ctx, probe, "1", 10*time.Second).Err(); err != nil {
		return explain("write to redis", c.options.Addr, err)
	}
	if err := c.rdb.Del(ctx, probe).Err(); err != nil {
		return explain("write to redis", c.options.Addr, err)
	}
	if err := c.checkTypes(ctx); err != nil {
		return err
	}
	limit, err := c.rdb.ConfigGet(ctx, "maxclients").Result()
	if err != nil {
		return nil // not allowed to ask; the connections themselves will tell
	}
	clients, err := c.rdb.Do(ctx, "INFO", "clients").Text()
	if err != nil {
		return nil
	}
	var f Facts
	f.Info = map[string]string{}
	f.readInfo(clients)
	most, err1 := strconv.Atoi(limit["maxclients"])
	now, err2 := strconv.Atoi(f.Info["connected_clients"])
	if err1 == nil && err2 == nil && most > 0 && now+connections > most {
		return &Error{
			Op: "connect", Address: c.options.Addr,
			Err:  fmt.Errorf("%d connections are needed, and %d of the server's %d are in use", connections, now, most),
			hint: "raise maxclients of that Redis, or use fewer producers, consumers and subscribers",
		}
	}
	return nil
}
