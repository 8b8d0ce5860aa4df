package redisserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/redisserver"
)

// ownerVar makes the test binary run as the owner of a server; see owner.
const ownerVar = "REDISSERVER_TEST_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerVar) != "" {
		os.Exit(owner(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// owner starts a private server, prints its URL, and closes it when its input
// ends: unless it is killed before.
func owner(in io.Reader, out, errs io.Writer) int {
	s, err := redisserver.Start(context.Background(), redisserver.Options{Source: "process"})
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	fmt.Fprintln(out, s.URL())
	_, _ = io.Copy(io.Discard, in)
	if err := s.Close(); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	return 0
}

// dial connects to the server of a redis:// URL; the connection breaks off
// after 20 s, so that no test hangs on it.
func dial(t *testing.T, rawURL string) net.Conn {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends a command, in words, and returns the first line of the answer.
func ask(t *testing.T, c net.Conn, command string) string {
	t.Helper()
	words := strings.Fields(command)
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// waitGone returns when the server has closed the connection, and that is when
// its process has ended.
func waitGone(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server is still there")
	}
}

// env is a Getenv that knows only the given pairs.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}
