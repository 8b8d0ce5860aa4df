//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// shapes is a worker in Python whose updates have the form that its argument
// names. json.dumps writes NaN and Infinity as they are.
const shapes = `
import json, os, sys, redis
r = redis.Redis.from_url(os.environ["REDIS_URL"])
shape = sys.argv[1]
while True:
    got = r.brpop(os.environ["QUEUE"], timeout=1)
    if not got:
        continue
    id = got[1].decode()
    if shape == "numbers":
        m = {"tenantId": 7, "jobId": id, "status": "completed", "error": False, "workNs": float("nan"), "took": float("inf")}
    elif shape == "nested":
        m = {"event": {"job": {"id": id}, "state": "done"}, "jobId": None, "meta": [{"status": "queued"}]}
    elif shape == "failed":
        m = {"jobId": id, "status": "FAILED", "error": {"code": "ENOSPC", "at": [1, 2]}}
    else:
        m = "done " + id
    r.publish(os.environ["CHANNEL"], json.dumps(m))
`

// python is an interpreter that has the module redis.
func python(t *testing.T) string {
	t.Helper()
	var err error
	for _, python := range []string{"python3", "/usr/bin/python3"} { // the system's has the system's modules
		if err = exec.Command(python, "-c", "import redis").Run(); err == nil {
			return python
		}
	}
	redistest.Missing(t, "python3-redis", err)
	return ""
}

func TestUpdatesAsPythonWritesThemAreUnderstood(t *testing.T) {
	t.Parallel()
	shell(t)
	interpreter := python(t)
	worker := filepath.Join(t.TempDir(), "worker.py")
	if err := os.WriteFile(worker, []byte(shapes), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shape, update string
		failed        int64
	}{
		{"numbers", "", 0},
		{"nested", "id=.event.job.id,status=.event.state,completed=done", 0},
		{"failed", "", 200},
	} {
		t.Run(c.shape, func(t *testing.T) {
			t.Parallel()
			args := []string{"--allow-invalid", "-u", redistest.Process(t).URL(), "--worker", fmt.Sprintf("exec %s %s %s", interpreter, worker, c.shape)}
			if c.update != "" {
				args = append(args, "--update", c.update)
			}
			r, code, said := ranQuick(t, args...)
			if l := r.Ledger; code != problem.OK || l.Notified != 200 || l.Lost != 0 || l.Unreadable != 0 || l.Failed != c.failed {
				t.Errorf("exit code %d, ledger %+v, want all 200 notified, %d of them failed; stderr:\n%s", code, l, c.failed, said)
			}
		})
	}
	t.Run("nothing to be understood", func(t *testing.T) {
		t.Parallel()
		r, code, said := ranQuick(t, "-u", redistest.Process(t).URL(),
			"--worker", fmt.Sprintf("exec %s %s text", interpreter, worker))
		if code != problem.Invalid || r.Ledger.Unreadable < 100 || !strings.Contains(said, "done ") {
			t.Errorf("exit code %d, %d unreadable, want it to end as invalid and to quote a message; stderr:\n%s", code, r.Ledger.Unreadable, said)
		}
	})
}

// ranQuick is what a run of 200 jobs found out, its exit code, and what it said.
func ranQuick(t *testing.T, args ...string) (r result.Result, code int, said string) {
	t.Helper()
	c := start(t, append([]string{"run", "quick", "-r", "200", "-n", "200", "--drain-timeout", "40s", "--json"}, args...)...)
	code = c.end(t)
	said = strings.Join(c.said, "\n")
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		t.Fatalf("%v; exit code %d, stderr:\n%s", err, code, said)
	}
	return r, code, said
}

func TestARunThroughTwemproxyIsComplete(t *testing.T) {
	t.Parallel()
	proxy, err := exec.LookPath("nutcracker")
	if err != nil {
		redistest.Missing(t, "twemproxy", err)
	}
	_, server, _ := strings.Cut(strings.TrimSuffix(redistest.Process(t).URL(), "/0"), "//")
	at := unusedAddress(t)
	conf := filepath.Join(t.TempDir(), "nutcracker.yml")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "q:\n  listen: %s\n  redis: true\n  servers:\n   - %s:1\n", at, server), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stats, _ := strings.Cut(unusedAddress(t), ":")
	cmd := exec.Command(proxy, "-c", conf, "-s", stats, "-a", "127.0.0.1", "-p", conf+".pid", "-o", conf+".log")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", at); err == nil {
			conn.Close()
			break
		} else if time.Now().After(until) {
			t.Fatal(err)
		}
	}
	r, code, said := ranQuick(t, "-u", "redis://"+at, "--design", "list-poll", "--notify", "none", "--allow-invalid")
	if l := r.Ledger; code != problem.OK || l.Finished != 200 || l.Lost != 0 {
		t.Errorf("exit code %d, ledger %+v, want all 200 finished; stderr:\n%s", code, l, said)
	}
}

// unusedAddress is an address of this machine at which nothing listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
