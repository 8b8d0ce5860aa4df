//go:build unix

package redisserver_test

import (
	"bufio"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestProcessAnswersAndIsGoneAfterClose(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	if s.Kind() != redisserver.Process || s.Note() != "" {
		t.Errorf("Kind, Note = %q, %q, want process and no note", s.Kind(), s.Note())
	}
	if s.Address() != s.URL() || !strings.HasPrefix(s.Address(), "redis://127.0.0.1:") {
		t.Errorf("Address() = %q, URL() = %q, want the same on 127.0.0.1", s.Address(), s.URL())
	}
	c := dial(t, s.URL())
	if got := ask(t, c, "PING"); got != "+PONG" {
		t.Errorf("PING was answered by %q", got)
	}
	if err := syscall.Kill(s.PID(), 0); err != nil {
		t.Errorf("PID() = %d is no process: %v", s.PID(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, c)
	if err := syscall.Kill(s.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d after Close: %v, want %v", s.PID(), err, syscall.ESRCH)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestProcessPersistsNothingUnlessTold(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		want string
	}{
		{nil, "aof_enabled:0"},
		{[]string{"--appendonly", "yes"}, "aof_enabled:1"},
	} {
		s := redistest.Process(t, row.args...)
		c := dial(t, s.URL())
		if _, err := c.Write([]byte("INFO persistence\r\n")); err != nil {
			t.Fatal(err)
		}
		found := false
		for in := bufio.NewScanner(c); !found && in.Scan(); {
			line := in.Text()
			if strings.HasPrefix(line, "aof_enabled:") {
				found = true
				if line != row.want {
					t.Errorf("with %q: %s, want %s", row.args, line, row.want)
				}
			}
		}
		if !found {
			t.Errorf("with %q: INFO persistence did not tell aof_enabled", row.args)
		}
	}
}

func TestProcessWithPasswordKeepsItOutOfAddress(t *testing.T) {
	t.Parallel()
	const secret = "p/w@: 1"
	s := redistest.Process(t, "--requirepass", secret, "--loglevel", "warning")
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := u.User.Password(); got != secret {
		t.Errorf("password of URL() = %q, want %q", got, secret)
	}
	if want := "redis://" + u.Host + "/0"; s.Address() != want {
		t.Errorf("Address() = %q, want %q", s.Address(), want)
	}
	if got := ask(t, dial(t, s.URL()), "PING"); !strings.HasPrefix(got, "-NOAUTH") {
		t.Errorf("PING without password was answered by %q, want -NOAUTH", got)
	}
}

func TestTwoProcessesGetPortsOfTheirOwn(t *testing.T) {
	t.Parallel()
	servers := make(chan *redisserver.Server, 2)
	t.Run("both", func(t *testing.T) {
		for range 2 {
			t.Run("one", func(t *testing.T) {
				t.Parallel()
				servers <- redistest.Process(t)
			})
		}
	})
	if len(servers) < 2 {
		t.Skip("needs redis")
	}
	a, b := <-servers, <-servers
	if a.URL() == b.URL() || a.PID() == b.PID() {
		t.Errorf("servers %s (%d) and %s (%d) are not two", a.URL(), a.PID(), b.URL(), b.PID())
	}
}

func TestProcessSaysWhichArgumentItRefuses(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown to redis", []string{"--appendonlly", "yes"}, "appendonlly"},
		{"bad value", []string{"--maxmemory", "lots"}, "maxmemory"},
		{"ours", []string{"--appendonly", "yes", "--port", "6379"}, "--port"},
		{"a file", []string{"redis.conf"}, "redis.conf"},
	} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: "process", Args: row.args})
		if err == nil {
			s.Close()
			t.Errorf("%s: Start with %q = nil error", row.name, row.args)
			continue
		}
		if !strings.Contains(err.Error(), row.want) || errors.Is(err, redisserver.ErrUnavailable) {
			t.Errorf("%s: Start with %q: %v, want an error that names %s", row.name, row.args, err, row.want)
		}
	}
}

func TestProcessErrorsHideSecrets(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	// Redis quotes the setting that it refuses.
	_, err := redisserver.Start(t.Context(), redisserver.Options{Source: "process", Args: []string{"--masterauth", "hunter2", "hunter3"}})
	if err == nil {
		t.Fatal("Start = nil error")
	}
	if !strings.Contains(err.Error(), "masterauth") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("Start: %v, want masterauth without its value", err)
	}
}

func TestProcessThatCannotBeHadHasARemedy(t *testing.T) {
	t.Parallel()
	_, err := redisserver.Start(t.Context(), redisserver.Options{Source: "process", Getenv: env("PATH", t.TempDir())})
	if !errors.Is(err, redisserver.ErrUnavailable) {
		t.Fatalf("Start: %v, want ErrUnavailable", err)
	}
	for _, remedy := range []string{"apt install redis-server", "brew install redis", "--redis embedded"} {
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("Start: %v, want the remedy %q", err, remedy)
		}
	}
}

func TestProcessTakesValkeyWhereThereIsNoRedis(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server by that name")
	}
	dir := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(dir, "valkey-server")); err != nil {
		t.Fatal(err)
	}
	s, err := redisserver.Start(t.Context(), redisserver.Options{Source: "process", Getenv: env("PATH", dir)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The owner is killed as nothing can be done about: with SIGKILL. The server
// must end with it; its folder is left, and the next owner removes it.
func TestKilledOwnerLeavesNoServerBehind(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	tmp := t.TempDir()
	killed, serverURL, _ := startOwner(t, tmp)
	c := dial(t, serverURL)
	if got := ask(t, c, "PING"); got != "+PONG" {
		t.Fatalf("PING was answered by %q", got)
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, c)
	_ = killed.Wait() // its error is that it was killed
	left := folders(t, tmp)
	if len(left) != 1 {
		t.Fatalf("folders after the kill: %q, want one", left)
	}

	next, _, closeInput := startOwner(t, tmp)
	if now := folders(t, tmp); len(now) != 1 || now[0] == left[0] {
		t.Errorf("folders of the next owner: %q, want another than %q", now, left)
	}
	closeInput()
	if err := next.Wait(); err != nil {
		t.Errorf("the next owner: %v", err)
	}
	if now := folders(t, tmp); len(now) != 0 {
		t.Errorf("folders at the end: %q, want none", now)
	}
}

func TestOwnersLeaveEachOthersFoldersAlone(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	tmp := t.TempDir()
	a, _, closeA := startOwner(t, tmp)
	b, _, closeB := startOwner(t, tmp)
	if now := folders(t, tmp); len(now) != 2 {
		t.Errorf("folders of two owners: %q, want two", now)
	}
	closeA()
	closeB()
	if err := errors.Join(a.Wait(), b.Wait()); err != nil {
		t.Errorf("owners: %v", err)
	}
	if now := folders(t, tmp); len(now) != 0 {
		t.Errorf("folders at the end: %q, want none", now)
	}
}

// folders are the folders of servers in tmp.
func folders(t *testing.T, tmp string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tmp, "queuedyno-redis-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// startOwner runs this test binary as the owner of a server.
func startOwner(t *testing.T, tmp string) (cmd *exec.Cmd, serverURL string, closeInput func()) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVar+"=1", "TMPDIR="+tmp)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the owner printed no URL: %v", err)
	}
	return cmd, strings.TrimSpace(line), func() { in.Close() }
}
