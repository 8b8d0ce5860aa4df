//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// rqPython is a Python that has RQ.
func rqPython(t *testing.T) string {
	t.Helper()
	var err error
	for _, python := range []string{"/usr/bin/python3", "python3"} { // the system's has the system's modules
		if err = exec.Command(python, "-c", "import rq").Run(); err == nil {
			return python
		}
	}
	redistest.Missing(t, "rq", err)
	return ""
}

// rqRedis is a Redis that reports keys, in which others have keys.
func rqRedis(t *testing.T) (url string, db *redis.Client) {
	t.Helper()
	url, db = othersRedis(t)
	if err := db.ConfigSet(t.Context(), "notify-keyspace-events", "K$h").Err(); err != nil {
		t.Fatal(err)
	}
	return url, db
}

// rqWorkers is a command that starts two workers of RQ on the queue. They do jobs in their own
// process, unless fork is given.
func rqWorkers(t *testing.T, python, url, queue string, fork bool) string {
	t.Helper()
	dir, err := filepath.Abs("../../examples/rq-worker")
	if err != nil {
		t.Fatal(err)
	}
	class := "rq.worker.SimpleWorker"
	if fork {
		class = "rq.worker.Worker"
	}
	return fmt.Sprintf(`cd '%s' && for n in 1 2; do %s -B -m rq.cli worker -u %s -w %s %s >&2 & done; wait`, dir, python, url, class, queue)
}

// ofRQ are the keys without what RQ's workers write about themselves.
func ofRQ(t *testing.T, db *redis.Client) map[string]string {
	t.Helper()
	dump := dumpOf(t, db)
	for key := range dump {
		if strings.HasPrefix(key, "rq:worker") || strings.HasPrefix(key, "rq:clean_registries:") {
			delete(dump, key)
		}
	}
	return dump
}

func TestJobsOfRQAreDoneByItsWorkersAndNothingIsLost(t *testing.T) {
	t.Parallel()
	python := rqPython(t)
	url, db := rqRedis(t)
	before := ofRQ(t, db)
	run := func(function string, jobs int64, fork bool, flags ...string) *result.Result {
		return libraryResult(t, start(t, append([]string{"run", "quick", "-u", url, "--dialect", "rq", "--job-name", function,
			"--worker", rqWorkers(t, python, `"$REDIS_URL"`, `"$QUEUE"`, fork), "-r", "20", "-n", fmt.Sprint(jobs), "--drain-timeout", "40s", "--allow-invalid", "--json"}, flags...)...), problem.OK)
	}
	for name, flags := range map[string][]string{
		"no arguments": nil, "arguments and a payload": {"--job-args", `[42, {"a": ["é", 1.5, null, true]}]`, "--payload", "1KB"},
	} {
		r := run("tasks.work", 60, name == "no arguments", flags...)
		if l := r.Ledger; l.Sent != 60 || l.Notified != 60 || l.Failed != 0 || l.Duplicated != 0 {
			t.Errorf("%s: ledger %+v, want all 60 notified", name, l)
		}
		if diff := cmp.Diff(before, ofRQ(t, db)); diff != "" {
			t.Errorf("%s: other keys than before (-before +after):\n%s", name, diff)
		}
	}
	if l := run("tasks.fail", 20, false).Ledger; l.Notified != 20 || l.Failed != 20 {
		t.Errorf("ledger %+v, want all 20 failed", l)
	}
	if diff := cmp.Diff(before, ofRQ(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}

// script runs a few lines of Python and returns what they print.
func script(t *testing.T, python, url, lines string) string {
	t.Helper()
	cmd := exec.Command(python, "-B", "-c", lines)
	cmd.Env = append(os.Environ(), "REDIS_URL="+url, "PYTHONPATH=../../examples/rq-worker")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

const inPython = `
import os, pickle, redis, rq, tasks, zlib
db = redis.from_url(os.environ["REDIS_URL"])
`

// A job that a run puts in is in Redis as RQ's own client puts it in, and the run takes it away
// again and leaves that of the client.
func TestAJobIsPutInAsRQDoesIt(t *testing.T) {
	t.Parallel()
	python := rqPython(t)
	url, db := rqRedis(t)
	script(t, python, url, inPython+`
rq.Queue("mails", connection=db).enqueue(tasks.work, 42, {"a": [1.5, None, True, "é", [], {}, -7, 12345678901234567890]}, "", job_id="theirs")
`)
	before := dumpOf(t, db)
	c := start(t, "run", "quick", "-u", url, "-y", "external", "--dialect", "rq", "--job-name", "tasks.work",
		"--job-args", `[42, {"a": [1.5, null, true, "é", [], {}, -7, 12345678901234567890]}, ""]`, "--allow-non-empty",
		"--queue", "mails", "-r", "100", "-n", "1", "--drain-timeout", "30s", "--allow-invalid", "--json")
	c.await(t, "backlog 1")
	ids := db.LRange(t.Context(), "rq:queue:mails", 0, -1).Val()
	if len(ids) != 2 || ids[0] != "theirs" {
		t.Fatalf("%q wait", ids)
	}
	jobs := strings.Split(script(t, python, url, inPython+`
for id in "`+ids[0]+`", "`+ids[1]+`":
    job = rq.job.Job.fetch(id, connection=db)
    h = {k.decode(): v for k, v in db.hgetall("rq:job:" + id).items()}
    for time in "created_at", "enqueued_at":
        assert len(h.pop(time)) == 27
    h.pop("description") # a text for people
    data = h.pop("data")
    print(sorted(h.items()), pickle.loads(job.data), job.get_status(), job.origin, job.timeout, job.func == tasks.work)
`), "\n")
	if len(jobs) != 3 || jobs[0] != jobs[1] {
		t.Errorf("the job is another one (-RQ's +ours):\n%s", cmp.Diff(jobs[0], jobs[1]))
	}
	r := libraryResult(t, c, problem.Invalid) // no job of the window was completed
	if r.Ledger.LostByLeg[ledger.LegInQueue] != 1 {
		t.Errorf("ledger %+v, want a job that no worker took", r.Ledger)
	}
	if diff := cmp.Diff(before, dumpOf(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}

func TestTheJobsOfAKilledRQWorkerAreNamed(t *testing.T) {
	t.Parallel()
	python := rqPython(t)
	url, db := rqRedis(t)
	states := db.PSubscribe(t.Context(), "__keyspace@*__:rq:job:*")
	t.Cleanup(func() { states.Close() })
	worker := exec.Command("sh", "-c", rqWorkers(t, python, url, "default", false))
	worker.Env = append(os.Environ(), "WORK_MS=300")
	gone := awaitGroup(t, worker, "Listening on default...")
	before := ofRQ(t, db)
	c := start(t, "run", "quick", "-u", url, "-y", "external", "--dialect", "rq", "--job-name", "tasks.work",
		"--queue", "default", "-r", "50", "-n", "60", "--drain-timeout", "10s", "--allow-invalid", "--json")
	hear(t, states, 100, "") // by now some are over, and others wait
	// Between two jobs the workers hold none: they are stopped at a moment at which they do.
	var want []string
	for try := 0; len(want) == 0; try++ {
		if try == 500 {
			t.Fatal("no job was being done at any of 500 moments")
		}
		if try > 0 {
			signalGroup(t, worker, syscall.SIGCONT)
			hear(t, states, 0, "")
		}
		signalGroup(t, worker, syscall.SIGSTOP)
		for _, key := range db.Keys(t.Context(), "rq:job:*").Val() {
			if db.HGet(t.Context(), key, "status").Val() == "started" {
				want = append(want, strings.TrimPrefix(key, "rq:job:"))
			}
		}
	}
	kill(t, worker, gone)
	r := libraryResult(t, c, problem.OK)
	var got []string
	for _, j := range r.Ledger.LostJobs {
		if j.Leg == ledger.LegUnfinished {
			got = append(got, j.ID)
		}
	}
	// A worker can have taken one from the list and not have begun it.
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("%s was being done when the workers were killed, and is not named; the ledger is %+v", id, r.Ledger)
		}
	}
	if len(want) == 0 || len(got) > 2 {
		t.Errorf("%q were being done, and %q are named", want, got)
	}
	if diff := cmp.Diff(before, ofRQ(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}
