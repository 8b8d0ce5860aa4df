//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// audience is a subscriber of the test's own: which jobs ended, by its own count.
type audience struct {
	client  *redis.Client
	channel string
	pubsub  *redis.PubSub
	done    sync.WaitGroup
	ended   map[string]int
	again   int64 // ends of jobs that had ended before
	early   int64 // those of them before the last job ended
}

// thatWasAll is the message after all others.
const thatWasAll = "that was all"

func listenIn(t *testing.T, url, channel string) *audience {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { client.Close() })
	a := &audience{client: client, channel: channel, pubsub: client.Subscribe(t.Context(), channel), ended: map[string]int{}}
	t.Cleanup(func() { a.pubsub.Close() })
	if _, err := a.pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.done.Go(func() {
		for m := range a.pubsub.Channel(redis.WithChannelSize(10_000)) {
			if m.Payload == thatWasAll {
				return
			}
			var update struct{ JobID, Status string }
			if json.Unmarshal([]byte(m.Payload), &update) == nil && update.Status == "COMPLETED" {
				if a.ended[update.JobID]++; a.ended[update.JobID] > 1 {
					a.again++
				} else {
					a.early = a.again
				}
			}
		}
	})
	return a
}

// jobs are those of which it heard the end, and how often, up to now.
func (a *audience) jobs(t *testing.T) map[string]int {
	t.Helper()
	if err := a.client.Publish(t.Context(), a.channel, thatWasAll).Err(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { a.pubsub.Close() }).Stop() // the message may be lost with a connection
	a.done.Wait()
	return a.ended
}

// sturdy is a worker that leaves its number in the file pids.
const sturdy = `echo $$ >>pids; exec queuedyno worker -y 4 --work 50ms`

// allGone fails the test unless so many workers were started and none is left.
func (c *command) allGone(t *testing.T, started int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "pids"))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(text))
	if len(all) != started {
		t.Errorf("%d workers were started, want %d", len(all), started)
	}
	for _, pid := range all {
		if err := os.WriteFile(filepath.Join(c.dir, "pid"), []byte(pid), 0o666); err != nil {
			t.Fatal(err)
		}
		c.gone(t)
	}
}

// TestKilledProcessesLoseWhatAnIndependentCountFinds kills two of three workers, and holds
// the ledger against the test's own subscriber.
func TestKilledProcessesLoseWhatAnIndependentCountFinds(t *testing.T) {
	t.Parallel()
	shell(t)
	for _, row := range []struct {
		name  string
		flags []string // of the run and of the worker
		loses bool
	}{
		{"list", nil, true},
		{"reliable-list", []string{"--design", "reliable-list", "--visibility", "1s"}, false},
		{"stream", []string{"--design", "stream", "--visibility", "1s"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			url := redistest.Process(t).URL()
			heard := listenIn(t, url, "ends")
			c := start(t, append([]string{
				"run", "quick", "-u", url, "-r", "200", "-n", "600", "--queue", "jobs", "--channel", "ends", "--drain-timeout", "20s", "--allow-invalid", "--json",
				"--worker", sturdy + " " + strings.Join(row.flags, " "), "--worker-processes", "3", "--fault", "1s:kill=workers,count=2,restart=300ms",
			}, row.flags...)...)
			if code := c.end(t); code != problem.OK {
				t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
			}
			c.allGone(t, 5)
			r, ended := c.parsed(t), heard.jobs(t)
			l, f := r.Ledger, r.Faults[0]
			if lost := 600 - int64(len(ended)); l.Sent != 600 || l.Lost != lost || l.LostByLeg[ledger.LegUnfinished] != lost || (lost > 0) != row.loses || lost > 8 {
				t.Errorf("the test heard the ends of %d jobs of 600; ledger %+v", len(ended), l)
			}
			// The run hears the same messages in the same order until all jobs have ended.
			if l.Duplicated < heard.early || l.Duplicated > heard.again || row.loses && heard.again > 0 {
				t.Errorf("the test heard %d ends twice, %d of them before the last job ended, the ledger %d", heard.again, heard.early, l.Duplicated)
			}
			if f.BeganNS == nil || f.EndedNS == nil || f.Error != "" || f.Lost != l.Lost || r.Run.Failed {
				t.Errorf("fault %+v, failed: %q", f, r.Run.Error)
			}
			if said := strings.Join(append(c.said, r.Warnings...), "\n"); strings.Contains(said, "the worker ended") {
				t.Errorf("the kill is reported as an error:\n%s", said)
			}
			if cpu, listed := r.Scalars["worker_cpu_per_job"]; !listed || cpu != nil {
				t.Errorf("worker_cpu_per_job = %v, want null: what killed workers used is not known", cpu)
			}
		})
	}
}

// TestKilledProcessesThatAreNotStartedAgainLeaveTheQueueToTheOthers and a worker that ends
// by itself is still an error.
func TestKilledProcessesThatAreNotStartedAgainLeaveTheQueueToTheOthers(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	for name, row := range map[string]struct {
		worker string
		code   int
	}{
		"one is left": {sturdy, problem.OK},
		// The worker is nearly always busy, so that the killed one holds jobs for which the
		// run waits, and so hears the other one end: after the load, which takes 2 s, and with
		// jobs left, since the killed one takes no more than 16.
		"and it ends by itself ": {sturdy[:strings.Index(sturdy, "exec")] + `queuedyno worker -q -y 4 --work 150ms -n 60; exit 7`, problem.CouldNotRun},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, "run", "quick", "-u", url, "-r", "50", "-n", "100", "--drain-timeout", "10s", "--allow-invalid", "--name", "r",
				"--worker", row.worker, "--worker-processes", "2", "--fault", "500ms:kill=workers,count=1")
			if name != "one is left" {
				c.await(t, "exit code 7")
			}
			if code := c.end(t); code != row.code {
				t.Errorf("exit code %d, want %d; stderr:\n%s", code, row.code, strings.Join(c.said, "\n"))
			}
			r := c.stored(t)
			l, left := r.Ledger, int64(0)
			if row.code != problem.OK {
				left = l.LostByLeg[ledger.LegInQueue] // no worker takes them any more
			}
			if unfinished := l.LostByLeg[ledger.LegUnfinished]; l.Lost != unfinished+left || unfinished > 4 || l.Notified+l.Lost != 100 {
				t.Errorf("ledger %+v, want at most the jobs of the killed worker lost", l)
			}
		})
	}
}

func TestPausedProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	c := start(t, "run", "quick", "-u", url, "-r", "100", "-n", "400", "--drain-timeout", "20s", "--allow-invalid", "--json",
		"--worker", sturdy, "--worker-processes", "2", "--fault", "1s+1s:pause=workers")
	if code := c.end(t); code != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	c.allGone(t, 2)
	r := c.parsed(t)
	if l, f := r.Ledger, r.Faults[0]; l.Notified != 400 || l.Lost != 0 || len(l.Errors) != 0 || f.BeganNS == nil || f.EndedNS == nil || f.Error != "" {
		t.Errorf("ledger %+v, fault %+v", l, f)
	}
	// Those that were due during the pause waited for its end.
	if slowest := r.Stages["end_to_end"].MaxNS; slowest == nil || *slowest < 9e8 {
		t.Errorf("the slowest job took %v ns, want most of the pause", slowest)
	}
}

// TestARunThatIsStoppedWhileItsWorkersArePausedLeavesNone also if it is killed.
func TestARunThatIsStoppedWhileItsWorkersArePausedLeavesNone(t *testing.T) {
	t.Parallel()
	shell(t)
	url := redistest.Process(t).URL()
	for _, kill := range []bool{false, true} {
		c := start(t, "run", "quick", "-u", url, "--worker", sturdy, "--fault", "1s+5m:pause=workers")
		c.await(t, "5s/10m0s") // the first line of progress
		if kill {
			_ = c.Process.Kill()
		} else {
			c.signal(t, os.Interrupt)
		}
		if code := c.end(t); code != problem.Interrupted && !kill {
			t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
		}
		c.allGone(t, 1)
	}
}

// TestAnAPIBehindABadNetwork breaks the way to the API and from it, and holds the ledger
// against what the API has received.
func TestAnAPIBehindABadNetwork(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"1s+1s:network=entry,down", "1s+1s:network=entry,reset", "1s+500ms:network=entry,latency=40ms", "1s:network=exit,reset"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t)
			drain := "2s"
			if strings.Contains(fault, "latency") {
				drain = "1m" // which ends when nothing was lost
			}
			c := start(t, "run", "quick", "--entry", api.URL+"/jobs/text", "--exit", "ws"+strings.TrimPrefix(api.URL, "http")+"/ws", "--exit-clients", "2",
				"-y", "external", "-r", "100", "-n", "300", "--drain-timeout", drain, "--allow-invalid", "--json", "--fault", fault)
			if code := c.end(t); code != problem.OK {
				t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
			}
			r := c.parsed(t)
			l, f := r.Ledger, r.Faults[0]
			if l.Scheduled != 300 || l.Notified+l.Lost != 300 || f.BeganNS == nil || f.EndedNS == nil || f.Error != "" || f.Lost != l.Lost {
				t.Errorf("ledger %+v, fault %+v", l, f)
			}
			api.mu.Lock()
			received := int64(api.requests["text"]) - 1 // one to try the API
			api.mu.Unlock()
			if received < l.Acked || received > l.Acked+l.LostByLeg[ledger.LegUnacknowledged] {
				t.Errorf("the API received %d jobs; ledger %+v", received, l)
			}
			lossy := []result.Leg{ledger.LegRefused, ledger.LegUnacknowledged}
			switch {
			case strings.Contains(fault, "latency"):
				if l.Lost != 0 || r.Stages["request"].MaxNS == nil || *r.Stages["request"].MaxNS < 4e7 {
					t.Errorf("ledger %+v, request %+v: want nothing lost and 40 ms more", l, r.Stages["request"])
				}
			case strings.Contains(fault, "exit"):
				if l.Reconnects["read"] != 2 {
					t.Errorf("reconnects %v, want each of two clients once", l.Reconnects)
				}
				lossy = []result.Leg{ledger.LegUnbroadcast}
			// Those that a host that stood still sent after the fault are not.
			case l.Lost < 50 && (l.Lost == 0 || r.Validity.Checks["late_jobs"].Passed):
				t.Errorf("ledger %+v, want the jobs of a second lost", l)
			}
			for leg, n := range l.LostByLeg {
				if n > 0 && !slices.Contains(lossy, leg) {
					t.Errorf("%d jobs were lost on the leg %s", n, leg)
				}
			}
		})
	}
}
