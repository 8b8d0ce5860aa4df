//go:build unix

package privateserver

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// These tests are white-box because Linux does not use supervise, and still
// must keep it working for the systems that do.

// supervised starts a shell under supervision that prints a line and then reads
// standard input that never ends. The returned output ends with the shell.
func supervised(t *testing.T) (*Process, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "echo $$; read -r line")
	in, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); stdin.Close(); out.Close() })
	cmd.Stdin, cmd.Stdout = in, stdout
	c, err := supervise(cmd, syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); <-c.done })
	stdout.Close()
	if err := out.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(out)
}

func TestSupervisedServerIsTheProcessWeStarted(t *testing.T) {
	t.Parallel()
	c, out := supervised(t)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(c.PID()) + "\n"; line != want {
		t.Errorf("the server says its id is %q, want %q", line, want)
	}
}

func TestSupervisedServerDiesWithThePipeOfItsOwner(t *testing.T) {
	t.Parallel()
	c, out := supervised(t)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	// What the death of this process would do.
	c.owner.Close()
	<-c.done
	status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("the server ended with %v, want SIGTERM", c.cmd.ProcessState)
	}
}

func TestWatcherEndsWithTheServer(t *testing.T) {
	t.Parallel()
	c, out := supervised(t)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.done
	// The watcher holds the server's output open too: the output ends when
	// both have ended.
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Errorf("output of server and watcher: %v, want its end", err)
	}
}
