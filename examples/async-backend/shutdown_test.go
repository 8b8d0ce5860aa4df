package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// holdStatements makes Postgres wait before each INSERT or UPDATE of a row with
// the given status. It returns what lets them go on.
func (s *system) holdStatements(event, status string) (release func()) {
	s.t.Helper()
	s.exec(`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$`)
	s.exec(`CREATE TRIGGER hold BEFORE ` + event + ` ON jobs FOR EACH ROW WHEN (NEW.status = '` + status + `') EXECUTE FUNCTION hold()`)
	conn, err := pgx.Connect(s.t.Context(), s.databaseURL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(s.t.Context(), "SELECT pg_advisory_lock(1)"); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.t.Helper()
		if _, err := conn.Exec(s.t.Context(), "SELECT pg_advisory_unlock(1)"); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *system) waitUntilHeld(n int) {
	s.t.Helper()
	eventually(s.t, "Postgres holds the statements", func() bool {
		return s.count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == n
	})
}

func TestAWorkerThatStopsFinishesItsJobsAndTakesNoMore(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	l := listen(t, api, "acme")
	release := s.holdStatements("UPDATE", "COMPLETED")
	const jobs, workers = 20, 3
	ends := map[string]int{}
	for range jobs {
		ends[s.post(api, "acme")] = 0
	}
	w := s.startWorker("WORKERS=3") // its statements are held for a limited time
	s.waitUntilHeld(workers)
	w.terminate()
	release()
	w.stopped()
	done := s.count("SELECT count(*) FROM jobs WHERE status = 'COMPLETED'")
	if waiting := s.waiting(); done < workers || int64(done)+waiting != jobs {
		t.Errorf("%d jobs are completed and %d wait; want at least %d completed, and %d in all", done, waiting, workers, jobs)
	}
	if n := s.count("SELECT count(*) FROM jobs WHERE status = 'RUNNING'"); n != 0 {
		t.Errorf("%d jobs are left behind as running", n)
	}

	heir := s.startWorker()
	eventually(t, "all jobs are completed", func() bool {
		return s.count("SELECT count(*) FROM jobs WHERE status = 'COMPLETED'") == jobs
	})
	heir.terminate()
	heir.stopped()
	for id, n := range l.rest(s, "acme") {
		ends[id] += n
	}
	for id, n := range ends {
		if n != 1 {
			t.Errorf("job %s was reported %d times", id, n)
		}
	}
	if len(ends) != jobs {
		t.Errorf("%d jobs were reported, want %d", len(ends), jobs)
	}
}

func TestAnAPIThatStopsAnswersItsRequests(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, p := s.startAPI()
	l := listen(t, api, "acme")
	release := s.holdStatements("INSERT", string(pending))
	const requests = 5
	accepted := make(chan string)
	for range requests {
		go func() {
			code, body := request(t, "POST", api+"/jobs", `{"tenantId":"acme"}`)
			var answer struct{ JobID string }
			if err := json.Unmarshal(body, &answer); err != nil || code != http.StatusAccepted {
				t.Errorf("POST /jobs: %d %s", code, body)
			}
			accepted <- answer.JobID
		}()
	}
	s.waitUntilHeld(requests)
	p.terminate()
	release()
	for range requests {
		id := <-accepted
		if got := s.status(id); got != pending {
			t.Errorf("job %s was accepted, and its row says %q", id, got)
		}
	}
	_, err := l.read()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway {
		t.Errorf("the WebSocket client got %v, want close code %d", err, websocket.CloseGoingAway)
	}
	p.stopped()
	if n := s.waiting(); n != requests {
		t.Errorf("%d jobs wait, want %d", n, requests)
	}
}

// What was published before the API stops reaches the clients.
func TestAnAPIThatStopsSendsWhatItHas(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, p := s.startAPI()
	w := s.startWorker()
	l := listen(t, api, "acme")
	ends := map[string]int{}
	const jobs = 20
	for range jobs {
		ends[s.post(api, "acme")] = 0
	}
	// A second client, which has read the last message, shows that the API has
	// received all.
	other := listen(t, api, "acme")
	eventually(t, "all jobs are completed", func() bool {
		return s.count("SELECT count(*) FROM jobs WHERE status = 'COMPLETED'") == jobs
	})
	w.terminate()
	w.stopped()
	other.rest(s, "acme")
	other.conn.Close()
	p.terminate()
	for {
		message, err := l.read()
		if err != nil {
			break
		}
		u, err := jobqueue.ParseUpdate(message)
		if err != nil {
			t.Fatal(err)
		}
		if n, ours := ends[u.JobID]; ours && u.Status == jobqueue.Completed {
			ends[u.JobID] = n + 1
		}
	}
	p.stopped()
	for id, n := range ends {
		if n != 1 {
			t.Errorf("the end of job %s was sent %d times", id, n)
		}
	}
}
