//go:build unix

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// workersOutside are the workers of an example in another language.
type workersOutside struct {
	url, queue string
	channel    string   // empty means the default one
	environ    []string // of the workers, besides
	load       []string // further flags of the load
	probe      string   // an element whose job has the id "ready"
	command    []string
	dir        string
}

// begin starts the workers and waits until they work. The end asks them to stop.
func (w workersOutside) begin(t *testing.T) (end func()) {
	t.Helper()
	client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: w.url, Queue: w.queue, Channel: w.channel})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s, err := client.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var said strings.Builder
	cmd := exec.Command(w.command[0], w.command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, &said, &said
	cmd.Env = append(append(os.Environ(), "REDIS_URL="+w.url, "QUEUE="+w.queue, "PYTHONDONTWRITEBYTECODE=1"), w.environ...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	ready, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { gone <- cmd.Wait(); cancel() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if err := client.Push(t.Context(), w.probe); err != nil {
		t.Fatal(err)
	}
	for _, want := range []jobqueue.Status{jobqueue.Running, jobqueue.Completed} {
		m, err := s.Receive(ready)
		if err != nil {
			_ = cmd.Process.Kill()
			<-gone
			t.Fatalf("the workers are not at work: %v; they said:\n%s", err, said.String())
		}
		if u, err := jobqueue.ParseUpdate(m); err != nil || u.JobID != "ready" || u.Status != want {
			t.Errorf("update %s, %v, want %s of the job ready", m, err, want)
		}
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-gone; err != nil {
			t.Errorf("the workers ended with %v and said:\n%s", err, said.String())
		}
	}
}

// hold puts load on the workers and checks the ledger: every job was sent and taken, and
// two updates came for each.
func (w workersOutside) hold(t *testing.T) {
	t.Helper()
	end := w.begin(t)
	c := start(t, append([]string{"run", "quick", "-u", w.url, "-y", "external", "--queue", w.queue, "--channel", cmp.Or(w.channel, jobqueue.DefaultChannel),
		"-r", "200", "-n", "300", "--drain-timeout", "40s", "--allow-invalid", "--json"}, w.load...)...)
	if code := c.end(t); code != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	end()
	var r result.Result
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if l := r.Ledger; l.Sent != 300 || l.Notified != 300 || l.Lost != 0 {
		t.Errorf("ledger %+v, want all 300 notified", l)
	}
	for _, stage := range []metric.Stage{metric.EndToEnd, metric.Pickup} {
		if s := r.Stages[stage]; s == nil || s.Count != 300 {
			t.Errorf("%s = %+v, want 300 jobs", stage, s)
		}
	}
}

func TestJobsOfSidekiqAreDoneByItsWorkersAndNothingIsLost(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("sidekiq", "--version").CombinedOutput(); err != nil || !strings.Contains(string(out), "Sidekiq") {
		redistest.Missing(t, "sidekiq", err)
	}
	for name, payload := range map[string]string{"the id alone": "0", "a payload": "1KB"} {
		t.Run(name, func(t *testing.T) {
			workersOutside{
				url: redistest.Process(t).URL(), queue: "queue:default",
				load:    []string{"--dialect", "sidekiq", "--job-name", "HardJob", "--payload", payload},
				probe:   `{"retry":false,"queue":"default","class":"HardJob","args":["ready"],"jid":"a244c6c5eb6017dff55261c5","created_at":1795415735.46,"enqueued_at":1795415735.46}`,
				command: []string{"sidekiq", "-r", "./worker.rb", "-c", "4"}, dir: "../../examples/sidekiq-worker",
			}.hold(t)
		})
	}
	t.Run("arguments", func(t *testing.T) {
		workersOutside{
			url: redistest.Process(t).URL(), queue: "queue:default",
			load:    []string{"--dialect", "sidekiq", "--job-name", "HardJob", "--job-args", ` [42] `, "--payload", "10"},
			probe:   `{"retry":false,"queue":"default","class":"HardJob","id":"ready","args":[42],"jid":"a244c6c5eb6017dff55261c5","created_at":1795415735.46,"enqueued_at":1795415735.46}`,
			command: []string{"sidekiq", "-r", "./worker.rb", "-c", "4"}, dir: "../../examples/sidekiq-worker",
		}.hold(t)
	})
	t.Run("a namespace", func(t *testing.T) {
		if err := exec.Command("ruby", "-e", "require 'redis-namespace'").Run(); err != nil {
			redistest.Missing(t, "sidekiq", err)
		}
		workersOutside{
			url: redistest.Process(t).URL(), queue: "shop:queue:default", channel: "shop:job_updates", environ: []string{"NAMESPACE=shop"},
			load:    []string{"--dialect", "sidekiq", "--job-name", "HardJob"},
			probe:   `{"retry":false,"queue":"default","class":"HardJob","args":["ready"],"jid":"a244c6c5eb6017dff55261c5","created_at":1795415735.46,"enqueued_at":1795415735.46}`,
			command: []string{"sidekiq", "-r", "./worker.rb", "-c", "4"}, dir: "../../examples/sidekiq-worker",
		}.hold(t)
	})
}

func TestOurOwnWorkersTellEachTenantOnHisChannel(t *testing.T) {
	t.Parallel()
	url, client, _ := queueFor(t)
	c := start(t, "worker", "-u", url, "-y", "2", "--running", "--channels", "tenant", "--tenants", "3", "-n", "303")
	heard, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: url, Channel: jobqueue.DefaultChannel + ":t3"})
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	s, err := heard.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := client.Push(t.Context(), "a", `{"jobId":"b","tenantId":"t2"}`, `{"jobId":"c","tenantId":"t3"}`); err != nil {
		t.Fatal(err)
	}
	if got := receiveUpdates(t, s, 2); got[jobqueue.Completed] != 1 || got[jobqueue.Running] != 1 {
		t.Errorf("the third tenant heard %v, want one job of his", got)
	}
	r := start(t, "run", "quick", "-u", url, "-y", "external", "--queue", jobqueue.DefaultQueue, "--channel", jobqueue.DefaultChannel,
		"--channels", "tenant", "--tenants", "3", "-r", "200", "-n", "300", "--drain-timeout", "40s", "--allow-invalid", "--allow-non-empty", "--json")
	if code := r.end(t); code != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(r.said, "\n"))
	}
	if code := c.end(t); code != problem.OK {
		t.Errorf("worker: exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	var res result.Result
	if err := json.Unmarshal(r.stdout.Bytes(), &res); err != nil {
		t.Fatal(err)
	}
	if l := res.Ledger; l.Notified != 300 || l.Lost != 0 {
		t.Errorf("ledger %+v, want all 300 notified", l)
	}
}

func TestJobsAreDoneByWorkersInPythonAndNothingIsLost(t *testing.T) {
	t.Parallel()
	python, err := "", error(nil)
	for _, python = range []string{"python3", "/usr/bin/python3"} { // the system's has the system's modules
		if err = exec.Command(python, "-c", "import redis").Run(); err == nil {
			break
		}
	}
	if err != nil {
		redistest.Missing(t, "python3-redis", err)
	}
	workersOutside{
		url: redistest.Process(t).URL(), queue: jobqueue.DefaultQueue, load: []string{"--payload", "100"},
		probe: "ready", command: []string{python, "worker.py"}, dir: "../../examples/python-worker",
	}.hold(t)
}
