//go:build !unix

package main

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

// apart does nothing here: the process is ended when its context ends.
func apart(*exec.Cmd) {}

// stallProcess refuses: this system cannot stop a process and let it go on. It
// is never reached, since there is no private redis-server on it either.
func stallProcess(context.Context, int, time.Duration) error {
	return errors.New("stop the server: this system cannot stop a process and let it go on")
}
