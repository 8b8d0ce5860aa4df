//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
)

func TestAnInterruptedSearchIsStoredAndCanBeGoneOnWith(t *testing.T) {
	t.Parallel()
	c := start(t, "capacity", "quick", "-u", "embedded", "--work", "20ms", "-y", "2", "--trial", "500ms", "--name", "r")
	c.await(t, "trial 2:")
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.Interrupted {
		t.Fatalf("exit code %d, want %d; stderr:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
	}
	dir := filepath.Join(c.dir, "results", "r")
	first, err := store.LoadAs[*study.Record](dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Interrupted || len(first.Trials) < 2 || first.Answer.Why != "it was interrupted" {
		t.Fatalf("interrupted = %t with %d trials, %+v; want the answer so far", first.Interrupted, len(first.Trials), first.Answer)
	}
	if !strings.Contains(c.stdout.String(), "it was interrupted") {
		t.Errorf("no answer on standard output: %q", c.stdout.String())
	}

	n := len(first.Trials)
	again := start(t, "capacity", "--resume", dir, "-u", "embedded", "--budget", "5m")
	again.await(t, fmt.Sprintf("trial %d:", n+1))
	again.signal(t, os.Interrupt)
	again.end(t)
	second, err := store.LoadAs[*study.Record](dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Trials) <= n || second.Trials[n].N != n+1 {
		t.Fatalf("%d trials after %d were stored; want the search to go on with the next one", len(second.Trials), n)
	}
	if diff := cmp.Diff(first.Trials, second.Trials[:n]); diff != "" {
		t.Errorf("the trials from before are others (-before +after):\n%s", diff)
	}
}

func TestInterruptedValuesAreGoneOnWith(t *testing.T) {
	t.Parallel()
	c := start(t, "capacity", "quick", "-u", "embedded", "--work", "20ms", "--vary", "consumers=1,2", "--trial", "500ms", "--confirm", "500ms", "--budget", "30m", "--name", "r")
	c.await(t, "consumers=1: trial 2:")
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.Interrupted {
		t.Fatalf("exit code %d, want %d; stderr:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
	}
	dir := filepath.Join(c.dir, "results", "r")
	first, err := store.LoadAs[*study.Record](dir)
	if err != nil {
		t.Fatal(err)
	}
	cells := first.Cells
	if len(cells) != 2 || !first.Interrupted || !cells[0].Interrupted || len(cells[0].Trials) < 2 || len(cells[1].Trials) > 0 {
		t.Fatalf("%+v; want the first value begun, and the other not", cells)
	}
	again := start(t, "capacity", "--resume", dir, "-u", "embedded", "--budget", "20s")
	again.end(t)
	second, err := store.LoadAs[*study.Record](dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range second.Cells {
		if n := len(cells[i].Trials); len(c.Trials) <= n || c.Trials[n].N != n+1 || c.Interrupted {
			t.Errorf("value %d has %d trials after %d; want it gone on with", i+1, len(c.Trials), n)
		}
	}
}
