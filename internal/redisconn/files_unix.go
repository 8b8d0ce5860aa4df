//go:build unix

package redisconn

import (
	"fmt"
	"syscall"
)

// ownFiles are the files that a process has open besides its connections to Redis:
// files, timers, the poller.
const ownFiles = 32

// FileLimit is how many connections this process may have open. known is false where no
// limit is set, or none is known.
func FileLimit() (connections int64, known bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > 1<<62 {
		return 0, false // unknown, or none; the connections themselves will tell
	}
	return int64(l.Cur) - ownFiles, true
}

// CheckFiles makes sure that this process may open so many connections.
func CheckFiles(connections int) error {
	if limit, known := FileLimit(); known && int64(connections) > limit {
		return &Error{
			Op:     "connect to Redis",
			Err:    fmt.Errorf("%d connections are needed, and this process may open %d files", connections, limit+ownFiles),
			Remedy: "raise the limit (ulimit -n), or use fewer producers, consumers and subscribers",
		}
	}
	return nil
}
