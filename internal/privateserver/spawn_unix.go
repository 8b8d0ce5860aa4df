//go:build unix && !linux

package privateserver

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// spawn starts cmd such that it gets the signal when this process dies.
func spawn(cmd *exec.Cmd, death unix.Signal) (*Process, error) { return supervise(cmd, death) }
