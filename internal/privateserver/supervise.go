//go:build unix

package privateserver

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// watch starts a shell in the background that reads a line from descriptor 3
// and sends this process, $$, the signal at the end of the file: only our owner holds
// the other end, which closes with it. Then this process becomes the server, so that
// its id, its signals and its exit status are the server's own. The watcher is
// a grandchild, because a server is surprised by children it does not know.
const watch = `( ( read -r released <&3 || kill -"$1" $$ ) & )
shift
exec "$@" 3<&-`

// supervise starts cmd under a watcher that sends it the signal when this process
// dies, by whatever means. It needs a shell and nothing of the kernel; Linux has its own
// way, see spawn.
func supervise(cmd *exec.Cmd, death unix.Signal) (*Process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe to its watcher: %w", err)
	}
	defer r.Close()
	cmd.Args = append([]string{"sh", "-c", watch, "sh", strconv.Itoa(int(death)), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.ExtraFiles = []*os.File{r} // descriptor 3
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, err
	}
	c := &Process{cmd: cmd, done: make(chan struct{}), owner: w}
	go func() {
		c.err = cmd.Wait()
		// The server's id is free for others now: the watcher must not kill it.
		// It cannot have gone yet, unless someone killed it; then nothing is
		// left to release.
		_, _ = w.WriteString("released\n")
		w.Close()
		close(c.done)
	}()
	return c, nil
}
