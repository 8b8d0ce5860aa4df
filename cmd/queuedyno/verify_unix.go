//go:build unix

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// stallProcess stops the process for d, or until ctx ends, and lets it go on.
// The process must be one that we started.
func stallProcess(ctx context.Context, pid int, d time.Duration) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	ended := error(nil)
	select {
	case <-t.C:
	case <-ctx.Done():
		ended = ctx.Err()
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		return fmt.Errorf("let process %d go on: %w", pid, err)
	}
	return ended
}
