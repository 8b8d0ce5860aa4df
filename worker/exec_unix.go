//go:build unix

package worker

import (
	"os/exec"
	"syscall"
)

// alone makes the process the leader of a new process group.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// kill ends the process and all that it started. That it has ended by itself
// is no error.
func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
