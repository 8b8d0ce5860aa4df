package main

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// A delay shows in the stage where it was planted and in no other.
func TestADelayIsFoundWhereItIs(t *testing.T) {
	rate, duration, delay := int64(20), 3*time.Second, 100*time.Millisecond
	if *full {
		rate, duration, delay = 100, 10*time.Second, 20*time.Millisecond
	} else {
		t.Parallel()
	}
	s := newSystem(t)
	api, _ := s.startAPI("POOL=10")
	sockets, throughProxy := behind(t, api)
	w := s.startWorker("WORKERS=16", "POOL=16")
	stages := []string{"request", "running", "broadcast"}
	measure := func() *result.Result {
		r := s.measure(outside(api, throughProxy, rate, duration, 4), queuedyno.Options{})
		s.nothingLost(r)
		return r
	}
	s.exec(fmt.Sprintf(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_sleep(%g); RETURN NEW; END $$`, delay.Seconds()))
	for _, fault := range []struct {
		stage       string
		plant, mend func()
	}{
		{
			"request",
			func() { s.exec("CREATE TRIGGER slow BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION slow()") },
			func() { s.exec("DROP TRIGGER slow ON jobs") },
		},
		{"broadcast", func() { sockets.putOff(delay) }, func() { sockets.putOff(0) }},
		{"running", func() {
			w.terminate()
			w.stopped()
			s.startWorker("WORKERS=16", "POOL=16", "WORK="+delay.String())
		}, func() {}},
	} {
		fault.plant()
		with := measure()
		fault.mend()
		// A busy host lengthens stages, too, but not every job's.
		for _, stage := range stages {
			least, middle := time.Duration(metric(t, with, stage+".min")), time.Duration(metric(t, with, stage+".p50"))
			t.Logf("%s in %s: %s takes %s at least, p50 %s", delay, fault.stage, stage, least, middle)
			if stage == fault.stage && middle < delay*9/10 || stage != fault.stage && least > delay/2 {
				t.Errorf("with %s more in %s, %s has a minimum of %s and a p50 of %s", delay, fault.stage, stage, least, middle)
			}
		}
	}
}

// lostOn checks on which legs jobs were lost.
func lostOn(t *testing.T, r *result.Result, want map[result.Leg]int64) {
	t.Helper()
	got := maps.Clone(r.Ledger.LostByLeg)
	maps.DeleteFunc(got, func(_ result.Leg, n int64) bool { return n == 0 })
	if !maps.Equal(got, want) {
		t.Errorf("lost on %v, want %v", got, want)
	}
}

// The API is killed when the rows of all jobs are there and no id has been pushed. Its
// clients know only that no answer came; the table has the rest.
func TestJobsOfAnAPIThatWasKilledAreUnacknowledged(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	redis, redisURL := behind(t, s.redisURL)
	api, crashing := s.startAPI("REDIS_URL="+redisURL, "POOL=10")
	s.startWorker()
	const jobs = 10
	load := outside(api, api, 1000, 0, 1)
	load.Load.Jobs, load.Load.Arrivals, load.Entry.HTTP.Connections = jobs, pace.Constant, jobs
	load.DrainTimeout = time.Second
	begun, held, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var r *result.Result
	var err error
	go func() {
		defer close(ended)
		r, err = queuedyno.Run(t.Context(), load, s.queue, queuedyno.Options{Begin: func() {
			close(begun)
			<-held
		}})
	}()
	select {
	case <-begun:
	case <-ended:
		t.Fatal(err)
	}
	s.waitForOnly(jobqueue.Completed, 1) // the job that tried the API
	redis.hold()
	close(held)
	eventually(t, "all rows are there", func() bool { return s.count("SELECT count(*) FROM jobs") == jobs+1 })
	crashing.kill()
	if <-ended; err != nil {
		t.Fatal(err)
	}
	lostOn(t, r, map[result.Leg]int64{"unacknowledged": jobs})
	if l := r.Ledger; l.Sent != jobs || l.Acked != 0 || l.Notified != 0 || l.Lost != jobs {
		t.Errorf("ledger %+v; want %d jobs sent, and all of them lost", l, jobs)
	}
	if pending, waiting := s.count("SELECT count(*) FROM jobs WHERE status = 'PENDING'"), s.waiting(); pending != jobs || waiting != 0 {
		t.Errorf("%d rows are PENDING and %d ids in the queue, want %d and none", pending, waiting, jobs)
	}
}

// waitForOnly waits until the table has so many rows, and all have that status.
func (s *system) waitForOnly(status jobqueue.Status, rows int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%d rows are %s", rows, status), func() bool {
		return s.count("SELECT count(*) FROM jobs WHERE status = $1", status) == rows && s.count("SELECT count(*) FROM jobs") == rows
	})
}

// The API's ids are in the list, and no worker has begun them; then one has, and is
// killed.
func TestJobsWithoutAWorkerAreInTheQueueAndThoseOfAKilledOneUnfinished(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	// A number of jobs and not a time: then no request is under way when the load ends.
	load := outside(api, api, 40, 0, 1)
	load.Load.Jobs, load.DrainTimeout = 20, 10*time.Second
	r := s.measure(load, queuedyno.Options{})
	jobs := r.Ledger.Scheduled
	lostOn(t, r, map[result.Leg]int64{"in_queue": jobs})
	if first := r.Ledger.LostJobs[0].ID; first != "0" {
		t.Errorf("the first lost job is %s, want job 0", first)
	}
	if waiting := s.waiting(); waiting != jobs+1 { // and the job that tried the API
		t.Errorf("%d ids in the queue, want %d", waiting, jobs+1)
	}
	if err := s.queue.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.exec("DELETE FROM jobs")

	w := s.startWorker("WORK=1h", "WORKERS=64", "POOL=10")
	r = s.measure(load, queuedyno.Options{})
	w.kill()
	lostOn(t, r, map[result.Leg]int64{"unfinished": 20})
	s.waitForOnly(jobqueue.Running, 21)
}

// Two tenants have a client each, and one of them is sent nothing any more. The jobs of
// its tenant were done.
func TestJobsThatAClientDidNotReadAreUnbroadcast(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	sockets, throughProxy := behind(t, api)
	s.startWorker()
	load := outside(api, throughProxy, 40, 0, 2)
	load.Load.Jobs, load.DrainTimeout = 40, 10*time.Second
	r := s.measure(load, queuedyno.Options{Begin: func() {
		s.waitForOnly(jobqueue.Completed, 1)
		s.exec("DELETE FROM jobs") // the job that tried the API
		sockets.mute()
	}})
	l := r.Ledger
	of := func(tenant string) int64 {
		return int64(s.count("SELECT count(*) FROM jobs WHERE tenant_id = $1", tenant))
	}
	lost, read := of("t1"), of("t2")
	if lost == 0 || read == 0 {
		t.Fatalf("%d and %d jobs of the tenants, want some of both", lost, read)
	}
	if l.Notified == lost { // the other client connected first
		lost, read = read, lost
	}
	lostOn(t, r, map[result.Leg]int64{"unbroadcast": lost})
	if l.Acked != lost+read || l.Notified != read {
		t.Errorf("ledger %+v; want %d jobs accepted, and %d notified", l, lost+read, read)
	}
	s.waitForOnly(jobqueue.Completed, int(lost+read))
}
