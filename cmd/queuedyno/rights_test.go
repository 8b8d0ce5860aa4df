//go:build unix

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// The permissions that a Redis user needs to do the jobs of a queue or to observe it, in
// any design, and what each design needs besides. docs/redis.md has them too.
const (
	workersRights  = "~job_queue &job_updates -@all +publish +ping +client|id +client|unblock +client|setname +hello +auth +select"
	rehearsal      = "+multi +discard"
	watchersRights = "~job_queue &job_updates -@all +subscribe +unsubscribe +ping +client|setname +hello +auth +select"
)

var verbRights = []struct {
	design          jobqueue.Design
	worker, watcher string
}{
	{jobqueue.List, "+brpop +llen", "+llen"},
	{jobqueue.ListPoll, "+rpop +llen", "+llen"},
	{jobqueue.ReliableList, "+blmove +lmove +lrem +llen +sadd +srem +smembers +exists +set +del ~{job_queue}:*", "+llen"},
	{jobqueue.Stream, "+xreadgroup +xautoclaim +xack +xdel +xgroup|create +xgroup|delconsumer +xlen +xpending +xrange +xinfo|groups",
		"+xlen +xpending +xrange +xinfo|groups"},
}

// usersOf are the arguments that give a redis-server users: names and rights in
// turn. Their password is s3cret.
func usersOf(namesAndRights ...string) []string {
	var args []string
	for i := 0; i < len(namesAndRights); i += 2 {
		args = append(args, "--user", namesAndRights[i], "on", ">s3cret")
		args = append(args, strings.Fields(namesAndRights[i+1])...)
	}
	return args
}

// as is the URL for a user.
func as(url, user string) string {
	return strings.Replace(url, "://", "://"+user+":s3cret@", 1)
}

func TestTheLeastRightsAreEnoughToWorkAndToLookOn(t *testing.T) {
	t.Parallel()
	for _, c := range verbRights {
		t.Run(string(c.design), func(t *testing.T) {
			t.Parallel()
			server := redistest.Process(t, usersOf(
				"worker", workersRights+" "+c.worker,
				"checked", workersRights+" "+c.worker+" "+rehearsal,
				"watcher", watchersRights+" "+c.watcher)...)
			client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: server.URL(), Design: c.design})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			w := start(t, "watch", "-u", as(server.URL(), "watcher"), "--design", string(c.design), "--json")
			w.await(t, "queue")
			r := start(t, "run", "quick", "--producers", "external", "-u", as(server.URL(), "watcher"), "--design", string(c.design), "-d", "1m", "-n", "4", "--warmup", "0s")
			untilHeard(t, client, 2)
			p, err := client.OpenProducer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			for _, user := range []string{"worker", "checked"} {
				for i := range 3 {
					if err := p.Push(t.Context(), fmt.Append(nil, user, i)); err != nil {
						t.Fatal(err)
					}
				}
				works := start(t, "worker", "-u", as(server.URL(), user), "--design", string(c.design), "-y", "2", "--running", "--jobs", "3")
				if code := works.end(t); code != problem.OK {
					t.Errorf("%s: worker ended with %d:\n%s", user, code, strings.Join(works.said, "\n"))
				}
			}
			if n, err := client.Len(t.Context()); err != nil || n != 0 {
				t.Errorf("%d jobs are left, %v", n, err)
			}
			if code := r.end(t); code != problem.OK || !strings.Contains(r.stdout.String(), "jobs ended") {
				t.Errorf("the run ended with %d:\n%s\n%s", code, strings.Join(r.said, "\n"), r.stdout.String())
			}
			const total = `"total":{"running":6,"completed":6,"failed":0`
			w.stdout.await(t, total)
			w.signal(t, os.Interrupt)
			if code, last := w.end(t), lastLine(w); code != problem.Interrupted || !strings.Contains(last, total) || !strings.Contains(last, `"backlog":0,`) {
				t.Errorf("watch ended with %d:\n%s\n%s", code, strings.Join(w.said, "\n"), w.stdout.String())
			}
		})
	}
}

// What a load needs for the jobs of a library besides loadersRights.
const loadersRights = "-@all +ping +client|id +client|unblock +client|setname +hello +auth +select +type +del +llen +lrange"

var libraryRights = []struct {
	dialect, queue, name, rights string
}{
	{"sidekiq", "queue:mails", "HardJob", "~queue:mails &updates +subscribe +unsubscribe +lpush +lrem"},
	{"celery", "mails", "tasks.work", "~mails ~unacked ~unacked_index ~celery-task-meta-* allchannels +psubscribe +punsubscribe +lpush +lrem +hdel +zrem"},
	{"bullmq", "bull:mails", "send", "~bull:mails:* +eval +evalsha +script|load +hexists +hget +hset +incr +xadd +xread +xrange +xrevrange +lpush +lrem +zadd +zrem +zcard +srem"},
	{"asynq", "mails", "mail:send", "~asynq:{mails}:* ~asynq:queues &updates +subscribe +unsubscribe +eval +evalsha +script|load +exists +sadd +srem +hset +lpush +lrem +zrem"},
	{"rq", "mails", "tasks.work", "~rq:queue:mails* ~rq:queues ~rq:job:* ~rq:results:* ~rq:executions:* ~rq:*:mails allchannels +psubscribe +punsubscribe +eval +evalsha +script|load +config|get +hmget +hset +rpush +lrem +zrem +srem +sadd"},
}

func TestTheLeastRightsAreEnoughForTheJobsOfLibraries(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range libraryRights {
		t.Run(c.dialect, func(t *testing.T) {
			t.Parallel()
			url, db := rqRedis(t)
			// What BullMQ has of a queue that is in use.
			db.HSet(t.Context(), "bull:mails:meta", "opts.maxLenEvents", "10000")
			db.Set(t.Context(), "bull:mails:id", "1", 0)
			db.XAdd(t.Context(), &redis.XAddArgs{Stream: "bull:mails:events", Values: []string{"event", "drained"}})
			before := withoutHistory(dumpOf(t, db))
			user := []any{"ACL", "SETUSER", "load", "on", ">s3cret"}
			for right := range strings.FieldsSeq(loadersRights + " " + c.rights) {
				user = append(user, right)
			}
			if err := db.Do(t.Context(), user...).Err(); err != nil {
				t.Fatal(err)
			}
			flags := []string{"run", "quick", "-u", as(url, "load"), "-y", "external", "--dialect", c.dialect, "--job-name", c.name, "--queue", c.queue,
				"-r", "100", "-n", "20", "--drain-timeout", "1s", "--warmup", "0s", "--allow-invalid", "--json"}
			if strings.Contains(c.rights, "&updates") {
				flags = append(flags, "--channel", "updates")
			}
			r := libraryResult(t, start(t, flags...), problem.Invalid) // no worker takes any
			if l := r.Ledger; l.Sent != 20 || l.LostByLeg[ledger.LegInQueue] != 20 {
				t.Errorf("ledger %+v, want 20 jobs in the queue", l)
			}
			if diff := cmp.Diff(before, withoutHistory(dumpOf(t, db))); diff != "" {
				t.Errorf("other keys than before (-before +after):\n%s", diff)
			}
			if !strings.Contains(string(text), c.rights) || !strings.Contains(string(text), loadersRights) {
				t.Errorf("docs/redis.md does not have %s", c.rights)
			}
		})
	}
}

func TestTheRightsOfEachVerbAreInTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{workersRights, rehearsal, watchersRights}
	for _, c := range verbRights {
		want = append(want, c.worker, c.watcher)
	}
	for _, rights := range want {
		if !strings.Contains(string(text), rights) {
			t.Errorf("docs/redis.md does not have %s", rights)
		}
	}
}

func TestAWorkerThatLacksARightTakesNoJobAndSaysWhich(t *testing.T) {
	t.Parallel()
	const rest = workersRights + " " + rehearsal + " +llen "
	server := redistest.Process(t, usersOf(
		"nopop", rest,
		"nochannel", strings.Replace(rest, "&job_updates ", "", 1)+"+brpop",
		"nopublish", strings.Replace(rest, "+publish ", "", 1)+"+brpop")...)
	client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Push(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	for user, says := range map[string]string{
		"nopop":     `queuedyno: worker: pop from "job_queue" at `,
		"nochannel": `queuedyno: worker: publish on "job_updates" at `,
		"nopublish": `queuedyno: worker: publish on "job_updates" at `,
	} {
		w := start(t, "worker", "-u", as(server.URL(), user), "--idle", "1s")
		code := w.end(t)
		said := strings.Join(w.said, "\n")
		if code != problem.CouldNotRun || !strings.Contains(said, says) || !strings.Contains(said, "NOPERM") || !strings.Contains(said, "hint: the user lacks a right") {
			t.Errorf("%s: exit code %d:\n%s", user, code, said)
		}
	}
	if n, err := client.Len(t.Context()); err != nil || n != 2 {
		t.Errorf("%d jobs are left, %v; want both", n, err)
	}
}

func TestAnOutcomeThatRedisRefusesIsNamedInTheError(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t, usersOf("nochannel", strings.Replace(workersRights, "&job_updates ", "", 1)+" +llen +brpop")...)
	client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Push(t.Context(), "job 4711", "b"); err != nil {
		t.Fatal(err)
	}
	w := start(t, "worker", "-u", as(server.URL(), "nochannel"), "-y", "1", "--running")
	code := w.end(t)
	said := strings.Join(w.said, "\n")
	if code != problem.CouldNotRun || !strings.Contains(said, `1 outcome could not be published, of "job 4711"`) || strings.Contains(said, "away") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if n, err := client.Len(t.Context()); err != nil || n != 1 {
		t.Errorf("%d jobs are left, %v; want the other one", n, err)
	}
}

func TestAChannelThatIsRefusedCostsNoOtherTenantAJob(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t, usersOf("firstonly", strings.Replace(workersRights, "&job_updates ", "&job_updates:t1 ", 1)+" +llen +brpop")...)
	client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Push(t.Context(), `{"jobId":"a","tenantId":"t1"}`, `{"jobId":"b","tenantId":"t2"}`, "c", "d"); err != nil {
		t.Fatal(err)
	}
	w := start(t, "worker", "-u", as(server.URL(), "firstonly"), "-y", "1", "--channels", "tenant", "--tenants", "2")
	code := w.end(t)
	if said := strings.Join(w.said, "\n"); code != problem.CouldNotRun || !strings.Contains(said, `1 outcome could not be published, of "b"`) {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if n, err := client.Len(t.Context()); err != nil || n != 2 {
		t.Errorf("%d jobs are left, %v; want the two after it", n, err)
	}
}

func TestAWorkerOnAReplicaSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t, "--replicaof", "127.0.0.1 1")
	w := start(t, "worker", "-u", server.URL(), "--idle", "1s")
	code := w.end(t)
	said := strings.Join(w.said, "\n")
	if code != problem.CouldNotRun || !strings.Contains(said, "READONLY") || !strings.Contains(said, "hint: this is a read-only replica") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}
