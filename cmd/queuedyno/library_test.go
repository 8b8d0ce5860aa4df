//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// othersRedis is a Redis in which others have a key.
func othersRedis(t *testing.T) (url string, db *redis.Client) {
	t.Helper()
	url = redistest.Process(t).URL()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	db = redis.NewClient(o)
	t.Cleanup(func() { db.Close() })
	if err := db.Set(t.Context(), "cart:7", "theirs", 0).Err(); err != nil {
		t.Fatal(err)
	}
	return url, db
}

// allDone checks that every job was sent, notified and timed in the stages of a library
// that says when a job begins.
func allDone(t *testing.T, name string, r *result.Result, jobs int64) {
	t.Helper()
	if l := r.Ledger; l.Sent != jobs || l.Notified != jobs || l.Failed != 0 || l.Duplicated != 0 {
		t.Errorf("%s: ledger %+v, want all %d notified", name, l, jobs)
	}
	for _, stage := range []metric.Stage{metric.EndToEnd, metric.Pickup, metric.Running} {
		if s := r.Stages[stage]; s == nil || s.Count != jobs {
			t.Errorf("%s: %s = %+v, want %d jobs", name, stage, s, jobs)
		}
	}
}

// dumpOf are all keys with what they hold.
func dumpOf(t *testing.T, db *redis.Client) map[string]string {
	t.Helper()
	keys, err := db.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, key := range keys {
		kind, err := db.Type(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		if kind == "none" {
			continue // it is gone since
		}
		ask := map[string][]any{
			"string": {"GET", key}, "list": {"LRANGE", key, 0, -1}, "hash": {"HGETALL", key}, "set": {"SORT", key, "ALPHA"}, "zset": {"ZRANGE", key, 0, -1, "WITHSCORES"},
			"stream": {"XRANGE", key, "-", "+"},
		}[kind]
		held, err := db.Do(t.Context(), ask...).Result()
		if err != nil {
			t.Fatalf("%s %q: %v", kind, key, err)
		}
		all[key] = fmt.Sprint(kind, " ", held)
	}
	return all
}

// awaitGroup starts workers in a process group and waits until a line of what they say on
// standard error ends in the given words.
func awaitGroup(t *testing.T, cmd *exec.Cmd, words string) (gone <-chan error) {
	t.Helper()
	_, gone = awaitLine(t, cmd, words)
	return gone
}

// awaitLine is awaitGroup, and returns the line that ends with the words.
func awaitLine(t *testing.T, cmd *exec.Cmd, words string) (line string, gone <-chan error) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	ready, ended := make(chan struct{}), make(chan error, 1)
	var lines []string
	go func() {
		once := false
		for s := bufio.NewScanner(said); s.Scan(); {
			if strings.HasSuffix(s.Text(), words) && !once {
				once, line = true, s.Text()
				close(ready)
			} else if !once {
				lines = append(lines, s.Text())
			}
		}
		ended <- cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the workers ended with %v and said:\n%s", err, strings.Join(lines, "\n"))
	case <-ctx.Done():
		t.Fatal("the workers are not ready after a minute")
	}
	return line, ended
}

// kill ends workers at once, with all that their group has begun.
func kill(t *testing.T, worker *exec.Cmd, gone <-chan error) {
	t.Helper()
	signalGroup(t, worker, syscall.SIGKILL)
	<-gone
}

// signalGroup sends a signal to all processes of a worker.
func signalGroup(t *testing.T, worker *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-worker.Process.Pid, s); err != nil {
		t.Fatal(err)
	}
}

// libraryResult ends a run and reads its result.
func libraryResult(t *testing.T, c *command, want ...int) *result.Result {
	t.Helper()
	if code := c.end(t); !slices.Contains(want, code) {
		t.Errorf("exit code %d, want one of %v; stderr:\n%s", code, want, strings.Join(c.said, "\n"))
	}
	var r result.Result
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		t.Fatalf("%v; stderr:\n%s", err, strings.Join(c.said, "\n"))
	}
	l := r.Ledger
	if sum := l.Notified + l.Lost; sum != l.Scheduled || l.Foreign != 0 || l.Corrupt != 0 {
		t.Errorf("the ledger does not balance: %+v", l)
	}
	return &r
}
