package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// sweeping are settings with which an API pushes unfinished jobs again at once.
var sweeping = []string{"SWEEP=20ms", "STALE=1ms"}

func TestTheJobOfAKilledWorkerIsDoneByAnother(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	l := listen(t, api, "acme")
	killed := s.startWorker("WORK=1h")
	id := s.post(api, "acme")
	if u := l.next(); u.JobID != id || u.Status != jobqueue.Running {
		t.Fatalf("update %+v, want RUNNING", u)
	}
	killed.kill()

	// Without a sweeper the job is lost: Redis has forgotten it, and the row says
	// RUNNING although no worker has it.
	survivor := s.startWorker()
	other := s.post(api, "acme")
	s.waitForStatus(other, jobqueue.Completed)
	if status, waiting := s.status(id), s.waiting(); status != jobqueue.Running || waiting != 0 {
		t.Errorf("without a sweeper: %s, %d in the queue; want RUNNING and an empty queue", status, waiting)
	}

	s.startAPI(sweeping...)
	s.waitForStatus(id, jobqueue.Completed)
	survivor.terminate()
	survivor.stopped()
	if ends := l.rest(s, "acme"); ends[id] != 1 || ends[other] != 1 {
		t.Errorf("ends: %v, want one of %s and of %s", ends, id, other)
	}
}

// Between INSERT and LPUSH: what the API writes to Redis does not get there, and
// then the API is killed.
func TestAJobThatWasStoredAndNotPushedIsPushedByTheSweeper(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	p, redisURL := behind(t, s.redisURL)
	api, crashing := s.startAPI("REDIS_URL=" + redisURL)
	p.hold()
	answered := make(chan int)
	go func() {
		answer, err := http.Post(api+"/jobs", "application/json", strings.NewReader(`{"tenantId":"acme"}`))
		if err != nil {
			answered <- 0
			return
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
		answered <- answer.StatusCode
	}()
	eventually(t, "the row is there", func() bool { return s.count("SELECT count(*) FROM jobs") == 1 })
	crashing.kill()
	if code := <-answered; code == http.StatusAccepted {
		t.Fatalf("the API answered %d", code)
	}
	var id string
	if err := s.db.QueryRow(t.Context(), "SELECT id FROM jobs").Scan(&id); err != nil {
		t.Fatal(err)
	}

	// Without a sweeper this is the lost job: stored, and never in the queue.
	api, _ = s.startAPI()
	l := listen(t, api, "acme")
	w := s.startWorker()
	other := s.post(api, "acme")
	s.waitForStatus(other, jobqueue.Completed)
	if status, waiting := s.status(id), s.waiting(); status != pending || waiting != 0 {
		t.Errorf("without a sweeper: %s, %d in the queue; want PENDING and an empty queue", status, waiting)
	}

	s.startAPI(sweeping...)
	s.waitForStatus(id, jobqueue.Completed)
	w.terminate()
	w.stopped()
	if ends := l.rest(s, "acme"); ends[id] != 1 || ends[other] != 1 {
		t.Errorf("ends: %v, want one of %s and of %s", ends, id, other)
	}
}

// Redis may forget the queue. The rows do not.
func TestTheSweeperRestoresAQueueThatRedisForgot(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	ids := map[string]bool{}
	for range sweepBatch + 20 {
		ids[s.post(api, "acme")] = true
	}
	if err := s.queue.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.startAPI(sweeping...)
	s.startWorker()
	eventually(t, "all jobs are completed", func() bool {
		return s.count("SELECT count(*) FROM jobs WHERE status = 'COMPLETED'") == len(ids)
	})
}

// With a sweeper a job that cannot be pushed is accepted, since it will be done;
// without one the client must know.
func TestAJobIsAcceptedIfItWillBeDone(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	for _, c := range []struct {
		sweep string
		want  int
	}{{"1h", http.StatusAccepted}, {"0s", http.StatusServiceUnavailable}} {
		p, redisURL := behind(t, s.redisURL)
		api, _ := s.startAPI("REDIS_URL="+redisURL, "SWEEP="+c.sweep)
		p.leave()
		if code, body := request(t, "POST", api+"/jobs", `{"tenantId":"acme"}`); code != c.want {
			t.Errorf("with SWEEP=%s: %d %s, want %d", c.sweep, code, body, c.want)
		}
	}
	if n := s.count("SELECT count(*) FROM jobs WHERE status = 'PENDING'"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func TestAWorkerWithoutPostgresPutsItsJobBack(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI() // without a sweeper, which would find the job as well
	l := listen(t, api, "acme")
	p, databaseURL := behind(t, s.databaseURL)
	w := s.startWorker("DATABASE_URL=" + databaseURL)
	p.leave()
	id := s.post(api, "acme")
	w.waitForLog("claim job")
	p.comeBack()
	l.until(id, jobqueue.Completed)
	w.terminate()
	w.stopped()
	if ends := l.rest(s, "acme"); len(ends) != 0 {
		t.Errorf("more ends: %v", ends)
	}
}

func TestBrokenConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	redis, redisURL := behind(t, s.redisURL)
	database, databaseURL := behind(t, s.databaseURL)
	through := []string{"REDIS_URL=" + redisURL, "DATABASE_URL=" + databaseURL}
	api, process := s.startAPI(through...)
	s.startWorker(through...)
	l := listen(t, api, "acme")
	first := s.post(api, "acme")
	l.until(first, jobqueue.Completed)

	redis.cut()
	database.cut()
	process.waitForLog("subscription lost")
	s.waitUntilReady(api)
	var second string
	eventually(t, "a job is accepted", func() bool {
		code, body := request(t, "POST", api+"/jobs", `{"tenantId":"acme"}`)
		_, rest, _ := strings.Cut(string(body), `"jobId":"`)
		second, _, _ = strings.Cut(rest, `"`)
		return code == http.StatusAccepted
	})
	if ends := l.until(second, jobqueue.Completed); ends[second] != 1 || ends[first] != 0 {
		t.Errorf("ends: %v, want one of %s", ends, second)
	}
}

// A client that hangs up between INSERT and LPUSH leaves a whole job behind.
func TestAClientThatHangsUpLeavesNoHalfJob(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI() // without a sweeper
	release := s.holdStatements("INSERT", string(pending))
	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", api+"/jobs", strings.NewReader(`{"tenantId":"acme"}`))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		ended <- err
	}()
	s.waitUntilHeld(1)
	hangUp()
	if err := <-ended; err == nil {
		t.Fatal("the request was answered before it was stored")
	}
	release()
	eventually(t, "the job is in the queue", func() bool { return s.waiting() == 1 })
	if n := s.count("SELECT count(*) FROM jobs WHERE status = 'PENDING'"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}
