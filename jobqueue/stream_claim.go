package jobqueue

import (
	"cmp"
	"sync"
	"time"
)

// claim is when the jobs of dead workers are to be looked for next in one
// queue, and where in its list of unfinished jobs the look before ended.
type claim struct {
	mu   sync.Mutex
	next time.Time
	from string
}

// due reports whether to look now, and from where. It does so to only one consumer of
// a client at a time.
func (l *claim) due(now time.Time, every time.Duration) (from string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.next) {
		return "", false
	}
	l.next = now.Add(every)
	return cmp.Or(l.from, "0-0"), true
}

// ended notes where a look ended. Where there was more, the next consumer goes
// on.
func (l *claim) ended(at string, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from = at
	if more {
		l.next = time.Time{}
	}
}
