package reconnect

import (
	"sync/atomic"
	"time"
)

// A connection that is closed within rightAfter of being opened, before any command on
// it was answered, counts as refused. After maxRefused of them in a row the loop gives
// up: a proxy closes a connection on which it gets a command that it does not know.
const (
	rightAfter = 100 * time.Millisecond
	maxRefused = 10
)

// Streak is a row of connections that were lost before a command was answered. The zero
// value is a row of none. One goroutine opens and loses connections; [Streak.Answered] may
// be called by another.
type Streak struct {
	n      atomic.Int32
	opened time.Time
	began  time.Time
}

// Answered ends the row. It is called for every answer.
func (k *Streak) Answered() {
	if k.n.Load() != 0 {
		k.n.Store(0)
	}
}

// Opened notes that another connection is open, and returns when.
func (k *Streak) Opened() time.Time {
	k.opened = time.Now()
	return k.opened
}

// Next counts the loss of a connection, or a try that failed, and says how many there were
// in a row, or that another connection is pointless: the row lasts for longer than the
// patience, or is long. said is that the server gave its reason, which does not make the row
// long: it may say something else later.
func (k *Streak) Next(said bool, patience time.Duration) (failures int, over bool) {
	now := time.Now()
	if now.Sub(k.opened) >= rightAfter {
		k.n.Store(0) // it was good for a while
	}
	n := int(k.n.Add(1))
	if n == 1 {
		k.began = now
		return n, false
	}
	return n, !said && n >= maxRefused || now.Sub(k.began) > patience
}
