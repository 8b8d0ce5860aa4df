//go:build unix

package redisconn

import (
	"fmt"
	"syscall"
)

// CheckFiles makes sure that this process may open so many connections.
func CheckFiles(connections int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return nil // unknown; the connections themselves will tell
	}
	const ours = 32 // files, timers, the poller
	if uint64(connections+ours) > uint64(l.Cur) {
		return &Error{
			Op:     "connect to Redis",
			Err:    fmt.Errorf("%d connections are needed, and this process may open %d files", connections, l.Cur),
			Remedy: "raise the limit (ulimit -n), or use fewer producers, consumers and subscribers",
		}
	}
	return nil
}
