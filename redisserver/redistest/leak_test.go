package redistest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }

// TestChild is run by the test below, in a separate process.
func TestChild(t *testing.T) {
	servertest.Child(t, func() string {
		s := redistest.Server(t)
		return string(s.Kind()) + " " + s.URL()
	})
}

// On a machine with Docker this is about the container, elsewhere about the
// process; the embedded server cannot outlive its process.
func TestNothingIsLeftHoweverTheProcessEnds(t *testing.T) {
	t.Parallel()
	servertest.NothingIsLeft(t, []string{"REDIS_URL="}, func(t *testing.T, server string) (gone func() error, err error) {
		kind, url, _ := strings.Cut(server, " ")
		if kind == string(redisserver.Embedded) {
			redistest.Missing(t, "redis", errors.New("only the embedded server can be had"))
		}
		conn, err := login(url)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { conn.Close() })
		// The connection ends with the server, which may be a moment after the process.
		return func() error {
			if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				return errors.New("the server is still there")
			}
			return nil
		}, nil
	})
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
