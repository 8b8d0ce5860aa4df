package redistest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// childVar makes the test binary run TestChild, and says how that is to end.
const childVar = "REDISTEST_CHILD"

func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }

// TestChild is run by the tests below, in a separate process.
func TestChild(t *testing.T) {
	end := os.Getenv(childVar)
	if end == "" {
		t.Skip("is run by other tests")
	}
	s := redistest.Server(t)
	os.Stdout.WriteString("server " + string(s.Kind()) + " " + s.URL() + "\n")
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

// On a machine with Docker this is about the container, elsewhere about the
// process; the embedded server cannot outlive its process.
func TestNothingIsLeftHoweverTheProcessEnds(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"pass", "fail", "panic"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			if err := leavesNothing(t, end, 10*time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		for limit := 5 * time.Second; ; limit *= 2 { // until the server is there in time
			err := leavesNothing(t, "timeout", limit)
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
func leavesNothing(t *testing.T, end string, limit time.Duration) error {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout="+limit.String())
	c.Env = append(os.Environ(), childVar+"="+end, "REDIS_URL=")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait() // where it was waited for below, this does nothing
	}()
	raw, said := "", ""
	for lines := bufio.NewScanner(out); raw == "" && lines.Scan(); {
		said += lines.Text() + "\n"
		if rest, ok := strings.CutPrefix(lines.Text(), "server "); ok {
			var kind string
			if kind, raw, _ = strings.Cut(rest, " "); kind == string(redisserver.Embedded) {
				redistest.Missing(t, "redis", errors.New("only the embedded server can be had"))
			}
		}
	}
	if raw == "" {
		return fmt.Errorf("the child said %q and named no server", said)
	}
	conn, err := login(raw)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(in, "end\n"); err != nil && end != "timeout" {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := c.Wait(); (err == nil) != (end == "pass") {
		t.Errorf("the child ended with %v", err)
	}
	// The connection ends with the server, which may be a moment after the process.
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server is still there")
	}
	return nil
}

// login connects to the server and waits for its first answer, so that not only
// Docker's proxy holds the connection.
func login(raw string) (net.Conn, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	err = c.SetDeadline(time.Now().Add(time.Minute))
	if err == nil {
		_, err = io.WriteString(c, "PING\r\n")
	}
	if err == nil {
		_, err = bufio.NewReader(c).ReadString('\n')
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("a PING: %w", err)
	}
	return c, nil
}

// Where CI requires Docker, what users get by default is a container.
func TestServerIsAContainerWhereThereIsDocker(t *testing.T) {
	if os.Getenv("REDIS_URL") != "" {
		redistest.Missing(t, "docker", errors.New("REDIS_URL names another server"))
	}
	s := redistest.Server(t)
	if s.Kind() != redisserver.Docker {
		redistest.Missing(t, "docker", errors.New("the server that was had is of kind "+string(s.Kind())))
	}
	c := redistest.Queue(t)
	if err := c.Push(t.Context(), "4711"); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Len(t.Context()); n != 1 || err != nil {
		t.Errorf("Len = %d, %v, want 1", n, err)
	}
}

func TestQueuesOfOneServerDoNotMeet(t *testing.T) {
	t.Parallel()
	a, b := redistest.Queue(t), redistest.Queue(t)
	if err := a.Push(t.Context(), "of a"); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Len(t.Context()); n != 0 || err != nil {
		t.Errorf("Len of the other queue = %d, %v, want 0", n, err)
	}
	if a.Channel() == b.Channel() {
		t.Errorf("both queues announce on %q", a.Channel())
	}
}
