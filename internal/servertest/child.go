package servertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// childVar makes a test binary run its TestChild, and says how that is to end.
const childVar = "SERVERTEST_CHILD"

// Child is what a test named TestChild does, which [NothingIsLeft] runs in a separate process.
// It names the server that serve gets, and ends as it is asked to. Otherwise it skips.
func Child(t *testing.T, serve func() (server string)) {
	t.Helper()
	end := os.Getenv(childVar)
	if end == "" {
		t.Skip("is run by other tests")
	}
	os.Stdout.WriteString("server " + serve() + "\n")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	switch end {
	case "fail":
		t.Error("as asked")
	case "panic":
		// In a separate goroutine, where no cleanup of a test is run.
		go panic("as asked")
		select {}
	case "timeout":
		select {}
	}
}

// NothingIsLeft checks that the server of a TestChild is gone after its process, however that
// ends. The child has these variables of the environment besides. Of the server that the child
// names, reach makes sure that it answers, and returns a check that it is gone.
func NothingIsLeft(t *testing.T, environ []string, reach func(t *testing.T, server string) (gone func() error, err error)) {
	t.Helper()
	for _, end := range []string{"pass", "fail", "panic"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			if err := leavesNothing(t, end, 10*time.Minute, environ, reach); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		for limit := 5 * time.Second; ; limit *= 2 { // until the server is there in time
			err := leavesNothing(t, "timeout", limit, environ, reach)
			if err == nil {
				return
			}
			if limit > 2*time.Minute {
				t.Fatal(err)
			}
		}
	})
}

// leavesNothing runs a child that ends in that way, or when its time is over. The error is
// that it had no server that answered before.
func leavesNothing(t *testing.T, end string, limit time.Duration, environ []string, reach func(*testing.T, string) (func() error, error)) error {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout="+limit.String())
	c.Env = append(append(os.Environ(), childVar+"="+end), environ...)
	in, inErr := c.StdinPipe()
	out, outErr := c.StdoutPipe()
	if err := errors.Join(inErr, outErr, c.Start()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait() // where it was waited for below, this does nothing
	}()
	server, said := "", ""
	for lines := bufio.NewScanner(out); server == "" && lines.Scan(); {
		said += lines.Text() + "\n"
		if rest, found := strings.CutPrefix(lines.Text(), "server "); found {
			server = rest
		}
	}
	if server == "" {
		return fmt.Errorf("the child said %q and named no server", said)
	}
	gone, err := reach(t, server)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(in, "end\n"); err != nil && end != "timeout" {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := c.Wait(); (err == nil) != (end == "pass") {
		t.Errorf("the child ended with %v", err)
	}
	if err := gone(); err != nil {
		t.Error(err)
	}
	return nil
}
