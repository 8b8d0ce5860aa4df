// Package runname names the queue and the channel of a run, so that no two runs and
// no other user of the same Redis share them. Begin reading at [Of].
package runname

import (
	"strings"

	"github.com/queuedyno/queuedyno/jobqueue"
)

const prefix = "queuedyno:"

// Of is the queue and the channel of the run with the id.
func Of(runID string) (queue, channel string) {
	return prefix + runID + ":" + jobqueue.DefaultQueue, prefix + runID + ":" + jobqueue.DefaultChannel
}

// IsQueue reports whether [Of] makes the name of a queue.
func IsQueue(name string) bool { return made(name, jobqueue.DefaultQueue) }

// IsChannel reports whether [Of] makes the name of a channel.
func IsChannel(name string) bool { return made(name, jobqueue.DefaultChannel) }

func made(name, end string) bool {
	id, ok := strings.CutPrefix(name, prefix)
	return ok && strings.HasSuffix(id, ":"+end)
}
