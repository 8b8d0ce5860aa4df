//go:build unix

package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/worker"
)

// sh is a shell command as work.
func sh(t *testing.T, text string, more ...func(*worker.Command)) worker.Work {
	t.Helper()
	c := worker.Command{Args: []string{"sh", "-c", text}}
	for _, change := range more {
		change(&c)
	}
	work, err := worker.Exec(c)
	if err != nil {
		t.Fatal(err)
	}
	return work
}

func TestAProcessGetsTheJobAndItsExitCodeSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		name, text string
		job        worker.Job
		want       string // the error, "" for none
	}{
		{"done", "exit 0", worker.Job{}, ""},
		{"the id and whose it is", `test "$QUEUEDYNO_JOB_ID/$QUEUEDYNO_TENANT_ID" = "4711/acme"`, worker.Job{ID: "4711", Tenant: "acme"}, ""},
		{"an id is not code", `test "$QUEUEDYNO_JOB_ID" = '$(exit 1); "'`, worker.Job{ID: `$(exit 1); "`}, ""},
		{"the element", `test "$(cat)" = '{"jobId":"a"}'`, worker.Job{Element: []byte(`{"jobId":"a"}`)}, ""},
		{"a long element", `test "$(wc -c | tr -d ' ')" = 100000`, worker.Job{Element: []byte(long)}, ""},
		{"an element that is not read", `exit 0`, worker.Job{Element: []byte(long)}, ""},
		{"failed without a word", `exit 3`, worker.Job{}, "exit code 3"},
		{"failed with its reason last", `echo one >&2; echo "disk full" >&2; echo >&2; exit 1`, worker.Job{}, "exit code 1: disk full"},
		{"a reason after much else", `head -c 100000 /dev/zero | tr '\0' x >&2; printf '\nthe end' >&2; exit 1`, worker.Job{}, "exit code 1: the end"},
		{"words alone are no failure", `echo warning >&2`, worker.Job{}, ""},
		{"killed", `kill -KILL $$`, worker.Job{}, "signal: killed"},
		{"an id that no environment can hold", `exit 0`, worker.Job{ID: "a\x00b"}, "start the command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := sh(t, c.text)(t.Context(), c.job)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("failed: %v", err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
				t.Errorf("err = %v, want %s", err, c.want)
			}
		})
	}
}

func TestAReasonIsBounded(t *testing.T) {
	t.Parallel()
	err := sh(t, `head -c 1000000 /dev/zero | tr '\0' x >&2; exit 1`)(t.Context(), worker.Job{})
	if err == nil || len(err.Error()) > 600 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

func TestWhatAProcessWritesIsPassedOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	work := sh(t, `echo did $QUEUEDYNO_JOB_ID`, func(c *worker.Command) { c.Stdout = &out })
	if err := work(t.Context(), worker.Job{ID: "4711"}); err != nil || out.String() != "did 4711\n" {
		t.Errorf("output %q, %v", out.String(), err)
	}
}

func TestATimeoutEndsTheProcessAndAllThatItStarted(t *testing.T) {
	t.Parallel()
	pid := filepath.Join(t.TempDir(), "pid")
	var child int
	for timeout := time.Second; ; timeout *= 2 { // until the shell is as far as that in time
		work := sh(t, `sleep 600 & echo $! > `+pid+`; echo asleep >&2; wait`, func(c *worker.Command) { c.Timeout = timeout })
		from := time.Now()
		err := work(t.Context(), worker.Job{})
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("did not end within %s", timeout)) || time.Since(from) > timeout+time.Minute {
			t.Fatalf("err = %v after %v", err, time.Since(from))
		}
		if strings.HasSuffix(err.Error(), ": asleep") {
			text, err := os.ReadFile(pid)
			if err != nil {
				t.Fatal(err)
			}
			if child, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
				t.Fatal(err)
			}
			break
		}
		if timeout > time.Minute {
			t.Fatalf("err = %v, want what the process wrote", err)
		}
	}
	// It may stay as a zombie until its new parent waits for it.
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if errors.Is(syscall.Kill(child, 0), syscall.ESRCH) || zombie(child) {
			return
		}
	}
	t.Errorf("process %d outlived its parent", child)
}

// zombie reports whether the process has ended and was not waited for.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestTheEndOfTheContextEndsTheProcess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	from := time.Now()
	if err := sh(t, "sleep 600")(ctx, worker.Job{}); err == nil || time.Since(from) > time.Minute {
		t.Errorf("err = %v after %v", err, time.Since(from))
	}
}

func TestACommandThatIsNotThereIsFoundOutAtOnce(t *testing.T) {
	t.Parallel()
	if _, err := worker.Exec(worker.Command{Args: []string{"no-such-command-anywhere"}}); err == nil || !strings.Contains(err.Error(), "no-such-command-anywhere") {
		t.Errorf("Exec = %v, want its name", err)
	}
	if _, err := worker.Exec(worker.Command{}); err == nil {
		t.Error("a command of no words was taken")
	}
}

func BenchmarkExec(b *testing.B) {
	work, err := worker.Exec(worker.Command{Args: []string{"/bin/true"}})
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := work(b.Context(), worker.Job{ID: "4711", Element: []byte("4711")}); err != nil {
				b.Error(err)
			}
		}
	})
}
