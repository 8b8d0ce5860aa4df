//go:build !linux

package workergroup

import "time"

// Metered reports whether [Group.Meter] can tell anything on this system.
const Metered = false

// Meter tells nothing here: see the one of Linux.
func (g *Group) Meter() (read func() (used time.Duration, known bool)) {
	return func() (time.Duration, bool) { return 0, false }
}
