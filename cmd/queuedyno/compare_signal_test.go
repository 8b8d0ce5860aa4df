//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
)

func TestASignalEndsAComparisonWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	shell(t)
	const slow = `test "$QUEUEDYNO_PAIR" = 1 || sleep 600; echo BenchmarkPop 1 100 ns/op`
	c := start(t, "compare", "--base-cmd", slow, "--candidate-cmd", slow, "--idle", "0s", "--name", "c")
	c.await(t, "pair 1: ")
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.Interrupted {
		t.Errorf("exit code %d, want %d; stderr:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
	}
	r, err := store.LoadAs[*compare.Record](filepath.Join(c.dir, "results", "c"))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || r.Verdict != "inconclusive" || r.Pairs < 1 || len(r.Runs) != 2*r.Pairs {
		t.Errorf("interrupted %t, %s, %d pairs of %d runs", r.Interrupted, r.Verdict, r.Pairs, len(r.Runs))
	}
	if !strings.Contains(c.stdout.String(), "Inconclusive: interrupted") {
		t.Errorf("standard output:\n%s", c.stdout.String())
	}
}
