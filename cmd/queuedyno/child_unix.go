//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart puts the process into a group of its own, which as a whole is asked to
// end when its context does.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
}
