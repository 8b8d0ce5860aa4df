package jobqueue

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

// minVisibility keeps signs of life from being the main load.
const minVisibility = 100 * time.Millisecond

// maxQueues is far beyond what anybody has.
const maxQueues = 10_000

// Validate tells all that is wrong with the design, without a server.
func (cfg Config) Validate() error {
	cfg = cfg.WithDefaults()
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

// WithDefaults is the config with its defaults in the place of zero values, as
// [Connect] uses it.
func (cfg Config) WithDefaults() Config {
	cfg.Queue, cfg.Channel = cmp.Or(cfg.Queue, DefaultQueue), cmp.Or(cfg.Channel, DefaultChannel)
	cfg.Design, cfg.Notify = cmp.Or(cfg.Design, List), cmp.Or(cfg.Notify, PubSub)
	cfg.Queues, cfg.Channels = cmp.Or(cfg.Queues, 1), cmp.Or(cfg.Channels, 1)
	cfg.Poll, cfg.Visibility = cmp.Or(cfg.Poll, 10*time.Millisecond), cmp.Or(cfg.Visibility, 5*time.Second)
	return cfg
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
	return fmt.Errorf("unknown %s %.40q%s; there are %s", what, word, nearest.Clause(string(word), names), strings.Join(names, ", "))
}

// lanes are the names of a client's queues and channels.
type lanes struct{ queues, channels []string }

// lanes are the names themselves where there is one queue or one channel. Of several,
// queue i is <name>:<i> and channel i is <name>:t<i+1>.
func (cfg Config) lanes() lanes {
	l := lanes{[]string{cfg.Queue}, []string{cfg.Channel}}
	if cfg.Queues > 1 {
		l.queues = nil
		for i := range cfg.Queues {
			l.queues = append(l.queues, fmt.Sprintf("%s:%d", cfg.Queue, i))
		}
	}
	if cfg.Channels > 1 {
		l.channels = nil
		for i := range cfg.Channels {
			l.channels = append(l.channels, fmt.Sprintf("%s:t%d", cfg.Channel, i+1))
		}
	}
	return l
}
