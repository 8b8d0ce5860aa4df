//go:build unix

package redisserver_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestAPausedProcessAnswersWhenItIsResumed(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	c := dial(t, s.URL())
	for range 2 { // pausing and resuming twice is the same as once
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if n, err := c.Read(make([]byte, 16)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Read of a paused server = %d, %v, want a timeout", n, err)
	}
	for range 2 {
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 16)
	if n, err := c.Read(answer); err != nil || !strings.HasPrefix(string(answer[:n]), "+PONG") {
		t.Errorf("the answer after the pause is %q, %v", answer[:n], err)
	}
}

func TestAPausedProcessCanBeClosed(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Pause(); err == nil || errors.Is(err, os.ErrProcessDone) {
		t.Errorf("Pause after Close (%s) = %v, want an error that says it has ended", time.Since(began), err)
	}
}

func TestARestartedProcessHasWhatWasOnDisk(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		want string
	}{{nil, "$-1"}, {[]string{"--appendonly", "yes", "--appendfsync", "always"}, "$5"}} {
		s := redistest.Process(t, row.args...)
		url, pid := s.URL(), s.PID()
		if got := ask(t, dial(t, url), "SET kept value"); got != "+OK" {
			t.Fatalf("SET was answered by %q", got)
		}
		c := dial(t, url)
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		waitGone(t, c)
		select {
		case <-s.Ended():
			t.Error("Ended is closed after a Kill, which a Restart can follow")
		default:
		}
		if err := s.Kill(); err == nil {
			t.Error("a second Kill = nil, want an error")
		}
		for range 2 { // a process that runs is left alone
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if s.URL() != url || s.PID() == pid {
			t.Errorf("after the restart: %s with pid %d, want %s with another than %d", s.URL(), s.PID(), url, pid)
		}
		if got := ask(t, dial(t, url), "GET kept"); got != row.want {
			t.Errorf("with %q: GET was answered by %q, want %q", row.args, got, row.want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Restart(t.Context()); err == nil {
			t.Error("Restart after Close = nil, want an error")
		}
	}
}

func TestOnlyAPrivateProcessCanBeBroken(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"embedded", "redis://localhost:1"} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"Pause": s.Pause(), "Resume": s.Resume(), "Kill": s.Kill(), "Restart": s.Restart(t.Context())} {
			if !errors.Is(err, privateserver.ErrNotPrivate) {
				t.Errorf("%s of %s = %v, want ErrNotPrivate", name, source, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
