//go:build unix

package workergroup

import (
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// afterwards waits for a line and kills the group when none comes: its input
// ends with the process that holds the other end.
const afterwards = `trap '' INT TERM HUP; read -r released || kill -KILL "-$1"`

// guard has the group killed after the end of this process, however it ends.
// Asking nicely has no point then: a Redis of the run's own is gone as well.
func guard(group int) (release func(), err error) {
	c := exec.Command("sh", "-c", afterwards, "sh", strconv.Itoa(group))
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	return func() {
		// An error means that someone has ended the guard before us.
		_, _ = io.WriteString(in, "released\n")
		_ = in.Close()
		_ = c.Wait()
	}, nil
}

// lead makes the process the leader of a new process group.
func lead(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
