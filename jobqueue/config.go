package jobqueue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

// minVisibility keeps signs of life from being the main load.
const minVisibility = 100 * time.Millisecond

// QueueName is the key of queue i of n: the name itself where there is one, and
// <name>:<i> where there are several.
func QueueName(name string, i, n int) string {
	if n <= 1 {
		return name
	}
	return fmt.Sprintf("%s:%d", name, i)
}

// ChannelName is the name of channel i of n: the name itself where there is one,
// and <name>:t<i+1> where there are several.
func ChannelName(name string, i, n int) string {
	if n <= 1 {
		return name
	}
	return fmt.Sprintf("%s:t%d", name, i+1)
}

// maxQueues is far beyond what anybody has.
const maxQueues = 10_000

// Validate tells all that is wrong with the design, without a server.
func (cfg Config) Validate() error {
	cfg = cfg.whole()
	faults := []error{
		oneOf("design", cfg.Design, Designs()),
		oneOf("notify", cfg.Notify, Notifies()),
	}
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(cfg.Queues < 0 || cfg.Queues > maxQueues, "queues %d: give 1 to %d", cfg.Queues, maxQueues)
	fault(cfg.Channels < 0 || cfg.Channels > maxQueues, "channels %d: give 1 to %d", cfg.Channels, maxQueues)
	fault(cfg.Poll < 0, "poll %s: give a time above 0", cfg.Poll)
	fault(cfg.Visibility < minVisibility, "visibility %s: give %s or more", cfg.Visibility, minVisibility)
	fault(cfg.Pattern && cfg.Notify == ShardedPubSub, "pattern: sharded channels cannot be subscribed to by pattern; use notify %q", PubSub)
	return errors.Join(faults...)
}

// whole is the config with its defaults filled in.
func (cfg Config) whole() Config {
	cfg.Queue, cfg.Channel = orDefault(cfg.Queue, DefaultQueue), orDefault(cfg.Channel, DefaultChannel)
	cfg.Design, cfg.Notify = orDefault(cfg.Design, List), orDefault(cfg.Notify, PubSub)
	cfg.Queues, cfg.Channels = orDefault(cfg.Queues, 1), orDefault(cfg.Channels, 1)
	cfg.Poll, cfg.Visibility = orDefault(cfg.Poll, DefaultPoll), orDefault(cfg.Visibility, DefaultVisibility)
	return cfg
}

func orDefault[T comparable](v, otherwise T) T {
	var none T
	if v == none {
		return otherwise
	}
	return v
}

// oneOf is an error unless the word is valid.
func oneOf[T ~string](what string, word T, valid []T) error {
	if slices.Contains(valid, word) {
		return nil
	}
	var names []string
	for _, v := range valid {
		names = append(names, string(v))
	}
	hint := ""
	if near := nearest.Nearest(string(word), names); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	return fmt.Errorf("unknown %s %.40q%s; there are %s", what, word, hint, strings.Join(names, ", "))
}

// lanes are the names of a client's queues and channels.
type lanes struct{ queues, channels []string }

func (cfg Config) lanes() lanes {
	var l lanes
	for i := range cfg.Queues {
		l.queues = append(l.queues, QueueName(cfg.Queue, i, cfg.Queues))
	}
	for i := range cfg.Channels {
		l.channels = append(l.channels, ChannelName(cfg.Channel, i, cfg.Channels))
	}
	return l
}
