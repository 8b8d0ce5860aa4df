package workergroup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/workergroup"
)

// stateOf waits until a process is in a state of proc(5). A shell that starts a
// command in the foreground may do so by vfork(2), and one that is stopped
// between that and the command stays in the state D for as long: the shells
// here start theirs in the background or by exec.
func stateOf(t *testing.T, pid, want string) {
	t.Helper()
	var stat []byte
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if stat, _ = os.ReadFile("/proc/" + pid + "/stat"); strings.Contains(string(stat), ") "+want+" ") {
			return
		}
	}
	t.Fatalf("process %s is %q, want the state %s", pid, stat, want)
}

// pids are those that a command has written to a file, one a line.
func pids(t *testing.T, file string, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		if all := strings.Fields(string(text)); len(all) == n && strings.HasSuffix(string(text), "\n") {
			return all
		}
	}
	t.Fatalf("%s does not hold %d lines", file, n)
	return nil
}

func TestAPausedGroupGoesOnWhenItIsResumed(t *testing.T) {
	t.Parallel()
	shell(t)
	file := filepath.Join(t.TempDir(), "pids")
	g := start(t, `echo $$ >>"$F"; sh -c 'echo $$ >>"$F"; exec sleep 600' & wait`, "F="+file)
	all := pids(t, file, 2)
	if err := g.Pause(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range all {
		stateOf(t, pid, "T")
	}
	if err := g.Resume(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range all {
		stateOf(t, pid, "S")
	}
	select {
	case <-g.Ended():
		t.Errorf("it ended: %+v", g.Ending())
	default:
	}
}

func TestAPausedGroupEndsWhenItIsAsked(t *testing.T) {
	t.Parallel()
	shell(t)
	file := filepath.Join(t.TempDir(), "pids")
	// The child names itself when no trap of its parent's can hold a signal up any more.
	g := start(t, `trap 'exit 5' TERM; sh -c 'echo $$ >>"$F"; exec sleep 600' & echo $$ >>"$F"; wait`, "F="+file)
	all := pids(t, file, 2)
	if err := g.Pause(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range all {
		stateOf(t, pid, "T")
	}
	if killed := g.Stop(); killed || g.Ending().Code != 5 {
		t.Errorf("killed: %t, ended with %+v, want it to end by itself with 5", killed, g.Ending())
	}
}

func TestAKilledGroupIsNotAsked(t *testing.T) {
	t.Parallel()
	shell(t)
	dir := t.TempDir()
	file, asked := filepath.Join(dir, "pids"), filepath.Join(dir, "asked")
	for _, paused := range []bool{false, true} {
		g, err := workergroup.Start(workergroup.Command{
			Line: `trap 'echo asked >>"$A"' TERM; echo $$ >>"$F"; while :; do sleep 0.05; done`,
			Env:  append(os.Environ(), "F="+file, "A="+asked), Patience: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		pids(t, file, 1)
		if paused {
			if err := g.Pause(); err != nil {
				t.Fatal(err)
			}
		}
		g.Kill()
		g.Kill() // it is gone
		if e := g.Ending(); e.What != "signal: killed" || g.Stop() {
			t.Errorf("it ended with %+v, or had to be killed once more", e)
		}
		if text, err := os.ReadFile(asked); err == nil {
			t.Errorf("it was asked to end: %q", text)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}
