//go:build unix

package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/verify"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestASignalEndsVerifyAtOnceAndLeavesNothing(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without a redis-server
	c := start(t, "verify")
	c.await(t, "verify: 1 of ")
	from := time.Now()
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.Interrupted {
		t.Errorf("exit code %d, want %d; stderr:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
	}
	// The experiments that were still to come take longer than a minute.
	if took := time.Since(from); took > 30*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if c.stdout.Len() > 0 {
		t.Errorf("half a report on standard output: %q", c.stdout.String())
	}
	tmp, _ := strings.CutPrefix(c.Env[len(c.Env)-1], "TMPDIR=")
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestVerdictOfVerifyIsItsExitCode(t *testing.T) {
	t.Parallel()
	if err := verdict(verify.Report{Pass: true}); err != nil {
		t.Errorf("verdict of a pass = %v, want none", err)
	}
	err := verdict(verify.Report{Experiments: []verify.Experiment{{Name: "good", Pass: true}, {Name: "bad"}}})
	f := new(problem.Failure)
	if !errors.As(err, &f) || f.Code != problem.Invalid || !strings.Contains(f.Problems[0].What, "bad") || strings.Contains(f.Problems[0].What, "good") {
		t.Errorf("verdict of a failure = %+v, want exit code %d and the name of what failed", err, problem.Invalid)
	}
}
