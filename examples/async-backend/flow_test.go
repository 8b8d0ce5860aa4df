package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/jobqueue"
)

func TestAJobGoesFromTheRequestToTheWebSocket(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	l := listen(t, api, "acme")
	code, body := request(t, "POST", api+"/jobs", `{"tenantId":"acme","payload":{"to":"a@example.com"}}`)
	var answer map[string]string
	if err := json.Unmarshal(body, &answer); code != http.StatusAccepted || err != nil || len(answer) != 1 || answer["jobId"] == "" {
		t.Fatalf("POST /jobs: %d %s", code, body)
	}
	id := answer["jobId"]
	if got := s.status(id); got != pending {
		t.Errorf("the row says %q before there is a worker", got)
	}
	if ids, err := s.queue.Peek(t.Context(), 0, 2); err != nil || len(ids) != 1 || ids[0] != id {
		t.Errorf("the queue holds %q, %v; want the job's id", ids, err)
	}

	s.startWorker()
	for _, status := range []jobqueue.Status{jobqueue.Running, jobqueue.Completed} {
		message, err := l.read()
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`{"tenantId":"acme","jobId":%q,"status":%q,"error":null}`, id, status); string(message) != want {
			t.Errorf("the client was sent %s, want %s", message, want)
		}
	}
	code, body = request(t, "GET", api+"/jobs/"+id, "")
	var row job
	if err := json.Unmarshal(body, &row); code != http.StatusOK || err != nil {
		t.Fatalf("GET /jobs/%s: %d %s", id, code, body)
	}
	if row.ID != id || row.TenantID != "acme" || row.Status != jobqueue.Completed || row.Error != nil ||
		string(row.Payload) != `{"to":"a@example.com"}` || row.CreatedAt.IsZero() || row.UpdatedAt.Before(row.CreatedAt) {
		t.Errorf("GET /jobs/%s: %s", id, body)
	}
}

// No client hears of an outcome that the row does not show.
func TestTheRowIsUpdatedBeforeTheMessageIsPublished(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	s.startWorker()
	l := listen(t, api, "acme")
	for range 50 {
		id := s.post(api, "acme")
		l.until(id, jobqueue.Completed)
		if got := s.status(id); got != jobqueue.Completed {
			t.Fatalf("the client was sent COMPLETED, the row says %s", got)
		}
	}
}

func TestAJobThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	l := listen(t, api, "acme")
	store, err := openStore(t.Context(), s.databaseURL, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	w := worker{store: store, queue: s.queue, log: slog.New(slog.DiscardHandler), work: func(_ context.Context, j job) error {
		return fmt.Errorf("no such address: %s", j.Payload)
	}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		w.run(ctx, 1)
		close(ended)
	}()
	_, body := request(t, "POST", api+"/jobs", `{"tenantId":"acme","payload":"x"}`)
	if u := l.next(); u.Status != jobqueue.Running {
		t.Errorf("first message: %+v", u)
	}
	u := l.next()
	const want = `no such address: "x"`
	if u.Status != jobqueue.Failed || u.Error == nil || *u.Error != want || !strings.Contains(string(body), u.JobID) {
		t.Errorf("update %+v; want FAILED, %s", u, want)
	}
	row, err := store.get(t.Context(), u.JobID)
	if err != nil || row.Status != jobqueue.Failed || row.Error == nil || *row.Error != want {
		t.Errorf("row %+v, %v; want FAILED, %s", row, err, want)
	}
	stop()
	<-ended
}

// Every id is in the queue twice, and two workers take them.
func TestEveryJobEndsExactlyOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	l := listen(t, api, "acme")
	const jobs = 100
	for range jobs {
		id := s.post(api, "acme")
		if err := s.queue.Push(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	workers := []*process{s.startWorker(), s.startWorker()}
	ends := map[string]int{}
	for len(ends) < jobs { // as they come, or the API would disconnect this client
		if u := l.next(); u.Status == jobqueue.Completed {
			ends[u.JobID]++
		}
	}
	eventually(t, "the queue is empty", func() bool { return s.waiting() == 0 })
	for _, w := range workers {
		w.terminate()
		w.stopped()
	}
	for id, n := range l.rest(s, "acme") {
		ends[id] += n
	}
	for id, n := range ends {
		if n != 1 {
			t.Errorf("job %s ended %d times", id, n)
		}
	}
	if n := s.count("SELECT count(*) FROM jobs WHERE status = 'COMPLETED'"); n != jobs || len(ends) != jobs {
		t.Errorf("%d jobs in the table are completed and %d were reported, want %d", n, len(ends), jobs)
	}
}

func TestATenantReceivesItsOwnUpdatesOnly(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	w := s.startWorker()
	tenants := []string{"acme", "a&b=c/ü", "t1"}
	clients, jobs := map[string][]*listener{}, map[string]string{}
	for _, tenant := range tenants {
		clients[tenant] = []*listener{listen(t, api, tenant), listen(t, api, tenant)}
	}
	for _, tenant := range tenants {
		jobs[tenant] = s.post(api, tenant)
		s.waitForStatus(jobs[tenant], jobqueue.Completed)
	}
	w.terminate()
	w.stopped()
	for _, tenant := range tenants {
		for _, l := range clients[tenant] {
			if ends := l.rest(s, tenant); len(ends) != 1 || ends[jobs[tenant]] != 1 {
				t.Errorf("a client of %s was sent the ends of %v, want that of %s", tenant, ends, jobs[tenant])
			}
			l.conn.Close()
		}
	}
}

// Two API processes on one Redis: each client hears of every job of its tenant,
// by whichever API it came in.
func TestEveryAPIHearsOfEveryJob(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	first, _ := s.startAPI()
	second, _ := s.startAPI()
	s.startWorker()
	l := listen(t, second, "acme")
	id := s.post(first, "acme")
	if ends := l.until(id, jobqueue.Completed); ends[id] != 1 {
		t.Errorf("ends: %v", ends)
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/jobs", ``, http.StatusBadRequest},
		{"POST", "/jobs", `{"tenantId":7}`, http.StatusBadRequest},
		{"POST", "/jobs", `{"payload":1}`, http.StatusBadRequest},
		{"POST", "/jobs", `{"tenantId":"a\u0000"}`, http.StatusBadRequest},
		{"POST", "/jobs", `{"tenantId":"a","payload":"` + strings.Repeat("x", maxBody) + `"}`, http.StatusBadRequest},
		{"POST", "/jobs", `{"tenantId":"a","payload":"\u0000"}`, http.StatusAccepted},
		{"POST", "/jobs", `{"tenantId":"a","payload":null}`, http.StatusAccepted},
		{"GET", "/jobs/4711", "", http.StatusNotFound},
		{"GET", "/jobs", "", http.StatusMethodNotAllowed},
		{"GET", "/ws", "", http.StatusBadRequest},
		{"GET", "/ws?tenant=a", "", http.StatusUpgradeRequired},
	} {
		code, body := request(t, c.method, api+c.path, c.body)
		if code != c.want {
			t.Errorf("%s %s %.60s: %d %s, want %d", c.method, c.path, c.body, code, body, c.want)
		}
	}
	if n := s.count("SELECT count(*) FROM jobs"); n != 2 {
		t.Errorf("%d rows, want those of the two jobs that were accepted", n)
	}
}

// Processes that start at once all find or make the table.
func TestStartingTogetherCreatesOneTable(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	errs := make(chan error)
	for range 10 {
		go func() {
			s, err := openStore(context.Background(), url, 1)
			if err == nil {
				s.close()
			}
			errs <- err
		}()
	}
	for range 10 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "INSERT INTO jobs (id, tenant_id, status) VALUES ('1', 'a', 'ODD')"); err == nil {
		t.Error("a status that there is not was stored")
	}
}

func TestAForeignIDIsSkipped(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	if err := s.queue.Push(t.Context(), "4711", `{"jobId":"4712"}`); err != nil {
		t.Fatal(err)
	}
	id := s.post(api, "acme")
	w := s.startWorker("WORKERS=1")
	s.waitForStatus(id, jobqueue.Completed)
	for _, foreign := range []string{"4711", "4712"} {
		w.waitForLog("job=" + foreign)
	}
}
