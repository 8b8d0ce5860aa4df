//go:build !unix

package worker

import "os/exec"

// alone does nothing: there are no groups of processes here.
func alone(*exec.Cmd) {}

// kill ends the process.
func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
