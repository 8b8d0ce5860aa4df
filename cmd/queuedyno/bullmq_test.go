//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

const bullmqExample = "../../examples/bullmq-worker"

// bullmqNode is a Node.js, where the example has its BullMQ: "npm ci" puts it there.
func bullmqNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(bullmqExample + "/node_modules/bullmq")
	}
	if err != nil {
		redistest.Missing(t, "bullmq", err)
	}
	return node
}

// inNode runs a module in the example's directory, with BullMQ and a connection to the Redis.
func inNode(t *testing.T, node, url, text string) string {
	t.Helper()
	cmd := exec.Command(node, "--input-type=module", "--eval", `
import { Queue, QueueEvents } from 'bullmq';
import IORedis from 'ioredis';
const connection = new IORedis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
`+text+`
connection.disconnect();
`)
	cmd.Dir, cmd.Env = bullmqExample, append(os.Environ(), "REDIS_URL="+url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return string(out)
}

// bullmqRedis is a Redis in which others have keys, among them jobs of the queue mails.
func bullmqRedis(t *testing.T, node string) (url string, db *redis.Client) {
	t.Helper()
	url, db = othersRedis(t)
	inNode(t, node, url, `
const mails = new Queue('mails', { connection });
await mails.add('send', { to: 'them' }, { jobId: 'a0000000-0000-4000-8000-000000000001', delay: 1e9 });
await mails.close();
`)
	return url, db
}

// bullmqWorkers starts a worker and waits until it is ready.
func bullmqWorkers(t *testing.T, node, url string, environ ...string) (cmd *exec.Cmd, gone <-chan error) {
	t.Helper()
	cmd = exec.Command(node, "worker.js")
	cmd.Dir, cmd.Env = bullmqExample, append(append(os.Environ(), "REDIS_URL="+url), environ...)
	return cmd, awaitGroup(t, cmd, "ready")
}

// withoutHistory are the keys without what a queue keeps of its past: its events, the number
// of jobs that there ever were, and when a worker looked for stalled jobs last. Nor are there
// the markers, which idle workers take at any time.
func withoutHistory(dump map[string]string) map[string]string {
	for _, key := range []string{"events", "id"} {
		if _, has := dump["bull:mails:"+key]; has {
			dump["bull:mails:"+key] = "there"
		}
	}
	delete(dump, "bull:mails:marker")
	delete(dump, "bull:mails:stalled-check")
	return dump
}

// onMails is a run on the queue mails.
func onMails(t *testing.T, url string, more ...string) *command {
	t.Helper()
	return start(t, append([]string{"run", "quick", "-u", url, "-y", "external", "--dialect", "bullmq", "--job-name", "send-mail",
		"--queue", "bull:mails", "-r", "100", "--drain-timeout", "40s", "--allow-invalid", "--json"}, more...)...)
}

// eventsOf are the ids of the jobs of which the queue has an event.
func eventsOf(t *testing.T, db *redis.Client, event string) (ids []string) {
	t.Helper()
	all, err := db.XRange(t.Context(), "bull:mails:events", "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Values["event"] == event {
			ids = append(ids, fmt.Sprint(e.Values["jobId"]))
		}
	}
	return ids
}

// awaitEvents waits until the queue has an event of so many jobs.
func awaitEvents(t *testing.T, db *redis.Client, event string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for last := "0"; n > 0; {
		read, err := db.XRead(ctx, &redis.XReadArgs{Streams: []string{"bull:mails:events", last}, Block: time.Minute}).Result()
		if err != nil {
			t.Fatalf("%d more jobs have to be %s: %v", n, event, err)
		}
		for _, e := range read[0].Messages {
			if last = e.ID; e.Values["event"] == event {
				n--
			}
		}
	}
}

func TestJobsOfBullMQAreDoneByItsWorkersAndNothingIsLost(t *testing.T) {
	t.Parallel()
	node := bullmqNode(t)
	url, db := bullmqRedis(t, node)
	_, _ = bullmqWorkers(t, node, url, "CONCURRENCY=2")
	keys := func() map[string]string { return withoutHistory(dumpOf(t, db)) }
	before := keys()
	for name, flags := range map[string][]string{
		"no data": nil, "data and a payload": {"--job-args", `{"to": "é", "cc": [1]}`, "--payload", "1KB"},
	} {
		r := libraryResult(t, onMails(t, url, append(flags, "-n", "200")...), problem.OK)
		allDone(t, name, r, 200)
		if diff := cmp.Diff(before, keys()); diff != "" {
			t.Errorf("%s: other keys than before (-before +after):\n%s", name, diff)
		}
	}
	r := libraryResult(t, onMails(t, url, "-n", "50", "--job-name", "fail"), problem.OK)
	if l := r.Ledger; l.Notified != 50 || l.Failed != 50 {
		t.Errorf("ledger %+v, want all 50 failed", l)
	}
	if diff := cmp.Diff(before, keys()); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}

// A job that a run puts in is in Redis as BullMQ's own client puts it in.
func TestAJobIsPutInAsBullMQDoesIt(t *testing.T) {
	t.Parallel()
	node := bullmqNode(t)
	url, db := bullmqRedis(t, node)
	c := onMails(t, url, "-n", "1", "--job-args", `{"to": "them"}`, "--payload", "5", "--drain-timeout", "2m")
	awaitEvents(t, db, "waiting", 1)
	ids, err := db.LRange(t.Context(), "bull:mails:wait", 0, -1).Result()
	if err != nil || len(ids) != 1 {
		t.Fatalf("%q wait: %v", ids, err)
	}
	ours := dumpOf(t, db)
	inNode(t, node, url, `
const mails = new Queue('mails', { connection });
const [job] = await mails.getWaiting();
await mails.add(job.name, job.data, { jobId: 'T'.padEnd(36, 'x') });
await mails.close();
`)
	theirs := dumpOf(t, db)
	id := "T" + strings.Repeat("x", 35)
	hash := func(id string) map[string]string {
		h, err := db.HGetAll(t.Context(), "bull:mails:"+id).Result()
		if err != nil {
			t.Fatal(err)
		}
		if len(h["timestamp"]) != 13 {
			t.Errorf("timestamp %q, want milliseconds", h["timestamp"])
		}
		delete(h, "timestamp")
		h["opts"] = strings.ReplaceAll(h["opts"], id, "ID")
		h["data"] = strings.ReplaceAll(h["data"], `{"to": `, `{"to":`) // as JavaScript writes it
		return h
	}
	if diff := cmp.Diff(hash(id), hash(ids[0])); diff != "" {
		t.Errorf("the job is another one (-BullMQ's +ours):\n%s", diff)
	}
	last := func(id string) (all []string) {
		entries, err := db.XRange(t.Context(), "bull:mails:events", "-", "+").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Values["jobId"] == id {
				delete(e.Values, "jobId")
				all = append(all, fmt.Sprint(e.Values))
			}
		}
		return all
	}
	if diff := cmp.Diff(last(id), last(ids[0])); diff != "" {
		t.Errorf("other events (-BullMQ's +ours):\n%s", diff)
	}
	for _, key := range []string{"marker", "meta"} {
		if key = "bull:mails:" + key; ours[key] != theirs[key] {
			t.Errorf("%s is %q, and BullMQ makes it %q", key, ours[key], theirs[key])
		}
	}
	if n, err := db.Get(t.Context(), "bull:mails:id").Int(); err != nil || n != 3 {
		t.Errorf("%d jobs were counted: %v", n, err)
	}
	if _, err := db.Del(t.Context(), "bull:mails:"+id).Result(); err != nil {
		t.Fatal(err)
	}
	if err := db.LRem(t.Context(), "bull:mails:wait", 1, id).Err(); err != nil {
		t.Fatal(err)
	}
	_, _ = bullmqWorkers(t, node, url)
	if r := libraryResult(t, c, problem.OK); r.Ledger.Notified != 1 {
		t.Errorf("ledger %+v, want the job done", r.Ledger)
	}
}

// What BullMQ does is seen from outside, and nothing is changed by that.
func TestBullMQIsObserved(t *testing.T) {
	t.Parallel()
	node := bullmqNode(t)
	url, db := bullmqRedis(t, node)
	_, _ = bullmqWorkers(t, node, url, "CONCURRENCY=2")
	before := withoutHistory(dumpOf(t, db))
	seen := start(t, "run", "quick", "-x", "external", "-u", url, "--dialect", "bullmq", "--queue", "bull:mails", "-n", "150", "-d", "2m", "--allow-invalid", "--json")
	watched := start(t, "watch", "-u", url, "--dialect", "bullmq", "--queue", "bull:mails", "--json")
	// Nothing but the server tells when the two listen.
	for deadline := time.Now().Add(time.Minute); strings.Count(db.ClientList(t.Context()).Val(), "cmd=xread ") < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the two do not listen after a minute")
		}
	}
	if diff := cmp.Diff(before, withoutHistory(dumpOf(t, db))); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
	libraryResult(t, onMails(t, url, "-n", "200"), problem.OK)
	r := libraryResult(t, seen, problem.OK)
	if o := r.Observed; o == nil || r.Window.Completed < 150 || o.Updates.Completed < 150 || r.Stages[metric.Running] == nil {
		t.Errorf("observed %+v in the window %+v, want 150 jobs with their starts and ends", o, r.Window)
	}
	watched.stdout.await(t, `"completed":200`)
	watched.signal(t, os.Interrupt)
	watched.end(t)
	if last := lastLine(watched); !strings.Contains(last, `"completed":200`) {
		t.Errorf("the last look was %s, want 200 completed", last)
	}
}

// The user's own API adds the jobs, and the library says when they end: nothing of the
// application is imitated or changed.
func TestJobsThatAnAPIAddsAreHeardInTheEventsOfBullMQ(t *testing.T) {
	t.Parallel()
	node := bullmqNode(t)
	url, _ := bullmqRedis(t, node)
	_, _ = bullmqWorkers(t, node, url, "CONCURRENCY=4")
	api := exec.Command(node, "api.js")
	api.Dir, api.Env = bullmqExample, append(os.Environ(), "REDIS_URL="+url, "PORT=0")
	line, _ := awaitLine(t, api, " ready")
	address, _, _ := strings.Cut(line, " ")
	r := libraryResult(t, start(t, "run", "quick", "-u", url, "-y", "external", "--entry", address, "--entry-body", `{"to": "them"}`, "--entry-id", "id", "--dialect", "bullmq",
		"--queue", "bull:mails", "-r", "100", "-n", "200", "--drain-timeout", "40s", "--allow-invalid", "--json"), problem.OK)
	allDone(t, "by an API", r, 200)
	if s := r.Stages[metric.Request]; s == nil || s.Count != 200 {
		t.Errorf("requests %+v, want 200", s)
	}
}

func TestTheJobsOfAKilledBullMQWorkerAreNamed(t *testing.T) {
	t.Parallel()
	node := bullmqNode(t)
	url, db := bullmqRedis(t, node)
	worker, gone := bullmqWorkers(t, node, url, "CONCURRENCY=4", "WORK_MS=50")
	before := withoutHistory(dumpOf(t, db))
	c := onMails(t, url, "-n", "300", "--drain-timeout", "8s")
	awaitEvents(t, db, "completed", 40)
	kill(t, worker, gone)
	held, err := db.LRange(t.Context(), "bull:mails:active", 0, -1).Result()
	if err != nil || len(held) == 0 {
		t.Fatalf("the worker held %q: %v", held, err)
	}
	r := libraryResult(t, c, problem.OK)
	want, got := map[string]bool{}, map[string]bool{}
	for _, id := range held {
		want[id] = true
	}
	for _, j := range r.Ledger.LostJobs {
		if j.Leg == ledger.LegUnfinished {
			got[j.ID] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the jobs that were named are not those that the worker held (-held +named):\n%s", diff)
	}
	if n := r.Ledger.LostByLeg[ledger.LegInQueue]; n+int64(len(held)) != r.Ledger.Lost || n == 0 {
		t.Errorf("ledger %+v, want what the worker had not taken in the queue", r.Ledger)
	}
	if diff := cmp.Diff(before, withoutHistory(dumpOf(t, db))); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
	if err := db.ZScore(t.Context(), "bull:mails:marker", "0").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("the marker says that a job waits: %v", err)
	}
}

// A worker is killed, and another one gives its jobs out again when their locks have run out.
func TestJobsThatBullMQGivesOutAgainAreCounted(t *testing.T) {
	t.Parallel()
	node := bullmqNode(t)
	url, db := bullmqRedis(t, node)
	short := []string{"CONCURRENCY=4", "WORK_MS=100", "LOCK_MS=2000", "STALLED_MS=500"}
	worker, gone := bullmqWorkers(t, node, url, short...)
	c := onMails(t, url, "-n", "100", "--drain-timeout", "50s")
	awaitEvents(t, db, "completed", 10)
	kill(t, worker, gone)
	_, _ = bullmqWorkers(t, node, url, short...)
	r := libraryResult(t, c, problem.OK)
	again := int64(len(eventsOf(t, db, "stalled")))
	if l := r.Ledger; l.Notified != 100 || l.Lost != 0 || l.Redelivered != again || again == 0 {
		t.Errorf("ledger %+v, want all 100 notified and %d redelivered", l, again)
	}
}

func TestWorkersOfBullMQThatARunStartsLeaveNoKeys(t *testing.T) {
	t.Parallel()
	node := bullmqNode(t)
	url, db := bullmqRedis(t, node)
	before := dumpOf(t, db)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := libraryResult(t, start(t, "run", "quick", "-u", url, "--dialect", "bullmq", "--job-name", "send-mail",
		"--worker", "cd "+dir+"/"+bullmqExample+" && CONCURRENCY=2 exec "+node+" worker.js",
		"-r", "100", "-n", "200", "--drain-timeout", "40s", "--allow-invalid", "--json"), problem.OK)
	if l := r.Ledger; l.Notified != 200 {
		t.Errorf("ledger %+v, want all 200 notified", l)
	}
	if diff := cmp.Diff(before, dumpOf(t, db)); diff != "" {
		t.Errorf("other keys than before (-before +after):\n%s", diff)
	}
}
