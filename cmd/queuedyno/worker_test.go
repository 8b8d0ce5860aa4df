//go:build unix

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// receiveUpdates is the next n updates on the client's channel, by status.
func receiveUpdates(t *testing.T, s jobqueue.Subscriber, n int) map[jobqueue.Status]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	got := map[jobqueue.Status]int{}
	for range n {
		m, err := s.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		u, err := jobqueue.ParseUpdate(m)
		if err != nil {
			t.Fatal(err)
		}
		got[u.Status]++
	}
	return got
}

// queueFor is a queue with the standard names on its own server.
func queueFor(t *testing.T) (url string, c *jobqueue.Client, s jobqueue.Subscriber) {
	t.Helper()
	server := redistest.Process(t)
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if s, err = c.OpenSubscriber(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return server.URL(), c, s
}

func TestASignalLetsAWorkerFinishWhatIsInHand(t *testing.T) {
	t.Parallel()
	shell(t)
	for name, sig := range map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, client, s := queueFor(t)
			if err := client.Push(t.Context(), "a", "b", "c"); err != nil {
				t.Fatal(err)
			}
			c := start(t, "worker", "-u", url, "-y", "2", "--running", "--shell", "--exec", "until test -e go; do sleep 0.05; done")
			receiveUpdates(t, s, 2) // two are RUNNING
			c.signal(t, sig)
			c.await(t, "stopping: finishing the jobs in progress (press Ctrl-C again to stop now)")
			if err := os.WriteFile(filepath.Join(c.dir, "go"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
			if got := c.end(t); got != problem.OK {
				t.Errorf("exit code %d, want 0; stderr:\n%s", got, strings.Join(c.said, "\n"))
			}
			if got := receiveUpdates(t, s, 2); got[jobqueue.Completed] != 2 {
				t.Errorf("published %v, want both COMPLETED", got)
			}
			if out := c.stdout.String(); !strings.HasPrefix(out, "worked on 2 jobs in ") {
				t.Errorf("standard output: %q", out)
			}
			if n, err := client.Len(t.Context()); err != nil || n != 1 {
				t.Errorf("%d jobs are left, %v, want 1", n, err)
			}
		})
	}
}

func TestTheSecondSignalDropsWhatIsInHandAndSaysSo(t *testing.T) {
	t.Parallel()
	shell(t)
	url, client, s := queueFor(t)
	if err := client.Push(t.Context(), "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	c := start(t, "worker", "-u", url, "-y", "2", "--running", "--exec", "sleep 600")
	receiveUpdates(t, s, 2)
	c.signal(t, os.Interrupt)
	c.await(t, "stopping: finishing")
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.Interrupted {
		t.Errorf("exit code %d, want %d", got, problem.Interrupted)
	}
	if said := strings.Join(c.said, "\n"); !strings.Contains(said, "2 jobs dropped") {
		t.Errorf("it does not say what was dropped:\n%s", said)
	}
}

// onSocket starts a redis-server on a socket, which can be ended and started
// again in the same place.
func onSocket(t *testing.T, socket string) (client *jobqueue.Client, end func()) {
	t.Helper()
	server := exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		redistest.Missing(t, "redis", err)
	}
	end = sync.OnceFunc(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	t.Cleanup(end)
	for {
		c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: "unix://" + socket})
		if err == nil {
			t.Cleanup(func() { c.Close() })
			return c, end
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}

func TestAWorkerWaitsForARedisThatIsAwayAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	_, end := onSocket(t, socket)
	c := start(t, "worker", "-u", "unix://"+socket, "-y", "4")
	c.await(t, "4 consumers")
	end()
	c.await(t, "; waiting for it")
	client, _ := onSocket(t, socket)
	c.await(t, "redis answers again")
	s, err := client.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := client.Push(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := receiveUpdates(t, s, 1); got[jobqueue.Completed] != 1 {
		t.Errorf("published %v, want COMPLETED", got)
	}
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", got, strings.Join(c.said, "\n"))
	}
	if n := strings.Count(strings.Join(c.said, "\n"), "waiting for it"); n != 1 {
		t.Errorf("the outage was reported %d times:\n%s", n, strings.Join(c.said, "\n"))
	}
}

func TestAWorkerWorksOnEveryDesign(t *testing.T) {
	t.Parallel()
	url, _, s := queueFor(t)
	for _, design := range jobqueue.Designs() {
		client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: url, Queue: string(design), Design: design})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		p, err := client.OpenProducer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			if err := p.Push(t.Context(), []byte(id)); err != nil {
				t.Fatal(err)
			}
		}
		c := start(t, "worker", "-u", url, "--queue", string(design), "--design", string(design), "-y", "2", "--running", "--work", "1ms", "--jobs", "5")
		if got := c.end(t); got != problem.OK {
			t.Errorf("%s: exit code %d; stderr:\n%s", design, got, strings.Join(c.said, "\n"))
		}
		if got := receiveUpdates(t, s, 10); got[jobqueue.Running] != 5 || got[jobqueue.Completed] != 5 {
			t.Errorf("%s: published %v, want 5 of each", design, got)
		}
		if n, err := client.Len(t.Context()); err != nil || n != 0 {
			t.Errorf("%s: %d jobs are left, %v", design, n, err)
		}
	}
}
