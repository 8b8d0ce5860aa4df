package jobqueue_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// fakeRedis answers every command with one line.
func fakeRedis(t *testing.T, answer string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewScanner(c); in.Scan(); {
					if strings.HasPrefix(in.Text(), "*") {
						c.Write([]byte(answer + "\r\n"))
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// nothing is an address at which nothing listens: the kernel never gives port 1 to a server
// that asks for any.
const nothing = "127.0.0.1:1"

// closedPort is an address that is free, for a server that the test starts.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestCommonMistakesGetTheRemedy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, url  string
		want, hint string
	}{
		{"nothing listens", "redis://:s3cret@" + nothing, "connection refused", "start a Redis"},
		{"loading", "redis://:s3cret@" + fakeRedis(t, "-LOADING Redis is loading the dataset in memory"), "LOADING", "try again"},
		{"wrong password", "redis://:s3cret@" + fakeRedis(t, "-WRONGPASS invalid username-password pair or user is disabled."), "WRONGPASS", "password"},
		{"no password", "redis://" + fakeRedis(t, "-NOAUTH Authentication required."), "NOAUTH", "password"},
		{"no AUTH", "redis://:s3cret@" + fakeRedis(t, "-ERR unknown command 'AUTH', with args beginning with: 's3cret' "), "unknown command", "takes no AUTH"},
		{"no AUTH, as older servers say it", "redis://u:s3cret@" + fakeRedis(t, "-ERR unknown command `auth`, with args beginning with: `u`, `s3cret`, "), "unknown command", "takes no AUTH"},
		{"too many clients", "redis://" + fakeRedis(t, "-ERR max number of clients reached"), "max number of clients", "maxclients"},
		{"a web server", "redis://" + fakeRedis(t, "HTTP/1.1 400 Bad Request"), "", ""},
		{"no such socket", "unix:///nowhere/redis.sock", "no such file", "unixsocket"},
		{"no such host", "redis://no-such-host.invalid:6379", "", ""},
		{"bad scheme", "http://localhost", "invalid URL scheme", ""},
		{"bad scheme with a password", "http://:s3cret@localhost", "redis://", ""},
		{"bad database", "redis://localhost/x", "database", ""},
		{"no scheme", "default:s3cret@localhost:6379", "redis://", ""},
		{"a slash in the password", "redis://:12/s3cret@localhost:6379", "redis://", ""},
		{"a hash in the password", "redis://default:12#s3cret@localhost", "", ""},
		{"a question mark in the password", "redis://default:12?s3cret@localhost", "redis://", ""},
		{"not a url", "redis://user:s3cret@local host:x", "url", ""},
		{"certificates without TLS", "redis://localhost", "rediss://", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := jobqueue.Config{URL: c.url}
			if c.name == "certificates without TLS" {
				cfg.CACert = "ca.pem"
			}
			_, err := jobqueue.Connect(t.Context(), cfg)
			if err == nil {
				t.Fatal("Connect succeeded")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("Connect = %v, want something about %q", err, c.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the password is in the error: %v", err)
			}
			var e *redisconn.Error
			if c.hint != "" && (!errors.As(err, &e) || !strings.Contains(e.Hint(), c.hint)) {
				t.Errorf("hint of %v is not about %q", err, c.hint)
			}
		})
	}
}

func TestARealRedisThatTakesNoWritesIsFoundOut(t *testing.T) {
	t.Parallel()
	hintOf := func(err error) string {
		var e *redisconn.Error
		if !errors.As(err, &e) {
			t.Fatalf("error %v (%T) has no hint", err, err)
		}
		return e.Hint()
	}
	t.Run("out of memory", func(t *testing.T) {
		t.Parallel()
		c := connect(t, redistest.Process(t, "--maxmemory", "1mb", "--maxmemory-policy", "noeviction"))
		_ = c.Push(t.Context(), strings.Repeat("x", 1<<20)) // fills the memory, unless it was full
		if err := c.Check(t.Context(), 1); err == nil || !strings.Contains(hintOf(err), "maxmemory") {
			t.Errorf("Check = %v", err)
		}
	})
	t.Run("read-only replica", func(t *testing.T) {
		t.Parallel()
		host, port, _ := net.SplitHostPort(closedPort(t))
		c := connect(t, redistest.Process(t, "--replicaof", host+" "+port))
		if err := c.Check(t.Context(), 1); err == nil || !strings.Contains(hintOf(err), "primary") {
			t.Errorf("Check = %v", err)
		}
	})
	t.Run("more connections than clients", func(t *testing.T) {
		t.Parallel()
		c := connect(t, redistest.Process(t, "--maxclients", "20"))
		if err := c.Check(t.Context(), 10); err != nil {
			t.Errorf("Check of 10 = %v", err)
		}
		if err := c.Check(t.Context(), 30); err == nil || !strings.Contains(hintOf(err), "maxclients") {
			t.Errorf("Check of 30 = %v", err)
		}
	})
	t.Run("more connections than files", func(t *testing.T) {
		t.Parallel()
		c := connect(t, redistest.Process(t))
		if err := c.Check(t.Context(), 100_000_000); err == nil || !strings.Contains(hintOf(err), "ulimit") {
			t.Errorf("Check = %v", err)
		}
	})
}

func TestClientCommands(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	c := connect(t, s)
	ctx := t.Context()
	if err := c.Push(ctx, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if err := c.Push(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if ids, err := c.Peek(ctx, 0, 10); err != nil || strings.Join(ids, "") != "abc" {
		t.Errorf("Peek = %q, %v; want the oldest first", ids, err)
	}
	if ids, err := c.Peek(ctx, 1, 1); err != nil || strings.Join(ids, "") != "b" {
		t.Errorf("Peek(1, 1) = %q, %v", ids, err)
	}
	if n, err := c.Publish(ctx, jobqueue.Update{JobID: "a"}); err != nil || n != 0 {
		t.Errorf("Publish without subscribers = %d, %v", n, err)
	}
	f, err := c.Inspect(ctx)
	if err != nil || f.Version == "" || f.Mode != "standalone" || f.Config["appendonly"] != "no" || f.Commands["lpush"].Calls == 0 {
		t.Errorf("Inspect = %+v, %v", f, err)
	}
	if err := c.Clear(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Len(ctx); err != nil || n != 0 {
		t.Errorf("Len after Clear = %d, %v", n, err)
	}
}

func TestInspectOfAServerThatHasNoConfig(t *testing.T) {
	t.Parallel()
	c := connect(t, redistest.Embedded(t))
	f, err := c.Inspect(t.Context())
	if err != nil || len(f.Withheld) == 0 {
		t.Errorf("Inspect = %+v, %v; want what was withheld, and no error", f, err)
	}
}

func TestAKilledServerIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	c := connect(t, s)
	consumer, err := c.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := consumer.Pop(context.Background(), 1, 0xfffffffff)
		ended <- err
	}()
	s.Close()
	if err := <-ended; err == nil || errors.Is(err, jobqueue.ErrEmpty) {
		t.Errorf("Pop = %v, want an error", err)
	}
	consumer.Close()
}
