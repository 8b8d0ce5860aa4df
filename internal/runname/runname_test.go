package runname_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
)

func TestNamesOfARunAreKnownAsSuchAndThoseOfOthersAreNot(t *testing.T) {
	t.Parallel()
	queue, channel := runname.Of("a1")
	other, _ := runname.Of("a2")
	if queue == other || !runname.IsQueue(queue) || !runname.IsChannel(channel) || runname.IsQueue(channel) || runname.IsChannel(queue) {
		t.Errorf("queue %q, channel %q, queue of another run %q", queue, channel, other)
	}
	for _, name := range []string{jobqueue.DefaultQueue, jobqueue.DefaultChannel, "queuedyno:", "other:a1:" + jobqueue.DefaultQueue} {
		if runname.IsQueue(name) || runname.IsChannel(name) {
			t.Errorf("%q passes for a name of a run", name)
		}
	}
}
