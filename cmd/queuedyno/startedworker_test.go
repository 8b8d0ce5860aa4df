//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/workergroup"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// ourWorker is a worker that leaves its number in the file pid and what it found
// in its environment in the file env.
const ourWorker = `echo $$ >pid; env >env; exec queuedyno worker --work 2ms`

// gone fails the test if the process whose number is in the file pid is still
// there.
func (c *command) gone(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	// The process that adopted it may not have reaped it yet.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the worker, process %d, is still there", pid)
		}
	}
}

// stored is the result that the command stored under the name r.
func (c *command) stored(t *testing.T) *result.Result {
	t.Helper()
	r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatalf("%v; stderr:\n%s", err, strings.Join(c.said, "\n"))
	}
	return r
}

// parsed is the result on standard output.
func (c *command) parsed(t *testing.T) *result.Result {
	t.Helper()
	var r result.Result
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		t.Fatalf("standard output is not the result alone: %v; stderr:\n%s", err, strings.Join(c.said, "\n"))
	}
	return &r
}

func TestARunStartsItsWorkersMeasuresThemAndLeavesNone(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t, "--requirepass", "geheim").URL()
	c := start(t, "run", "quick", "-u", url, "-r", "300", "-n", "300", "--worker", ourWorker, "--allow-invalid", "--json")
	if code := c.end(t); code != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	c.gone(t)
	r := c.parsed(t)
	if l := r.Ledger; l.Sent != 300 || l.Notified != 300 || l.Lost != 0 {
		t.Errorf("ledger %+v, want all 300 notified", l)
	}
	if r.Run.Worker != ourWorker || !r.Scenario.External {
		t.Errorf("worker %q, external %t", r.Run.Worker, r.Scenario.External)
	}
	if cpu := r.Scalars["worker_cpu_per_job"]; workergroup.Metered && (cpu == nil || *cpu < 1e3 || *cpu > 1e8) {
		t.Errorf("worker_cpu_per_job = %v", cpu)
	}
	env, err := os.ReadFile(filepath.Join(c.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"REDIS_URL=" + url, "QUEUE=queuedyno:" + r.Run.ID + ":job_queue", "CHANNEL=queuedyno:" + r.Run.ID + ":job_updates"} {
		if !slices.Contains(strings.Split(string(env), "\n"), want) {
			t.Errorf("the worker did not find %s, but\n%s", want, env)
		}
	}
	if said := strings.Join(c.said, "\n"); strings.Contains(said, "geheim") || !strings.Contains(said, "the worker was ready after ") {
		t.Errorf("standard error:\n%s", said)
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer client.Close()
	if n, err := client.DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("%d keys are left, %v", n, err)
	}
}

func TestEveryScenarioOfARunGetsAWorkerOfItsOwn(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	c := start(t, "run", "quick", "stuck", "-u", url, "-r", "300", "-n", "100", "--drain-timeout", "10s", "--allow-invalid",
		"--worker", `echo $QUEUE >>started; exec queuedyno worker`)
	if code := c.end(t); code != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	text, err := os.ReadFile(filepath.Join(c.dir, "started"))
	if err != nil {
		t.Fatal(err)
	}
	if queues := strings.Fields(string(text)); len(queues) != 2 || queues[0] == queues[1] {
		t.Errorf("workers were started for the queues %q, want two", queues)
	}
	if out := c.stdout.String(); workergroup.Metered && !strings.Contains(out, "worker cpu/job") {
		t.Errorf("the summary has no column for the workers:\n%s", out)
	}
}

// TestAWorkerThatCannotWorkIsToldOfWithItsLastWord and no load begins.
func TestAWorkerThatCannotWorkIsToldOfWithItsLastWord(t *testing.T) {
	t.Parallel()
	shell(t)
	for _, row := range []struct{ name, worker, says, hint string }{
		{"it fails", `echo "Error: no such module" >&2; echo "at $REDIS_URL, geheim"; exit 3`,
			"quick: the worker ended before it took a job with exit code 3; it wrote: Error: no such module", "REDIS_URL, QUEUE and CHANNEL name the Redis"},
		{"its last word holds the password", `echo "cannot reach $REDIS_URL, geheim" >&2; exit 1`,
			"exit code 1; it wrote: cannot reach redis://***@", "REDIS_URL, QUEUE and CHANNEL name the Redis"},
		{"there is no such program", `no-such-program-anywhere`, "with exit code 127", "could not find or run the program: give its path"},
		{"it goes into the background", `queuedyno worker & exit 0`, "with exit code 0; it wrote nothing", "keep the command in the foreground"},
		{"it never connects", `exec sleep 600`, "the worker did not connect to Redis within 1s", "--worker-start"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// Each has a server to itself: what the run goes by are connections that are new.
			url := redistest.Process(t, "--requirepass", "geheim").URL()
			limit := "1m"
			if row.name == "it never connects" {
				limit = "1s"
			}
			c := start(t, "run", "quick", "-u", url, "--worker", "echo $$ >pid; "+row.worker, "--worker-start", limit)
			if code := c.end(t); code != problem.CouldNotRun {
				t.Errorf("exit code %d, want %d", code, problem.CouldNotRun)
			}
			c.gone(t)
			said := strings.Join(c.said, "\n")
			if !strings.Contains(said, row.says) || !strings.Contains(said, "\nhint: ") || !strings.Contains(said, row.hint) || strings.Contains(said, "geheim") {
				t.Errorf("standard error:\n%s\nwant %q and the hint %q", said, row.says, row.hint)
			}
			if _, err := os.Stat(filepath.Join(c.dir, "results")); err == nil || c.stdout.Len() > 0 {
				t.Errorf("a result was made, and on standard output is %q", c.stdout.String())
			}
		})
	}
}

func TestARunWhoseWorkerDiesGoesOnAndHasFailed(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	c := start(t, "run", "quick", "-u", url, "-r", "300", "-n", "600", "--drain-timeout", "5s", "--threshold", "errors == 0", "--name", "r",
		"--worker", `queuedyno worker -q --jobs 100; echo "panic: out of paper" >&2; echo the end; exit 7`)
	c.await(t, "; the run goes on without it")
	if code := c.end(t); code != problem.CouldNotRun {
		t.Errorf("exit code %d, want %d", code, problem.CouldNotRun)
	}
	const says = "with exit code 7; it wrote: panic: out of paper"
	if said := strings.Join(c.said, "\n"); !strings.Contains(said, "quick: the run failed: the worker ended ") || strings.Count(said, says) < 2 {
		t.Errorf("standard error:\n%s", said)
	}
	r := c.stored(t)
	if l := r.Ledger; l.Sent != 600 || l.Notified != 100 || l.LostByLeg[ledger.LegInQueue] != 500 {
		t.Errorf("ledger %+v, want 100 notified and the others in the queue", l)
	}
	if !r.Run.Failed || !strings.Contains(r.Run.Error, says) || !strings.Contains(strings.Join(r.Warnings, "\n"), says) || r.Thresholds[0].Passed {
		t.Errorf("run %+v, thresholds %+v, warnings %q", r.Run, r.Thresholds, r.Warnings)
	}
}

func TestAWorkerThatDoesNotEndWhenItIsAskedIsKilled(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	c := start(t, "run", "quick", "-u", url, "-r", "300", "-n", "100", "--allow-invalid", "--json",
		"--worker", `trap '' TERM; echo $$ >pid; queuedyno worker; while :; do sleep 1; done`)
	if code := c.end(t); code != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	c.gone(t)
	if r := c.parsed(t); !slices.Contains(r.Warnings, "the worker did not end within 10s of a SIGTERM and was killed") || r.Ledger.Notified != 100 {
		t.Errorf("warnings %q, %d notified", r.Warnings, r.Ledger.Notified)
	}
}

func TestAWorkerOnAnotherQueueIsSuspected(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	c := start(t, "run", "quick", "-u", url, "-r", "300", "-n", "100", "--drain-timeout", "100ms", "--json",
		"--worker", `exec queuedyno worker --queue elsewhere`)
	if code := c.end(t); code != problem.Invalid {
		t.Errorf("exit code %d, want %d", code, problem.Invalid)
	}
	if r := c.parsed(t); !strings.Contains(strings.Join(r.Warnings, "\n"), "the worker took no job: it has to take jobs from the queue in QUEUE") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

func TestJobsOfOthersAreNotGivenToAWorkerThatIsTriedOut(t *testing.T) {
	t.Parallel()
	url, client, _ := queueFor(t)
	if err := client.Push(t.Context(), "theirs"); err != nil {
		t.Fatal(err)
	}
	c := start(t, "run", "quick", "-u", url, "--queue", client.Queue(), "--worker", ourWorker)
	if code := c.end(t); code != problem.CouldNotRun {
		t.Errorf("exit code %d, want %d", code, problem.CouldNotRun)
	}
	if said := strings.Join(c.said, "\n"); !strings.Contains(said, "the worker would take 1 job of other clients") || !strings.Contains(said, "hint: use another queue") {
		t.Errorf("standard error:\n%s", said)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "pid")); err == nil {
		t.Error("the worker was started")
	}
	if n, err := client.Len(t.Context()); err != nil || n != 1 {
		t.Errorf("%d jobs wait, %v, want theirs", n, err)
	}
}

func TestNoWorkerIsLeftHoweverARunEnds(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	const loading = "5s/10m0s" // the first line of progress
	for _, row := range []struct {
		name, await string
		worker      string
		end         func(t *testing.T, c *command)
		code        int
	}{
		{"a signal", loading, ourWorker, func(t *testing.T, c *command) { c.signal(t, os.Interrupt) }, problem.Interrupted},
		{"two signals, of which the second ends a drain", loading, `echo $$ >pid; exec queuedyno worker --work 1h`, func(t *testing.T, c *command) {
			c.signal(t, os.Interrupt)
			c.await(t, "stopping: draining")
			c.signal(t, os.Interrupt)
		}, problem.Interrupted},
		{"a signal before it is ready", "starting the worker", `echo $$ >pid; exec sleep 600`, func(t *testing.T, c *command) {
			for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
				if text, err := os.ReadFile(filepath.Join(c.dir, "pid")); err == nil && len(text) > 0 {
					break
				}
			}
			c.signal(t, os.Interrupt)
		}, problem.Interrupted},
		{"a kill", loading, ourWorker, func(t *testing.T, c *command) { c.signal(t, syscall.SIGKILL) }, -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, "run", "quick", "-u", url, "--drain-timeout", "30s", "--worker", row.worker)
			c.await(t, row.await)
			row.end(t, c)
			if code := c.end(t); code != row.code {
				t.Errorf("exit code %d, want %d; stderr:\n%s", code, row.code, strings.Join(c.said, "\n"))
			}
			c.gone(t)
		})
	}
}

func TestASlowerWorkerIsFoundByAComparison(t *testing.T) {
	t.Parallel()
	shell(t)
	redistest.Process(t) // skips without a redis-server
	dir := t.TempDir()
	file := filepath.Join(dir, "scenarios.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nscenarios:\n  one:\n    load: {rate: 300/s, jobs: 60}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), []string{
		"compare", "one", "-f", file, "-o", dir, "--name", "r", "-u", "process", "--base-worker", "queuedyno worker -y 8 --work 2ms",
		"--candidate-worker", `true redis://me:geheim@nowhere; echo $$ >` + dir + `/pid; exec queuedyno worker -y 8 --work 100ms`,
		"--pairs", "8", "--idle", "0s", "--metric", "end_to_end.p50:50%",
	}, onlyPath(), strings.NewReader(""), &stdout, &stderr)
	if code != problem.Regression {
		t.Errorf("exit code %d, want %d:\n%s\n%s", code, problem.Regression, stdout.String(), stderr.String())
	}
	(&command{dir: dir}).gone(t)
	r, err := store.LoadAs[*compare.Record](filepath.Join(dir, "r"))
	if err != nil {
		t.Fatal(err)
	}
	d := r.Differences()
	if len(d) != 1 || d[0].What != "worker" || !strings.Contains(d[0].Candidate, "redis://***@nowhere") {
		t.Errorf("differences %+v, want the workers alone", d)
	}
	for _, f := range r.Figures {
		if f.Name == "worker_cpu_per_job" && workergroup.Metered && f.Pairs < 4 {
			t.Errorf("worker_cpu_per_job has a value in %d pairs", f.Pairs)
		}
	}
	for _, said := range []string{stdout.String(), stderr.String()} {
		if strings.Contains(said, "geheim") {
			t.Errorf("a password was printed:\n%s", said)
		}
	}
}
