package scenario

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// odd are messages on the channel that end no job, for whoever has to find out why
// his workers are not understood. They are rare, or the run is broken.
type odd struct {
	mu         sync.Mutex
	unreadable string // the first message that is no update, and why
	statuses   map[jobqueue.Status]int64
	updates    int64 // with such a status
}

// The bounds of what is told of odd messages.
const (
	mostStatuses = 5
	mostQuoted   = 120
)

// noUpdate notes a message that cannot be read.
func (o *odd) noUpdate(message []byte, why error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.unreadable == "" {
		o.unreadable = fmt.Sprintf("%s: %s", excerpt(string(message)), why)
	}
}

// status notes an update of a job of ours with a status that is none.
func (o *odd) status(s jobqueue.Status) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.updates++
	if o.statuses == nil {
		o.statuses = map[jobqueue.Status]int64{}
	}
	if _, known := o.statuses[s]; known || len(o.statuses) < mostStatuses {
		o.statuses[s]++
	}
}

// excerpt is the beginning of a text, in quotes.
func excerpt(text string) string {
	if len(text) > mostQuoted {
		return fmt.Sprintf("%q…", text[:mostQuoted])
	}
	return fmt.Sprintf("%q", text)
}

// tellOdd warns of messages that were heard and not understood. It reports whether
// there were any.
func (r *run) tellOdd(corrupt int64) bool {
	o := &r.odd
	o.mu.Lock()
	unreadable, updates := o.unreadable, o.updates
	var names []string
	for s := range o.statuses {
		names = append(names, excerpt(string(s)))
	}
	o.mu.Unlock()
	slices.Sort(names)
	if updates > 0 {
		r.warn("%d updates about jobs of this run had another status than RUNNING, COMPLETED and FAILED (%s): they were passed over, and end no job", updates, strings.Join(names, ", "))
	}
	if unreadable != "" {
		r.warn("%d messages on the channel, or elements of the queue, could not be read; the first message: %s", corrupt, unreadable)
	}
	return updates > 0 || unreadable != ""
}
