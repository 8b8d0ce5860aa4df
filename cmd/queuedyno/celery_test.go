//go:build unix

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

const (
	resultOf  = "celery-task-meta-"
	theirTask = "a0000000-0000-4000-8000-000000000001"
)

// celeryPython is a Python that has Celery.
func celeryPython(t *testing.T) string {
	t.Helper()
	var err error
	for _, python := range []string{"/usr/bin/python3", "python3"} { // the system's has the system's modules
		if err = exec.Command(python, "-c", "import celery, redis").Run(); err == nil {
			return python
		}
	}
	redistest.Missing(t, "celery", err)
	return ""
}

// celeryRedis is a Redis in which others have keys, among them those of other Celery tasks.
func celeryRedis(t *testing.T) (url string, db *redis.Client) {
	t.Helper()
	url, db = othersRedis(t)
	for _, err := range []error{
		db.Set(t.Context(), resultOf+theirTask, `{"status": "SUCCESS", "task_id": "`+theirTask+`"}`, 0).Err(),
		db.RPush(t.Context(), "mail", "theirs").Err(),
		db.HSet(t.Context(), "unacked", theirTask, `[{"body": "theirs"}, "", "mail"]`).Err(),
		// Far in the future, so that no worker takes it for abandoned.
		db.ZAdd(t.Context(), "unacked_index", redis.Z{Score: 1e12, Member: theirTask}).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return url, db
}

// celeryWorkers starts workers in a process group and waits until they are ready.
func celeryWorkers(t *testing.T, python, url string, environ ...string) (cmd *exec.Cmd, gone <-chan error) {
	t.Helper()
	cmd = exec.Command(python, "-m", "celery", "-A", "tasks", "worker", "-c", "2", "-l", "INFO")
	cmd.Dir = "../../examples/celery-worker"
	cmd.Env = append(append(os.Environ(), "REDIS_URL="+url, "PYTHONDONTWRITEBYTECODE=1"), environ...)
	return cmd, awaitGroup(t, cmd, " ready.")
}

func TestTasksOfCeleryAreDoneByItsWorkersAndNothingIsLost(t *testing.T) {
	t.Parallel()
	python := celeryPython(t)
	url, db := celeryRedis(t)
	_, _ = celeryWorkers(t, python, url)
	before := dumpOf(t, db)
	for name, flags := range map[string][]string{
		"no arguments": nil, "arguments and a payload": {"--job-args", `[42, {"a": "é"}]`, "--payload", "1KB"},
	} {
		r := libraryResult(t, start(t, append([]string{"run", "quick", "-u", url, "-y", "external", "--dialect", "celery", "--job-name", "tasks.work",
			"--queue", "celery", "-r", "100", "-n", "200", "--drain-timeout", "40s", "--allow-invalid", "--json"}, flags...)...), problem.OK)
		allDone(t, name, r, 200)
		if diff := cmp.Diff(before, dumpOf(t, db)); diff != "" {
			t.Errorf("%s: other keys than before (-before +after):\n%s", name, diff)
		}
	}
	r := libraryResult(t, start(t, "run", "quick", "-u", url, "-y", "external", "--dialect", "celery", "--job-name", "tasks.fail",
		"--queue", "celery", "-r", "100", "-n", "50", "--drain-timeout", "40s", "--allow-invalid", "--json"), problem.OK)
	if l := r.Ledger; l.Notified != 50 || l.Failed != 50 {
		t.Errorf("ledger %+v, want all 50 failed", l)
	}
}

// statesOf hears the states of tasks from now on.
func statesOf(t *testing.T, db *redis.Client) *redis.PubSub {
	t.Helper()
	s := db.PSubscribe(t.Context(), resultOf+"*")
	t.Cleanup(func() { s.Close() })
	if _, err := s.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// hear waits for n states, and then for one that has these letters.
func hear(t *testing.T, states *redis.PubSub, n int, last string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := 0; ; i++ {
		m, err := states.ReceiveMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if i >= n && strings.Contains(m.Payload, last) {
			return
		}
	}
}

// begun are the tasks that began and are not over.
func begun(t *testing.T, db *redis.Client) (ids []string) {
	t.Helper()
	keys, err := db.Keys(t.Context(), resultOf+"*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		state, err := db.Get(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(state, `"STARTED"`) {
			ids = append(ids, strings.TrimPrefix(key, resultOf))
		}
	}
	return ids
}

// held are the tasks that workers have taken and not ended.
func held(t *testing.T, db *redis.Client) map[string]bool {
	t.Helper()
	tags, err := db.HKeys(t.Context(), "unacked").Result()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, id := range append(tags, begun(t, db)...) {
		// A busy worker may not have acknowledged a task yet that its child has ended.
		if id != theirTask && !strings.Contains(db.Get(t.Context(), resultOf+id).Val(), `"SUCCESS"`) {
			ids[id] = true
		}
	}
	return ids
}

func TestTheTasksOfAKilledCeleryWorkerAreNamed(t *testing.T) {
	t.Parallel()
	python := celeryPython(t)
	url, db := celeryRedis(t)
	worker, gone := celeryWorkers(t, python, url, "WORK_MS=20")
	states := statesOf(t, db)
	before := dumpOf(t, db)
	c := start(t, "run", "quick", "-u", url, "-y", "external", "--dialect", "celery", "--job-name", "tasks.work",
		"--queue", "celery", "-r", "100", "-n", "300", "--drain-timeout", "10s", "--allow-invalid", "--json")
	hear(t, states, 40, "") // by now some are over, and others wait
	kill(t, worker, gone)
	want := held(t, db)
	r := libraryResult(t, c, problem.OK)
	got := map[string]bool{}
	for _, j := range r.Ledger.LostJobs {
		if j.Leg == ledger.LegUnfinished {
			got[j.ID] = true
		}
	}
	// One task more may have been on its way to the worker: no longer in the queue, and not yet
	// among those that it holds.
	lost := int64(len(got))
	for id := range got {
		if !want[id] && len(got) == len(want)+1 {
			delete(got, id)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("the tasks that were named are not those that the worker held (-held +named):\n%s", diff)
	}
	if n := r.Ledger.LostByLeg[ledger.LegInQueue]; n+lost != r.Ledger.Lost {
		t.Errorf("ledger %+v, want what the worker had not taken in the queue", r.Ledger)
	}
	if diff := cmp.Diff(before, dumpOf(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}

// A worker that acknowledges late is killed. The one that takes its place gets its tasks
// once the visibility timeout is over.
func TestTasksThatCeleryGivesOutAgainAreCounted(t *testing.T) {
	t.Parallel()
	python := celeryPython(t)
	url, db := celeryRedis(t)
	late := []string{"WORK_MS=200", "ACKS_LATE=yes", "VISIBILITY=0.1"}
	worker, gone := celeryWorkers(t, python, url, late...)
	states := statesOf(t, db)
	c := start(t, "run", "quick", "-u", url, "-y", "external", "--dialect", "celery", "--job-name", "tasks.work",
		"--queue", "celery", "-r", "100", "-n", "40", "--drain-timeout", "50s", "--allow-invalid", "--json")
	hear(t, states, 3, `"STARTED"`) // more than began at first, and one has just begun
	kill(t, worker, gone)
	again := int64(len(begun(t, db)))
	_, _ = celeryWorkers(t, python, url, late...)
	r := libraryResult(t, c, problem.OK)
	// Celery takes a message from the list before it notes that it holds it, so that the one
	// that is on its way is lost with the worker.
	if l := r.Ledger; l.Notified < 39 || l.LostByLeg[ledger.LegUnfinished] != l.Lost || l.Redelivered != again || again == 0 {
		t.Errorf("ledger %+v, want 39 or 40 notified and %d redelivered", l, again)
	}
}

func TestWorkersOfCeleryThatARunStartsLeaveNoKeys(t *testing.T) {
	t.Parallel()
	python := celeryPython(t)
	url, db := celeryRedis(t)
	before := dumpOf(t, db)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := libraryResult(t, start(t, "run", "quick", "-u", url, "--dialect", "celery", "--job-name", "tasks.work",
		"--worker", "cd "+dir+"/../../examples/celery-worker && exec "+python+` -B -m celery -A tasks worker -c 2 -Q "$QUEUE"`,
		"-r", "100", "-n", "200", "--drain-timeout", "40s", "--allow-invalid", "--json"), problem.OK)
	if l := r.Ledger; l.Notified != 200 {
		t.Errorf("ledger %+v, want all 200 notified", l)
	}
	if diff := cmp.Diff(before, dumpOf(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}
