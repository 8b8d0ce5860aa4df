package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// runMain makes this test binary the program itself: the tests start the API and
// the workers as processes, because some of them are killed.
const runMain = "ASYNC_BACKEND_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		go func() { // ends with the tests, even if they end by a panic
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
		main()
		return
	}
	os.Exit(postgrestest.Main(m))
}

// patience is how long a test waits for what must happen. It is an end for tests
// that fail, not a measurement.
const patience = time.Minute

// system is a back end with its own database and its own Redis.
type system struct {
	t                     *testing.T
	databaseURL, redisURL string
	db                    *pgx.Conn
	queue                 *jobqueue.Client
}

func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{t: t, databaseURL: newDatabase(t), redisURL: redistest.Process(t).URL()}
	var err error
	if s.db, err = pgx.Connect(t.Context(), s.databaseURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close(context.Background()) })
	if s.queue, err = jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.redisURL}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.queue.Close() })
	return s
}

// process is an API or a worker.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  output
	done chan struct{} // closed when it has ended
	err  error         // how
}

// start starts a process of the system. Later settings override earlier ones. No job
// takes time and no sweeper runs unless a setting says so.
func (s *system) start(role string, settings ...string) *process {
	s.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{t: s.t, cmd: exec.Command(exe, role), done: make(chan struct{})}
	p.cmd.Env = append([]string{runMain + "=1", "DATABASE_URL=" + s.databaseURL, "REDIS_URL=" + s.redisURL,
		"LISTEN=127.0.0.1:0", "POOL=6", "WORK=0s", "SWEEP=0s"}, settings...)
	p.cmd.Stderr = &p.log
	if _, err := p.cmd.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("%s %v:\n%s", role, settings, p.log.String())
		}
	})
	return p
}

// kill ends the process with SIGKILL, which it cannot notice.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.done
}

// terminate asks the process to stop, as a supervisor does.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.waitForLog("stopping")
}

// stopped waits for the end of the process, which must be an orderly one.
func (p *process) stopped() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("the process does not stop")
	}
	if p.err != nil {
		p.t.Fatalf("the process ended with %v", p.err)
	}
}

func (p *process) waitForLog(text string) {
	p.t.Helper()
	eventually(p.t, "the log says "+text, func() bool { return strings.Contains(p.log.String(), text) })
}

var listening = regexp.MustCompile(`msg=listening .*addr=(\S+)`)

// startAPI starts an API and waits until it is ready. It returns its URL.
func (s *system) startAPI(settings ...string) (string, *process) {
	s.t.Helper()
	p := s.start("api", settings...)
	p.waitForLog("listening")
	url := "http://" + listening.FindStringSubmatch(p.log.String())[1]
	s.waitUntilReady(url)
	return url, p
}

func (s *system) waitUntilReady(url string) {
	s.t.Helper()
	eventually(s.t, "the API is ready", func() bool {
		code, _ := request(s.t, "GET", url+"/healthz", "")
		return code == http.StatusOK
	})
}

// startWorker starts a worker process and waits until it works.
func (s *system) startWorker(settings ...string) *process {
	s.t.Helper()
	p := s.start("worker", settings...)
	p.waitForLog("working")
	return p
}

// post has the API take a job, and returns its id.
func (s *system) post(url, tenant string) string {
	s.t.Helper()
	code, body := request(s.t, "POST", url+"/jobs", fmt.Sprintf(`{"tenantId":%q}`, tenant))
	var answer struct{ JobID string }
	if err := json.Unmarshal(body, &answer); code != http.StatusAccepted || err != nil || answer.JobID == "" {
		s.t.Fatalf("POST /jobs: %d %s", code, body)
	}
	return answer.JobID
}

// request returns the status 0 if there was no answer.
func request(t *testing.T, method, url, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(answer.Body); err != nil {
		return 0, nil
	}
	return answer.StatusCode, b.Bytes()
}

// status is what the job's row says, or "" if there is no row.
func (s *system) status(id string) (status jobqueue.Status) {
	s.t.Helper()
	err := s.db.QueryRow(s.t.Context(), "SELECT status FROM jobs WHERE id = $1", id).Scan(&status)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		s.t.Fatal(err)
	}
	return status
}

func (s *system) waitForStatus(id string, want jobqueue.Status) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("job %s is %s", id, want), func() bool { return s.status(id) == want })
}

// count is the first value of the first row of a query.
func (s *system) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow(s.t.Context(), query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *system) exec(query string) {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), query); err != nil {
		s.t.Fatal(err)
	}
}

// waiting is how many ids are in the queue.
func (s *system) waiting() int64 {
	s.t.Helper()
	n, err := s.queue.Len(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s without success until %s", patience, what)
		}
	}
}

// output is what a process wrote.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}
