//go:build unix

package postgresserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/testprogram"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

func TestProcessAnswersAndIsGoneAfterClose(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	if s.Kind() != postgresserver.Process || s.Version() == "" {
		t.Errorf("Kind, Version = %q, %q, want process and a version", s.Kind(), s.Version())
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if want := "postgres://" + u.Host + "/postgres"; s.Address() != want || u.Hostname() != "127.0.0.1" {
		t.Errorf("Address() = %q, want %q on 127.0.0.1", s.Address(), want)
	}
	if got := ask(t, s.URL(), "SHOW server_version"); !strings.HasPrefix(got, s.Version()) {
		t.Errorf("Version() = %q, the server says %q", s.Version(), got)
	}
	data := ask(t, s.URL(), "SHOW data_directory")
	if _, err := os.Stat(data); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.Ended()
	if err := syscall.Kill(s.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d after Close: %v, want %v", s.PID(), err, syscall.ESRCH)
	}
	if _, err := os.Stat(filepath.Dir(data)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder after Close: %v, want %v", err, os.ErrNotExist)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestProcessCommitsAsPostgresDoesByDefault(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "100",
		"server_encoding": "UTF8", "lc_collate": "C",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": ".",
	} {
		if got := ask(t, s.URL(), "SELECT coalesce(current_setting('"+setting+"', true), 'C')"); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
}

func TestProcessTakesSettings(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t, "shared_buffers=16MB", `log_line_prefix=it's a \t "test" `, "shared_buffers=8MB", "queuedyno.x=a=b")
	for setting, want := range map[string]string{"shared_buffers": "8MB", "log_line_prefix": `it's a \t "test"`, "queuedyno.x": "a=b"} {
		if got := ask(t, s.URL(), "SHOW "+setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
}

func TestProcessAsksForItsPassword(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := u.User.Password()
	u.User = url.UserPassword("postgres", "hunter2")
	_, err = postgresserver.Start(t.Context(), postgresserver.Options{Source: u.String()})
	if err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("Start with another password: %v, want SQLSTATE 28P01", err)
	}
	if strings.Contains(s.Address(), secret) {
		t.Errorf("Address() = %q shows the password", s.Address())
	}
	data := ask(t, s.URL(), "SHOW data_directory")
	if err := filepath.WalkDir(filepath.Dir(data), func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // a file that Postgres has just removed
		}
		text, _ := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			t.Errorf("%s holds the password", path)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTwoProcessesDoNotMeet(t *testing.T) {
	t.Parallel()
	servers := make(chan *postgresserver.Server, 2)
	t.Run("both", func(t *testing.T) {
		for range 2 {
			t.Run("one", func(t *testing.T) {
				t.Parallel()
				s := postgrestest.Process(t)
				servers <- s
				if got := ask(t, s.URL(), "SELECT count(*)::text FROM pg_database"); got != "3" {
					t.Errorf("%s databases, want 3", got)
				}
			})
		}
	})
	if len(servers) < 2 {
		t.Skip("needs postgres")
	}
	a, b := <-servers, <-servers
	if a.URL() == b.URL() || a.PID() == b.PID() {
		t.Errorf("servers %s (%d) and %s (%d) are not two", a.Address(), a.PID(), b.Address(), b.PID())
	}
}

func TestProcessSaysWhichSettingItRefuses(t *testing.T) {
	t.Parallel()
	postgresserver.NeedsInstalled(t)
	for _, row := range []struct{ setting, says string }{
		{"shared_bufers=8MB", `setting "shared_bufers": unrecognized configuration parameter "shared_bufers"`},
		{"password_encryption=hunter2", `setting "password_encryption": invalid value for parameter "password_encryption": "***"`},
		{"max_connections=1", `setting "max_connections": superuser_reserved_connections (3) must be less than max_connections (1)`},
	} {
		s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: "process", Settings: []string{row.setting}})
		if err == nil {
			s.Close()
			t.Errorf("Start with %s = nil error", row.setting)
			continue
		}
		if !strings.HasSuffix(err.Error(), row.says) || errors.Is(err, postgresserver.ErrUnavailable) {
			t.Errorf("Start with %s: %v, want an error that ends with %s", row.setting, err, row.says)
		}
	}
}

// The owner is killed by SIGKILL, which it can do nothing about. The server must end, and
// its folder must go.
func TestKilledOwnerLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	postgresserver.NeedsInstalled(t)
	tmp := reachable(t)
	killed, serverURL, pid, _ := startOwner(t, tmp, nil)
	ask(t, serverURL, "SHOW server_version")
	if now := folders(t, tmp); len(now) != 1 {
		t.Fatalf("folders of the owner: %q, want one", now)
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // its error is that it was killed
	waitGone(t, serverURL)
	waitEmpty(t, tmp)
	waitEnded(t, pid)
}

func TestOwnerKilledWhileStartingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	postgresserver.NeedsInstalled(t)
	tmp := reachable(t)
	cmd := ownerCommand(tmp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	waitFor(t, filepath.Join(tmp, "queuedyno-postgres-*", "initdb.log"))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its error is that it was killed
	waitEmpty(t, tmp)
}

func TestOwnersLeaveEachOthersFoldersAlone(t *testing.T) {
	t.Parallel()
	postgresserver.NeedsInstalled(t)
	tmp := reachable(t)
	a, _, _, closeA := startOwner(t, tmp, nil)
	b, _, _, closeB := startOwner(t, tmp, nil)
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

// Root starts the owner as another user, which then needs no other user for the server.
func TestAnOwnerThatIsNotRoot(t *testing.T) {
	t.Parallel()
	postgresserver.NeedsInstalled(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root; what it checks is then what the other tests check")
	}
	const other = 65534
	tmp := reachable(t)
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	_, serverURL, pid, _ := startOwner(t, tmp, &syscall.Credential{Uid: other, Gid: other})
	ask(t, serverURL, "SHOW server_version")
	if uid := userOf(t, pid); uid != other {
		t.Errorf("the server runs as user %d, want %d", uid, other)
	}
}

func TestRootsServerDoesNotRunAsRoot(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	if uid := userOf(t, s.PID()); uid == 0 {
		t.Error("the server runs as root")
	}
}

// userOf is the id of the user that a process runs as.
func userOf(t *testing.T, pid int) int {
	t.Helper()
	uid, err := strconv.Atoi(ps(t, pid, "uid"))
	if err != nil {
		t.Fatal(err)
	}
	return uid
}

// running reports whether a process is there and has not ended; one that has, and that
// no process waits for, is there as a zombie.
func running(t *testing.T, pid int) bool {
	t.Helper()
	state := ps(t, pid, "stat")
	return state != "" && !strings.HasPrefix(state, "Z")
}

// waitEnded waits until a process has ended.
func waitEnded(t *testing.T, pid int) {
	t.Helper()
	for range 2000 {
		if !running(t, pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

// ps is what the program of that name says of a process, nothing of one that is gone.
func ps(t *testing.T, pid int, column string) string {
	t.Helper()
	out, err := exec.Command("ps", "-o", column+"=", "-p", strconv.Itoa(pid)).Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("needs ps: ", err)
	}
	return strings.TrimSpace(string(out))
}

// reachable is a temporary directory that every user can enter.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postgresserver-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// folders are the folders of servers in tmp.
func folders(t *testing.T, tmp string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tmp, "queuedyno-postgres-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func waitEmpty(t *testing.T, tmp string) {
	t.Helper()
	for range 3000 {
		if len(folders(t, tmp)) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("folders that are left: %q", folders(t, tmp))
}

func waitFor(t *testing.T, pattern string) {
	t.Helper()
	for range 3000 {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not appear", pattern)
}

// ownerCommand runs this test binary as the owner of a server.
func ownerCommand(tmp string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVar+"=1", "TMPDIR="+tmp)
	cmd.Stderr = os.Stderr
	return cmd
}

// startOwner runs an owner, as the given user if there is one, and waits for its server.
func startOwner(t *testing.T, tmp string, as *syscall.Credential) (cmd *exec.Cmd, serverURL string, pid int, closeInput func()) {
	t.Helper()
	cmd = ownerCommand(tmp)
	if as != nil {
		// The directory of the test binary is its user's alone.
		cmd.Path = filepath.Join(tmp, "owner")
		copyProgram(t, os.Args[0], cmd.Path)
		cmd.Dir = tmp
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	}
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
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the owner printed no URL: %v", err)
	}
	if _, err := fmt.Sscan(line, &serverURL, &pid); err != nil {
		t.Fatal(err)
	}
	return cmd, serverURL, pid, func() { in.Close() }
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	program, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	testprogram.Write(t, to, program)
}
