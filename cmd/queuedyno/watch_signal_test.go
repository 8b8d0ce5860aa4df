//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/result"
)

func TestWatchSeesAWorkerAtWork(t *testing.T) {
	t.Parallel()
	url, client, _ := queueFor(t)
	if err := client.Push(t.Context(), "a", "b", "c", "d", "e"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := exec.CommandContext(ctx, "queuedyno", "watch", "-u", url, "--json", "-q")
	var said bytes.Buffer
	w.Stderr = &said
	out, err := w.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	looks := json.NewDecoder(out)
	look := func() (l watch.Look) {
		t.Helper()
		// One without a backlog is of a second in which Redis did not answer.
		for first := true; first || l.Backlog == nil; first = false {
			l = watch.Look{}
			if err := looks.Decode(&l); err != nil {
				t.Fatalf("read a look: %v; stderr: %s", err, said.String())
			}
		}
		return l
	}
	if first := look(); *first.Backlog != 5 || first.Total.Messages() != 0 {
		t.Errorf("the first look: %+v, want 5 jobs and no update", first)
	}
	if got := start(t, "worker", "-u", url, "-y", "1", "--running", "--burn", "1ms", "--jobs", "3").end(t); got != problem.OK {
		t.Fatalf("the worker ended with %d", got)
	}
	l := look()
	for l.Total.Completed < 3 {
		l = look()
	}
	l = look() // whose length was asked for after that
	if want := (result.Updates{Running: 3, Completed: 3}); l.Total != want || *l.Backlog != 2 {
		t.Errorf("Total = %+v and a backlog of %d, want %+v and 2", l.Total, *l.Backlog, want)
	}
	// How long is a matter of when the updates were read: messages that wait
	// together are read together.
	if l.Running.Count != 3 || l.Work.Count != 3 || l.Running.MaxNS == nil || l.Work.MaxNS == nil {
		t.Errorf("running %+v, work %+v; want 3 of each", l.Running, l.Work)
	}
	if err := w.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for looks.More() { // to the end of the pipe
		var rest watch.Look
		if err := looks.Decode(&rest); err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Wait() // its exit code says it
	if got := w.ProcessState.ExitCode(); got != problem.Interrupted {
		t.Errorf("exit code %d, want %d", got, problem.Interrupted)
	}
	if n, err := client.Len(t.Context()); err != nil || n != 2 {
		t.Errorf("%d jobs are left, %v, want 2", n, err)
	}
}
