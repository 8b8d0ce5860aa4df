//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// then runs another command in the same directory, and returns all that it says.
func (c *command) then(t *testing.T, args ...string) (string, int) {
	t.Helper()
	next := exec.CommandContext(t.Context(), "queuedyno", args...)
	next.Dir, next.Env = c.Dir, c.Env
	out, err := next.CombinedOutput()
	if err != nil && next.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), next.ProcessState.ExitCode()
}

// TestAfterACrashTheLastCheckpointIsAResult ends a run with kill -9. What it leaves can be
// reported, says that the run did not end, and passes no gate.
func TestAfterACrashTheLastCheckpointIsAResult(t *testing.T) {
	t.Parallel()
	c := start(t, "run", "quick", "-u", "embedded", "--name", "r", "--checkpoint", "1s", "--warmup", "100ms", "--threshold", "lost == 0")
	dir := filepath.Join(c.dir, "results", "r")
	var r *result.Result
	for deadline := time.Now().Add(50 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var err error
		if r, err = store.LoadAs[*result.Result](dir); err == nil && r.Window.Completed > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no checkpoint came: %v", err)
		}
	}
	if out, code := c.then(t, "report", dir); code != problem.OK || !strings.Contains(out, "the run did not end") {
		t.Errorf("report while it runs: %d\n%s", code, out)
	}
	c.signal(t, syscall.SIGKILL)
	c.end(t)
	r, err := store.LoadAs[*result.Result](dir)
	if err != nil {
		t.Fatal(err)
	}
	l := r.Ledger
	if !r.Run.Interrupted || r.Run.StopReason != stopreason.Checkpoint || l.Scheduled != l.Notified+l.Lost+l.Abandoned || l.Sent == 0 {
		t.Errorf("run %+v, ledger %+v", r.Run, l)
	}
	if len(r.Thresholds) != 1 || !r.Thresholds[0].Undecided {
		t.Errorf("thresholds %+v, want one, and that undecided", r.Thresholds)
	}
	taken := "the run did not end; this is its checkpoint of " + r.Run.EndedAt.UTC().Format("2006-01-02 15:04:05Z")
	for _, format := range []string{"text", "md", "html"} {
		if out, code := c.then(t, "report", dir, "--format", format); code != problem.OK || !strings.Contains(strings.Join(strings.Fields(out), " "), taken) {
			t.Errorf("report as %s does not say %q: exit %d\n%.2000s", format, taken, code, out)
		}
	}
	if out, code := c.then(t, "report", dir, "--redraw"); code != problem.OK || !strings.Contains(out, "report.html") {
		t.Errorf("redraw: exit %d\n%s", code, out)
	}
	if out, code := c.then(t, "report", dir, dir); code == problem.Regression || !strings.Contains(out, "the run did not end") {
		t.Errorf("report of two: exit %d\n%.2000s", code, out)
	}
	// A comparison takes no figure of it, however many of them there are.
	for i := range 10 {
		other := *r
		other.Run.ID, other.Run.StartedAt = fmt.Sprintf("0123456789abcd%d", i), r.Run.StartedAt.Add(time.Duration(i)*time.Minute)
		side := []string{"base", "candidate"}[i%2]
		if err := store.Write(filepath.Join(c.dir, side, strconv.Itoa(i)), render.Of(&other), false); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := c.then(t, "compare", "base", "candidate", "--metric", "end_to_end.p50"); code != problem.Invalid || !strings.Contains(out, "because it did not come to its end") {
		t.Errorf("compare: exit %d, want %d\n%s", code, problem.Invalid, out)
	}
	// The name is taken, as by any result.
	if out, code := c.then(t, "run", "quick", "-u", "embedded", "--name", "r"); code != problem.BadUsage || !strings.Contains(out, "--force") {
		t.Errorf("the name again: exit %d\n%s", code, out)
	}
	// A run that replaces it, and is killed as well, leaves its checkpoint next to it.
	next := exec.CommandContext(t.Context(), "queuedyno", "run", "quick", "-u", "embedded", "--name", "r", "--force", "--checkpoint", "1s")
	next.Dir, next.Env = c.Dir, c.Env
	if err := next.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(50 * time.Second); store.Checkpointed(dir) == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no checkpoint came")
		}
	}
	_ = next.Process.Kill()
	_ = next.Wait()
	file := filepath.Join(dir, store.CheckpointFile)
	if out, code := c.then(t, "report", dir); code != problem.OK || !strings.Contains(out, "is the older result; what is known of the run that replaces it: queuedyno report "+file) {
		t.Errorf("report of the older one: exit %d\n%s", code, out)
	}
	if out, code := c.then(t, "report", file); code != problem.OK || !strings.Contains(out, "the run did not end") {
		t.Errorf("report of the checkpoint: exit %d\n%s", code, out)
	}
}
