//go:build unix

package main

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// apart puts the process into its own process group, which gets SIGINT as a whole when
// the context ends.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
}

// stallProcess stops the process for d, or until ctx ends, and lets it go on.
// The process must be one that we started.
func stallProcess(ctx context.Context, pid int, d time.Duration) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause process %d: %w", pid, err)
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
		return fmt.Errorf("resume process %d: %w", pid, err)
	}
	return ended
}
