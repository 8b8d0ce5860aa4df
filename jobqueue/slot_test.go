package jobqueue

import (
	"strings"
	"testing"
)

func TestNamesThatMustMeetInAClusterShareASlot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		why            string
		cfg            Config
		queue, channel string // "" for the fault
	}{
		{"one queue stays as it is", Config{Queue: "jobs"}, "jobs", DefaultChannel},
		{"names of a run get braces", Config{Queue: "queuedyno:7:job_queue", Channel: "queuedyno:7:job_updates", Queues: 2, Notify: ShardedPubSub},
			"{queuedyno:7}:job_queue", "{queuedyno:7}:job_updates"},
		{"ordinary channels are heard from everywhere", Config{Queue: "{q}", Channel: "c", Queues: 3, Channels: 3}, "{q}", "c"},
		{"names of the user's with a part in common", Config{Queue: "{app}:q", Channel: "{app}:c", Notify: ShardedPubSub}, "{app}:q", "{app}:c"},
		{"several queues in different slots", Config{Queue: "jobs", Queues: 2}, "jobs", DefaultChannel},
		{"several queues of a run in different slots", Config{Queue: "queuedyno:7:job_queue", Queues: 2}, "queuedyno:7:job_queue", DefaultChannel},
		{"several queues and a sharded channel", Config{Queue: "jobs", Queues: 2, Notify: ShardedPubSub}, "", ""},
		{"a sharded channel elsewhere", Config{Queue: "{a}", Channel: "{b}", Notify: ShardedPubSub}, "", ""},
		{"empty braces do not count", Config{Queue: "{}jobs", Queues: 2, Notify: ShardedPubSub}, "", ""},
	} {
		got, err := c.cfg.WithDefaults().oneSlot()
		if c.queue == "" {
			if err == nil || !strings.Contains(err.Error(), "{orders}") {
				t.Errorf("%s: %v, want an error with an example", c.why, err)
			}
			continue
		}
		if err != nil || got.Queue != c.queue || got.Channel != c.channel {
			t.Errorf("%s: %q and %q, %v; want %q and %q", c.why, got.Queue, got.Channel, err, c.queue, c.channel)
		}
	}
}
