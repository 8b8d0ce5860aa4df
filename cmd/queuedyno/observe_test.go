//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// untilHeard publishes unreadable messages until that many clients listen.
func untilHeard(t *testing.T, client *jobqueue.Client, listeners int) {
	t.Helper()
	c, err := client.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for from := time.Now(); ; {
		if time.Since(from) > 2*time.Minute {
			t.Fatalf("there are never %d listeners", listeners)
		}
		n, err := c.Publish(t.Context(), []byte("is anybody there?"))
		if err != nil {
			t.Fatal(err)
		}
		if n >= listeners {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestARunLooksOnAtTheWorkOfOthersAndLeavesTheirQueueAlone(t *testing.T) {
	t.Parallel()
	url, client, _ := queueFor(t)
	var jobs []string
	for i := range 50 {
		jobs = append(jobs, "job"+string(rune('A'+i)))
	}
	if err := client.Push(t.Context(), jobs...); err != nil {
		t.Fatal(err)
	}
	c := start(t, "run", "quick", "--producers", "external", "-u", url, "-d", "40s", "-n", "40", "--name", "r", "--json",
		"--threshold", "running.p50 < 10s", "--threshold", "failed == 0", "--threshold", "backlog.max > 5")
	c.await(t, "ignoring its load, pools, work and thresholds")
	untilHeard(t, client, 2)
	if got := start(t, "worker", "-u", url, "-y", "2", "--running", "--work", "60ms", "--jobs", "45").end(t); got != problem.OK {
		t.Fatalf("the worker ended with %d", got)
	}
	if code := c.end(t); code != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	var r result.Result
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	o := r.Observed
	if o == nil || stopreason.Words(&r) != "40 jobs had ended" || r.Window.Completed < 40 || r.Window.Completed > 45 || o.Updates.Unreadable == 0 {
		t.Errorf("ended because %q with window %+v, observed %+v; want 40 jobs, and an unreadable message", stopreason.Words(&r), r.Window, o)
	}
	if s := r.Stages[metric.Running]; s == nil || s.MaxNS == nil || *s.MaxNS < 59e6 || s.Count != r.Window.Completed {
		t.Errorf("running %+v, want that of every job, 60 ms and more unless updates were read together, of %d", s, r.Window.Completed)
	}
	if n, err := client.Len(t.Context()); err != nil || n != 5 {
		t.Errorf("%d jobs are left, %v; want the 5 that the worker left", n, err)
	}
	entries, err := os.ReadDir(filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "running.hgrm" }) {
		t.Errorf("no running.hgrm among %v", entries)
	}
	stored, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil || stored.Observed == nil || *stored.Observed.Backlog.Last != *o.Backlog.Last {
		t.Errorf("stored: %+v, %v", stored, err)
	}
}

func TestAnInterruptedLookIsMarkedAndExits130(t *testing.T) {
	t.Parallel()
	url, client, _ := queueFor(t)
	c := start(t, "run", "quick", "--producers", "external", "-u", url, "--name", "r")
	c.await(t, "observing")
	untilHeard(t, client, 2)
	c.signal(t, os.Interrupt)
	if code := c.end(t); code != problem.Interrupted {
		t.Errorf("exit code %d; stderr:\n%s", code, strings.Join(c.said, "\n"))
	}
	r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Run.Interrupted || r.Observed == nil || !strings.Contains(c.stdout.String(), "INTERRUPTED") {
		t.Errorf("%+v; standard output:\n%s", r.Run, c.stdout.String())
	}
}
