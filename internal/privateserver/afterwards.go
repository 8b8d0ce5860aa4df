package privateserver

import (
	"io"
	"os/exec"
)

// wait reads a line and runs the rest when none comes: its input ends with the process
// that holds the other end. It ignores the terminal's signals, which reach it too.
const wait = `trap '' INT QUIT TERM HUP; read -r released && exit
`

// Afterwards runs a command of the shell after the end of this process, however it ends:
// a panic, a test's timeout and SIGKILL pass by everything else. The arguments are $1
// and so on. release ends the wait without running the command. The caller must keep
// release, because what it holds open is what the shell waits on.
//
// Where there is no shell, nothing runs.
func Afterwards(command string, args ...string) (release func()) {
	c := exec.Command("sh", append([]string{"-c", wait + command, "sh"}, args...)...)
	in, err := c.StdinPipe()
	if err != nil || c.Start() != nil {
		return func() {}
	}
	return func() {
		// An error means that the shell was ended before.
		_, _ = io.WriteString(in, "released\n")
		_ = in.Close()
		_ = c.Wait()
	}
}
