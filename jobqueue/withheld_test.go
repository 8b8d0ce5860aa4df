package jobqueue_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// proxyOf is a proxy in front of a Redis that does not pass on some commands. It
// answers them with the reply, or closes the connection where that is "".
func proxyOf(t *testing.T, redisURL, reply string, unknown ...string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	behind := strings.TrimSuffix(strings.TrimPrefix(redisURL, "redis://"), "/0")
	go func() {
		for {
			front, err := l.Accept()
			if err != nil {
				return
			}
			go pass(front, behind, reply, unknown)
		}
	}()
	return "redis://" + l.Addr().String()
}

// pass serves one connection of a proxy.
func pass(front net.Conn, behind, reply string, unknown []string) {
	defer front.Close()
	back, err := net.Dial("tcp", behind)
	if err != nil {
		return
	}
	defer back.Close()
	go func() {
		_, _ = io.Copy(front, back)
		front.Close()
	}()
	in := bufio.NewReader(front)
	for {
		raw, name, err := readCommand(in)
		if err != nil {
			return
		}
		for _, one := range unknown {
			if strings.EqualFold(one, name) {
				if reply == "" {
					return
				}
				if _, err := io.WriteString(front, reply+"\r\n"); err != nil {
					return
				}
				raw = nil
			}
		}
		if _, err := back.Write(raw); err != nil {
			return
		}
	}
}

// readCommand reads a command, as it is, and its name.
func readCommand(in *bufio.Reader) (raw []byte, name string, err error) {
	head, err := in.ReadBytes('\n')
	if err != nil {
		return nil, "", err
	}
	raw = append(raw, head...)
	words, err := strconv.Atoi(strings.TrimSpace(string(head[1:])))
	if err != nil {
		return nil, "", err
	}
	for i := range words {
		length, err := in.ReadBytes('\n')
		if err != nil {
			return nil, "", err
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(length[1:])))
		if err != nil {
			return nil, "", err
		}
		word := make([]byte, n+2)
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, "", err
		}
		if i == 0 {
			name = string(bytes.TrimSpace(word))
		}
		raw = append(append(raw, length...), word...)
	}
	return raw, name, nil
}

func TestAProxyThatKnowsTheDesignsCommandsIsEnough(t *testing.T) {
	t.Parallel()
	decoration := []string{"HELLO", "CLIENT", "INFO", "CONFIG", "PING", "SET", "DEL", "TYPE", "MULTI", "DISCARD", "LRANGE", "UNLINK", "LTRIM"}
	for _, row := range []struct {
		name, reply, query string
		cfg                jobqueue.Config
	}{
		{"an error with the command", "-ERR unknown command 'X', with args beginning with: 'y'", "", jobqueue.Config{}},
		{"an error without it", "-unsupported command", "?protocol=3", jobqueue.Config{}},
		{"an error of the form", "-invalid request", "", jobqueue.Config{Design: jobqueue.ListPoll}},
		{"the end of the connection", "", "?protocol=3", jobqueue.Config{Design: jobqueue.ListPoll}},
		{"the end of the connection of a pop that waits", "", "", jobqueue.Config{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Process(t)
			hidden := decoration
			if row.reply == "" {
				hidden = []string{"HELLO", "CLIENT", "INFO", "CONFIG"} // as twemproxy does
			}
			url := proxyOf(t, s.URL(), row.reply, hidden...) + row.query
			c := designAt(t, url, row.cfg)
			if err := c.Check(t.Context(), 1); err != nil {
				t.Errorf("Check = %v", err)
			}
			f, err := c.Inspect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(f.Withheld, "\n")
			for _, want := range []string{"INFO: ", "CONFIG GET: ", "CLIENT SETNAME: "} {
				if strings.Count(said, want) != 1 {
					t.Errorf("it was said: %q, want %s once", said, want)
				}
			}
			if err := openLine(t, c).carries(t, "a job"); err != nil {
				t.Error(err)
			}
			if err := c.Push(t.Context(), "left"); err != nil {
				t.Fatal(err)
			}
			if err := c.Clear(t.Context()); err != nil {
				t.Errorf("Clear = %v", err)
			}
			if n, err := c.Len(t.Context()); n != 0 || err != nil {
				t.Errorf("%d jobs are left, %v", n, err)
			}
		})
	}
}

// Without CLIENT UNBLOCK a Pop that waits still ends soon, and loses no job.
func TestEveryDesignWorksWithoutCLIENT(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	for _, design := range jobqueue.Designs() {
		t.Run(string(design), func(t *testing.T) {
			t.Parallel()
			s := redistest.Process(t, "--rename-command", "CLIENT", "", "--rename-command", "DEL", "", "--rename-command", "HELLO", "")
			queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend {
				return designAt(tb, s.URL(), jobqueue.Config{Design: design, Visibility: time.Minute})
			})
		})
	}
}

func TestWithheldIsToldFromOtherRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"ERR unknown command 'client', with args beginning with: ":      true,
		"ERR unknown subcommand 'UNBLOCK'. Try CLIENT HELP.":            true,
		"NOPERM this user has no permissions to run the 'info' command": true,
		"unsupported command": true,
		"invalid request":     true,
		"OOM command not allowed when used memory > 'maxmemory'.":              false,
		"READONLY You can't write against a read only replica.":                false,
		"ERR This instance has cluster support disabled":                       false,
		"WRONGTYPE Operation against a key holding the wrong kind of value":    false,
		"MISCONF Redis is configured to save RDB snapshots; Commands disabled": false,
	} {
		if got := redisconn.Withheld(&resp.ReplyError{Text: text}); got != want {
			t.Errorf("Withheld(%q) = %v", text, got)
		}
	}
	if redisconn.Withheld(nil) || redisconn.Withheld(errors.New("unknown command")) || redisconn.Withheld(io.EOF) {
		t.Error("what is no reply is called withheld")
	}
}
