//go:build unix && !linux

package redisserver

import "os/exec"

// spawn starts cmd such that it is killed when this process dies.
func spawn(cmd *exec.Cmd) (*child, error) { return supervise(cmd) }
