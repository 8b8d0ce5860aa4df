package privateserver

import (
	"io"
	"os/exec"
)

// wait reads a line and runs the rest when none comes: its input ends with the process
// that holds the other end. It ignores the terminal's signals, which reach it too.
const wait = `trap '' INT QUIT TERM HUP; read -r released && exit
`

// Afterwards runs a command of the shell after the end of this process, however it ends,
// even by a panic or by SIGKILL. The arguments are $1 and so on. release ends the wait
// without running the command. Where there is no shell, nothing runs.
func Afterwards(command string, args ...string) (release func()) {
	c := exec.Command("sh", append([]string{"-c", wait + command, "sh"}, args...)...)
	in, err := c.StdinPipe()
	if err != nil || c.Start() != nil {
		return func() {}
	}
	// Something must keep the pipe open even if the caller loses release.
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Wait()
	}()
	return func() {
		// An error means that the shell was ended before.
		_, _ = io.WriteString(in, "released\n")
		<-done
	}
}
