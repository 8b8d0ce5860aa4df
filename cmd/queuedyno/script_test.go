package main

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/queuedyno/queuedyno/internal/parallel"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestMain(m *testing.M) {
	parallel.AtLeast(8)
	testscript.Main(m, map[string]func(){"queuedyno": main})
}

// TestScripts runs the scripts in testdata: one promise of the command each.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
	})
}

// TestScriptsOnARedis runs the scripts in testdata/redis, which find a Redis in
// REDIS_URL. All share it: each uses its own queues and channels.
func TestScriptsOnARedis(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	slow := slowWay(t, server.URL())
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/redis",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "emptied": emptied, "balanced": balanced, "clocks": clocks},
		Setup: func(e *testscript.Env) error {
			e.Setenv("REDIS_URL", server.URL())
			e.Setenv("SLOW_URL", slow)
			return nil
		},
	})
}

// emptied is "emptied QUEUE": it waits until workers have taken all jobs of the queue.
func emptied(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: emptied QUEUE")
	}
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		ts.Check(ts.Exec("queuedyno", "queue", "len", "--queue", args[0]))
		if ts.ReadFile("stdout") == "0\n" {
			return
		}
	}
	ts.Fatalf("jobs still wait in %s", args[0])
}

// exits is "exits CODE COMMAND [ARG...]": it runs the command and fails unless
// the exit code is that one. Scripts look at its output as after "exec".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}
