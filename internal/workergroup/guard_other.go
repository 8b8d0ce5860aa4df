//go:build !unix

package workergroup

import "os/exec"

// guard does nothing: there are no groups of processes here.
func guard(int) (release func(), err error) { return func() {}, nil }

// lead does nothing, as guard.
func lead(*exec.Cmd) {}
