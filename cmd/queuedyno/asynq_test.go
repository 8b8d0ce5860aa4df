//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// asynqExample is a program of the example's module, built.
func asynqExample(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-C", "../../examples/asynq-worker", "-o", program, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("%s", out)
		redistest.Missing(t, "asynq", err) // its module cannot be had
	}
	return program
}

// ofAsynq are the keys without what asynq writes by itself: who works, and its counters.
func ofAsynq(t *testing.T, db *redis.Client) map[string]string {
	t.Helper()
	dump := dumpOf(t, db)
	for key := range dump {
		if strings.HasPrefix(key, "asynq:servers") || strings.HasPrefix(key, "asynq:workers") || strings.Contains(key, "}:processed") || strings.Contains(key, "}:failed") {
			delete(dump, key)
		}
	}
	return dump
}

func TestTasksOfAsynqAreDoneByItsWorkersAndNothingIsLost(t *testing.T) {
	t.Parallel()
	worker := asynqExample(t, ".")
	url, db := othersRedis(t)
	before := ofAsynq(t, db)
	for name, flags := range map[string][]string{
		"no data": nil, "data and a payload": {"--job-args", `{"to": "é"}`, "--payload", "1KB"},
	} {
		r := libraryResult(t, start(t, append([]string{"run", "quick", "-u", url, "--dialect", "asynq", "--job-name", "mail:send",
			"--worker", "CONCURRENCY=4 exec " + worker, "-r", "100", "-n", "200", "--drain-timeout", "40s", "--allow-invalid", "--json"}, flags...)...), problem.OK)
		allDone(t, name, r, 200)
		if diff := cmp.Diff(before, ofAsynq(t, db)); diff != "" {
			t.Errorf("%s: other keys than before (-before +after):\n%s", name, diff)
		}
	}
	r := libraryResult(t, start(t, "run", "quick", "-u", url, "--dialect", "asynq", "--job-name", "mail:fail",
		"--worker", "CONCURRENCY=4 exec "+worker, "-r", "100", "-n", "50", "--drain-timeout", "40s", "--allow-invalid", "--json"), problem.OK)
	if l := r.Ledger; l.Notified != 50 || l.Failed != 50 {
		t.Errorf("ledger %+v, want all 50 failed", l)
	}
	if diff := cmp.Diff(before, ofAsynq(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}

// A task that a run puts in is in Redis as asynq's own client puts it in, and the run takes it
// away again and leaves that of the client.
func TestATaskIsPutInAsAsynqDoesIt(t *testing.T) {
	t.Parallel()
	enqueue := asynqExample(t, "./enqueue")
	url, db := othersRedis(t)
	const theirs = "a0000000-0000-4000-8000-000000000001"
	cmd := exec.Command(enqueue, "mails", "mail:send", theirs, `{"to":"them"}`)
	cmd.Env = append(os.Environ(), "REDIS_URL="+url)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before := dumpOf(t, db)
	c := start(t, "run", "quick", "-u", url, "-y", "external", "--dialect", "asynq", "--job-name", "mail:send", "--job-args", `{"to":"them"}`, "--allow-non-empty",
		"--queue", "mails", "--channel", "c", "-r", "100", "-n", "1", "--drain-timeout", "30s", "--allow-invalid", "--json")
	c.await(t, "backlog 1")
	ids := db.LRange(t.Context(), "asynq:{mails}:pending", 0, -1).Val()
	if len(ids) != 2 || ids[1] != theirs {
		t.Fatalf("%q are pending", ids)
	}
	hash := func(id string) map[string]string {
		h := db.HGetAll(t.Context(), "asynq:{mails}:t:"+id).Val()
		if len(h["pending_since"]) != 19 {
			t.Errorf("pending since %q, want nanoseconds", h["pending_since"])
		}
		delete(h, "pending_since")
		h["msg"] = string(bytes.ReplaceAll([]byte(h["msg"]), []byte(id), []byte("ID")))
		return h
	}
	if diff := cmp.Diff(hash(theirs), hash(ids[0])); diff != "" {
		t.Errorf("the task is another one (-asynq's +ours):\n%s", diff)
	}
	r := libraryResult(t, c, problem.Invalid) // no job of the window was completed
	if r.Ledger.LostByLeg[ledger.LegInQueue] != 1 {
		t.Errorf("ledger %+v, want a task that no worker took", r.Ledger)
	}
	if diff := cmp.Diff(before, dumpOf(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}
