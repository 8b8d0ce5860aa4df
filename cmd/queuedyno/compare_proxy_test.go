package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// slowdown passes on what a client and a server say to each other, and what the
// client says as much later as delay.
func slowdown(t *testing.T, server string, delay time.Duration) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				return
			}
			all.Go(func() {
				defer client.Close()
				_, _ = io.Copy(client, to)
			})
			line := make(chan packet, 1024)
			all.Go(func() {
				defer close(line)
				for {
					b := make([]byte, 1<<14)
					n, err := client.Read(b)
					if err != nil {
						return
					}
					line <- packet{b[:n], time.Now().Add(delay)}
				}
			})
			all.Go(func() {
				defer to.Close()
				wait, err := waiter.Precise()
				if err != nil {
					t.Error(err)
					return
				}
				defer wait.Close()
				for p := range line {
					wait.Wait(time.Until(p.due))
					if _, err := to.Write(p.data); err != nil {
						break
					}
				}
				for range line { // until the client has gone
				}
			})
		}
	})
	return l.Addr().String()
}

// packet is what is on its way through a slow network, and when it arrives.
type packet struct {
	data []byte
	due  time.Time
}

// TestANetworkThatIsSlowerIsFound: the same Redis, once behind a proxy that adds
// 3 ms to what goes to it.
func TestANetworkThatIsSlowerIsFound(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	address := strings.TrimSuffix(strings.TrimPrefix(server.URL(), "redis://"), "/0")
	slow := "redis://" + slowdown(t, address, 3*time.Millisecond)
	dir := t.TempDir()
	file := filepath.Join(dir, "scenarios.yaml")
	scenario := "version: 1\nscenarios:\n  one:\n    load: {rate: max, jobs: 60, in_flight: 1}\n"
	if err := os.WriteFile(file, []byte(scenario), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), []string{
		"compare", "one", "-f", file, "-o", dir, "--base-redis", server.URL(), "--candidate-redis", slow,
		"--pairs", "8", "--idle", "0s", "--metric", "end_to_end.p50:20%",
	}, onlyPath(), strings.NewReader(""), &stdout, &stderr)
	if code != problem.Regression || !strings.Contains(stdout.String(), "Fail: the candidate is shown to be worse") {
		t.Errorf("exit code %d, want %d:\n%s\n%s", code, problem.Regression, stdout.String(), stderr.String())
	}
	if !strings.Contains(stdout.String(), "used an existing Redis, so it was not restarted") {
		t.Errorf("the report does not mention the server:\n%s", stdout.String())
	}
}
