//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// doJobs takes jobs until the test ends. For each it sends the commands.
func doJobs(t *testing.T, url, queue string, commands func(id string) [][]string) {
	t.Helper()
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: url, Queue: queue})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	t.Cleanup(func() { stop(); working.Wait(); c.Close() })
	for range 4 {
		taker, err := c.OpenConsumer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		working.Go(func() {
			defer taker.Close()
			for ctx.Err() == nil {
				jobs, err := taker.Pop(ctx, 1, time.Second)
				if errors.Is(err, jobqueue.ErrEmpty) || ctx.Err() != nil {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				// In one write: with the last job's end, the run ends and removes its keys.
				if _, err := c.Do(ctx, commands(jobqueue.ParseElement(jobs[0]).JobID)...); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
}

// Workers that publish on a channel for each job, or set a key for each, are measured as others
// are, and the keys that they set for the run's jobs are removed.
func TestWorkersThatAnnounceElsewhereAreMeasured(t *testing.T) {
	t.Parallel()
	url, db := rqRedis(t)
	if err := db.HSet(t.Context(), "job:theirs", "state", "done").Err(); err != nil {
		t.Fatal(err)
	}
	before := dumpOf(t, db)
	for name, c := range map[string]struct {
		update string
		begins bool
		do     func(id string) [][]string
	}{
		"channels": {"channel=job:{id}:{status},running=begun,completed=*", true, func(id string) [][]string {
			return [][]string{{"PUBLISH", "job:" + id + ":begun", ""}, {"PUBLISH", "job:" + id + ":sent", "x"}}
		}},
		"hashes": {"key=job:{id},status=.state,completed=done", false, func(id string) [][]string {
			return [][]string{{"HSET", "job:" + id, "at", "1"}, {"HSET", "job:" + id, "state", "done"}, {"HSET", "job:" + id, "at", "2"}, {"EXPIRE", "job:" + id, "600"}}
		}},
		"texts": {"key=result:{id},status=.,completed=*", false, func(id string) [][]string {
			return [][]string{{"SET", "result:" + id, `{"sum":3}`, "EX", "600"}}
		}},
	} {
		doJobs(t, url, name, c.do)
		r := libraryResult(t, start(t, "run", "quick", "-u", url, "-y", "external", "--queue", name, "--update", c.update,
			"-r", "100", "-n", "200", "--drain-timeout", "40s", "--allow-invalid", "--json"), problem.OK)
		if l := r.Ledger; l.Notified != 200 || l.Duplicated != 0 || l.Unreadable != 0 {
			t.Errorf("%s: ledger %+v, want all 200 notified once", name, l)
		}
		if c.begins {
			allDone(t, name, r, 200)
		}
		if diff := cmp.Diff(before, dumpOf(t, db)); diff != "" {
			t.Errorf("%s: other keys than before (-before +after):\n%s", name, diff)
		}
	}
}

// Of a job whose key no one read between its start and its end, the start is not known: the
// result says how many these are.
func TestStartsThatAreNotHeardAtKeysAreWarnedOf(t *testing.T) {
	t.Parallel()
	url, _ := rqRedis(t)
	var n atomic.Int64
	doJobs(t, url, "mails", func(id string) [][]string {
		if n.Add(1)%2 == 0 {
			return [][]string{{"HSET", "job:" + id, "state", "done"}}
		}
		return [][]string{{"HSET", "job:" + id, "state", "begun"}, {"BLPOP", "no:such:list", "0.05"}, {"HSET", "job:" + id, "state", "done"}}
	})
	r := libraryResult(t, start(t, "run", "quick", "-u", url, "-y", "external", "--queue", "mails", "--update", "key=job:{id},status=.state,completed=done,running=begun",
		"-r", "50", "-n", "100", "--drain-timeout", "40s", "--allow-invalid", "--json"), problem.OK)
	if s := r.Stages[metric.Running]; s == nil || s.Count > 50 {
		t.Errorf("running = %+v, want up to 50 of 100 jobs", s)
	}
	if !strings.Contains(strings.Join(r.Warnings, "\n"), "of the 100 jobs: the start of the others was over") {
		t.Errorf("warnings %q, want one of the starts that were not heard", r.Warnings)
	}
}

// A run that only observes hears each end at a key once, however often the key is set.
func TestKeysThatWorkersSetAreObserved(t *testing.T) {
	t.Parallel()
	url, db := rqRedis(t)
	doJobs(t, url, "mails", func(id string) [][]string {
		return [][]string{{"HSET", "job:" + id, "state", "begun"}, {"HSET", "job:" + id, "state", "done"}, {"HSET", "job:" + id, "at", "2"}}
	})
	seen := start(t, "run", "quick", "-x", "external", "-u", url, "--queue", "mails", "--update", "key=job:{id},status=.state,completed=done,running=begun",
		"-n", "100", "-d", "2m", "--allow-invalid", "--json")
	// Nothing but the server tells when it listens.
	for deadline := time.Now().Add(time.Minute); db.PubSubNumPat(t.Context()).Val() < 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not listen after a minute")
		}
	}
	for i := range 150 {
		if err := db.LPush(t.Context(), "mails", fmt.Sprint("theirs-", i)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	r := libraryResult(t, seen, problem.OK)
	if o := r.Observed; o == nil || o.Updates.Completed < 100 || o.Updates.Completed > 150 || o.Updates.Other != 0 {
		t.Errorf("observed %+v, want 100 to 150 ends", o)
	}
	if n := len(db.Keys(t.Context(), "job:theirs-*").Val()); n < 100 {
		t.Errorf("%d keys of the workers are left, want all", n)
	}
}
