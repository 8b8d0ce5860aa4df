//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

const slowFile = `version: 1
scenarios:
  quick:
    load: {rate: 100/s, duration: 10m}
  stuck:
    load: {rate: 100/s, duration: 10m}
    work: {time: 1h}
    drain_timeout: 1h
`

// command is the program as a separate process, in an empty folder.
type command struct {
	*exec.Cmd
	dir    string
	stdout output
	stderr *bufio.Scanner
	said   []string
}

func start(t *testing.T, args ...string) *command {
	t.Helper()
	return startWith(t, nil, args...)
}

// startWith starts it with further variables of the environment.
func startWith(t *testing.T, environ []string, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // no test waits that long
	t.Cleanup(cancel)
	c := &command{Cmd: exec.CommandContext(ctx, "queuedyno", args...), dir: t.TempDir()}
	c.Dir = c.dir
	c.Env = append(append(os.Environ(), "REDIS_URL=", "TMPDIR="+t.TempDir()), environ...)
	c.Stdout = &c.stdout
	if err := os.WriteFile(filepath.Join(c.dir, "scenarios.yaml"), []byte(slowFile), 0o666); err != nil {
		t.Fatal(err)
	}
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stderr = bufio.NewScanner(pipe)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			cancel()
			for c.stderr.Scan() {
				c.said = append(c.said, c.stderr.Text())
			}
			t.Logf("it said:\n%s", strings.Join(c.said, "\n"))
		}
	})
	return c
}

// await reads standard error until a line holds the words.
func (c *command) await(t *testing.T, words string) {
	t.Helper()
	for c.stderr.Scan() {
		c.said = append(c.said, c.stderr.Text())
		if strings.Contains(c.stderr.Text(), words) {
			return
		}
	}
	t.Fatalf("%q was never said, but:\n%s", words, strings.Join(c.said, "\n"))
}

// end reads the rest and returns the exit code.
func (c *command) end(t *testing.T) int {
	t.Helper()
	for c.stderr.Scan() {
		c.said = append(c.said, c.stderr.Text())
	}
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode()
}

func (c *command) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstSignalDrainsAndReports(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, "run", "quick", "-u", "embedded", "--name", "r")
			c.await(t, "5s/10m0s") // the first line of progress
			c.signal(t, sig)
			c.await(t, "stopping: draining jobs in progress (press Ctrl-C again to stop now)")
			if got := c.end(t); got != problem.Interrupted {
				t.Errorf("exit code %d, want %d; stderr:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
			}
			r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
			if err != nil {
				t.Fatal(err)
			}
			if !r.Run.Interrupted || r.Run.Failed {
				t.Errorf("interrupted, failed = %t, %t; want true, false", r.Run.Interrupted, r.Run.Failed)
			}
			if r.Ledger.Notified == 0 || r.Ledger.Lost != 0 {
				t.Errorf("%d notified and %d lost after a drain", r.Ledger.Notified, r.Ledger.Lost)
			}
			if !strings.Contains(c.stdout.String(), "end_to_end") {
				t.Errorf("no table on standard output: %q", c.stdout.String())
			}
		})
	}
}

func TestTheSecondSignalStopsAtOnceAndStillReports(t *testing.T) {
	t.Parallel()
	c := start(t, "run", "stuck", "quick", "-u", "embedded", "-o", "out")
	c.await(t, "5s/10m0s")
	c.signal(t, os.Interrupt)
	c.await(t, "stopping: draining")
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.Interrupted {
		t.Errorf("exit code %d, want %d; stderr:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
	}
	dirs, err := filepath.Glob(filepath.Join(c.dir, "out", "*"))
	if err != nil || len(dirs) != 1 || !strings.HasPrefix(filepath.Base(dirs[0]), "stuck-") {
		t.Fatalf("results = %q, %v; want that of the first scenario alone", dirs, err)
	}
	r, err := store.LoadAs[*result.Result](dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	if !r.Run.Interrupted || r.Ledger.Abandoned == 0 || r.Ledger.Lost != 0 || r.Ledger.Scheduled != r.Ledger.Notified+r.Ledger.Abandoned {
		t.Errorf("interrupted = %t, ledger = %+v; want an interrupted run with its losses accounted for", r.Run.Interrupted, r.Ledger)
	}
	if out := c.stdout.String(); !strings.Contains(out, "quick     not run") {
		t.Errorf("the summary does not say that the other scenario was not run:\n%s", out)
	}
}
