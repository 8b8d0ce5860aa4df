//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// TestWhatAKilledWorkerHeldIsLostOnlyWhereTheDesignSaysSo kills a worker process
// that has unfinished jobs and starts another. A list loses exactly the jobs of the
// first one, and the ledger names them; the designs that redeliver lose nothing, and
// report what was delivered twice.
func TestWhatAKilledWorkerHeldIsLostOnlyWhereTheDesignSaysSo(t *testing.T) {
	t.Parallel()
	for _, d := range jobqueue.Designs() {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			server := redistest.Process(t)
			worker := func(more ...string) *command {
				args := append([]string{"worker", "-u", server.URL(), "--design", string(d), "-y", "8", "--running"}, more...)
				if redelivers(d) {
					args = append(args, "--visibility", "1s")
				}
				return start(t, args...)
			}
			// The first worker never finishes a job, so it has eight unfinished
			// jobs when it dies.
			client, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: server.URL(), Design: d})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			updates, err := client.OpenSubscriber(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer updates.Close()
			doomed := worker("--work", "1h")
			doomed.await(t, "worker: 8 consumers")
			args := []string{
				"run", "quick", "-u", server.URL(), "--consumers", "external", "--queue", "job_queue", "--channel", "job_updates",
				"--design", string(d), "-r", "100", "-n", "300", "-d", "1m", "--drain-timeout", "10s", "--name", "killed",
			}
			if redelivers(d) {
				args = append(args, "--visibility", "1s")
			}
			run := start(t, args...)
			run.await(t, "run: quick: ")
			if got := receiveUpdates(t, updates, 8); got[jobqueue.Running] != 8 {
				t.Fatalf("the worker published %v, want that it runs 8", got)
			}
			if err := doomed.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			next := worker("--work", "1ms")
			next.await(t, "worker: 8 consumers")
			run.end(t)
			data, err := os.ReadFile(filepath.Join(run.dir, "results", "killed", "result.json"))
			if err != nil {
				t.Fatal(err)
			}
			var r result.Result
			if err := json.Unmarshal(data, &r); err != nil {
				t.Fatal(err)
			}
			l := r.Ledger
			if redelivers(d) {
				// A worker that a busy host holds up for a second is taken for dead as well.
				if l.Lost != 0 || l.Notified != 300 || l.Redelivered < 8 {
					t.Errorf("ledger %+v, want all 300 notified and at least 8 given out again", l)
				}
				return
			}
			if l.Lost != 8 || l.LostByLeg[ledger.LegUnfinished] != 8 || len(l.LostJobs) != 8 || l.Notified != 292 {
				t.Errorf("ledger %+v, want the 8 unfinished jobs lost and named", l)
			}
		})
	}
}

func redelivers(d jobqueue.Design) bool { return d == jobqueue.ReliableList || d == jobqueue.Stream }
