//go:build unix

package workergroup_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/workergroup"
)

// ownerVar makes the test binary start the command that it holds and wait to be
// killed.
const ownerVar = "WORKERGROUP_TEST_OWNER"

func TestMain(m *testing.M) {
	if text := os.Getenv(ownerVar); text != "" {
		if _, err := workergroup.Start(workergroup.Command{Line: text}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("started")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// shell skips a test where there is no shell to start a worker with.
func shell(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("a worker is started by sh: ", err)
	}
}

// fifo is a path that processes write to and hold open.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "line")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// heard is what comes out of a fifo, once somebody has opened it. It ends with
// the last process that holds it.
type heard struct{ r *bufio.Reader }

func hear(t *testing.T, path string) heard {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return heard{bufio.NewReader(f)}
}

func (h heard) line(t *testing.T, want string) {
	t.Helper()
	if got, err := h.r.ReadString('\n'); err != nil || got != want+"\n" {
		t.Fatalf("heard %q, %v, want %q", got, err, want)
	}
}

func (h heard) end(t *testing.T) {
	t.Helper()
	if _, err := io.Copy(io.Discard, h.r); err != nil {
		t.Errorf("some process is left: %v", err)
	}
}

// start starts a command whose processes get a minute to end, which none needs that
// listens. It is stopped at the end of the test at the latest.
func start(t *testing.T, text string, env ...string) *workergroup.Group {
	t.Helper()
	return startFor(t, time.Minute, text, env...)
}

// startFor starts a command whose processes get that long to end.
func startFor(t *testing.T, patience time.Duration, text string, env ...string) *workergroup.Group {
	t.Helper()
	g, err := workergroup.Start(workergroup.Command{Line: text, Env: append(os.Environ(), env...), Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Stop() })
	return g
}

func TestHowACommandEndedAndWhatItSaidLastIsTold(t *testing.T) {
	t.Parallel()
	shell(t)
	for _, c := range []struct {
		name, text string
		code       int
		what       string
		said       []string
	}{
		{"an exit code", `echo one; echo two >&2; exit 3`, 3, "exit code 3", []string{"one", "two"}},
		{"no complaint", `true`, 0, "exit code 0", nil},
		{"a signal", `echo off; kill -KILL $$`, -1, "signal: killed", []string{"off"}},
		{"no such program", `no-such-program-anywhere 2>/dev/null`, 127, "exit code 127", nil},
		{"empty lines and bytes that are no text", `printf 'a\n\n  b \r\n\377\n'; exit 1`, 1, "exit code 1", []string{"a", "  b", "\uFFFD"}},
		{"its environment", `echo "$QUEUE"; exit 1`, 1, "exit code 1", []string{"mails"}},
		{"nothing to read", `cat; exit 1`, 1, "exit code 1", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := start(t, c.text, "QUEUE=mails")
			from := time.Now()
			e := g.Ending()
			if e.What != c.what || e.Code != c.code || e.At.After(time.Now()) || from.Sub(e.At) > time.Minute {
				t.Errorf("Ending() = %+v, want %s", e, c.what)
			}
			if said := g.Said(); !slices.Equal(said, c.said) {
				t.Errorf("Said() = %q, want %q", said, c.said)
			}
			if g.Stop() {
				t.Error("something had to be killed")
			}
			if said := g.Said(); !slices.Equal(said, c.said) {
				t.Errorf("after its end Said() = %q, want %q", said, c.said)
			}
		})
	}
}

func TestOnlyTheEndOfWhatWasSaidIsKept(t *testing.T) {
	t.Parallel()
	shell(t)
	g := start(t, `i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done; head -c 100000 /dev/zero | tr '\0' x; echo; echo the end; exit 1`)
	g.Ending()
	said := g.Said()
	if n := len(said); n == 0 || n > 20 || said[n-1] != "the end" {
		t.Errorf("%d lines, the last ones %.80q", n, said)
	}
	if n := len(strings.Join(said, "\n")); n > 10_000 {
		t.Errorf("%d bytes are kept", n)
	}
}

func TestStopAsksEveryProcessAndLeavesNone(t *testing.T) {
	t.Parallel()
	shell(t)
	for name, text := range map[string]string{
		"one":                   `echo up >&9; exec sleep 600`,
		"a shell with children": `sleep 600 & sleep 600 & echo up >&9; wait`,
		"one that finishes its work first": `trap 'echo finished >&9; exit 0' TERM
			(echo up >&9; exec sleep 600) & wait`, // up when its own trap is gone
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := fifo(t)
			g := start(t, `exec 9>"$LINE"; `+text, "LINE="+path)
			line := hear(t, path)
			line.line(t, "up")
			if g.Stop() {
				t.Error("something had to be killed")
			}
			if strings.Contains(text, "finished") {
				line.line(t, "finished")
			}
			line.end(t)
			select {
			case <-g.Ended():
			default:
				t.Error("the command is not said to have ended")
			}
		})
	}
}

func TestWhoDoesNotListenIsKilledAndSoAreHisChildren(t *testing.T) {
	t.Parallel()
	shell(t)
	path := fifo(t)
	g := startFor(t, time.Second, `trap '' TERM; exec 9>"$LINE"; echo up >&9; while :; do sleep 600; done`, "LINE="+path)
	line := hear(t, path)
	line.line(t, "up")
	if !g.Stop() {
		t.Error("nothing had to be killed")
	}
	line.end(t)
	if e := g.Ending(); e.What != "signal: killed" {
		t.Errorf("Ending() = %+v", e)
	}
	if !g.Stop() {
		t.Error("the second Stop says otherwise")
	}
}

func TestWhatACommandLeavesBehindGoesWithIt(t *testing.T) {
	t.Parallel()
	shell(t)
	path := fifo(t)
	g := start(t, `exec 9>"$LINE"; sleep 600 & echo up >&9; exit 0`, "LINE="+path)
	line := hear(t, path)
	line.line(t, "up")
	line.end(t) // it was not stopped
	if e := g.Ending(); e.Code != 0 {
		t.Errorf("Ending() = %+v, want exit code 0", e)
	}
}

func TestNothingIsLeftWhenTheOwnerIsKilled(t *testing.T) {
	t.Parallel()
	shell(t)
	path := fifo(t)
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerVar+`=exec 9>"$LINE"; trap '' TERM; sleep 600 & echo up >&9; wait; sleep 600`, "LINE="+path)
	stdin, err := owner.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line := hear(t, path)
	line.line(t, "up")
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil { // Start has returned, so the group is guarded
		t.Fatal(err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // its error is that it was killed
	line.end(t)
}
