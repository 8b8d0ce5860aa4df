//go:build unix

package postgresserver

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/internal/serverstart"
	"github.com/queuedyno/queuedyno/internal/testprogram"
)

// These tests are white-box so that they can choose the machine: its ports, its users,
// its directories, and what is installed.

// thisMachine is the one that the tests run on, with another folder.
func thisMachine(parents ...string) machine {
	return machine{
		patterns: distributions, uid: os.Geteuid(), users: []string{"postgres", "nobody"}, parents: parents,
		port: func() (int, error) { return privateserver.FreePort(65535) },
	}
}

// start starts a server on the machine, and skips the test where none is installed.
func start(t *testing.T, ctx context.Context, m machine) (*Server, error) {
	t.Helper()
	NeedsInstalled(t)
	s, err := startInstalled(ctx, Options{Getenv: os.Getenv}, m)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

// open is a temporary directory with the given rights.
func open(t *testing.T, rights os.FileMode) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postgresserver-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, rights); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestATakenPortIsReplacedByAnother(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	dir := open(t, 0o755)

	m := thisMachine(dir)
	tries := 0
	m.port = func() (int, error) {
		if tries++; tries < 3 {
			return taken, nil
		}
		return privateserver.FreePort(65535)
	}
	if _, err := start(t, t.Context(), m); err != nil || tries != 3 {
		t.Errorf("startInstalled after %d ports: %v, want a server after 3", tries, err)
	}

	tries = 0
	m.port = func() (int, error) { tries++; return taken, nil }
	if _, err := start(t, t.Context(), m); !errors.Is(err, privateserver.ErrPortTaken) || tries != privateserver.PortTries || !strings.Contains(err.Error(), "in use") {
		t.Errorf("startInstalled after %d ports: %v, want %v after %d", tries, err, privateserver.ErrPortTaken, privateserver.PortTries)
	}
}

func TestAStartThatIsInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"initdb.log", "postgres.log"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			dir := open(t, 0o755)
			why := errors.New("Ctrl-C")
			ctx, cancel := context.WithCancelCause(t.Context())
			m := thisMachine(dir)
			if stage == "postgres.log" {
				m.port = func() (int, error) {
					cancel(why)
					return privateserver.FreePort(65535)
				}
			} else {
				go func() {
					for ctx.Err() == nil {
						if found, _ := filepath.Glob(filepath.Join(dir, "*", stage)); len(found) > 0 {
							cancel(why)
						}
						time.Sleep(time.Millisecond)
					}
				}()
			}
			_, err := start(t, ctx, m)
			if !errors.Is(err, why) {
				t.Errorf("startInstalled: %v, want %v", err, why)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestADirectoryThatTheServersUserCannotReach(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, whose servers run as another user")
	}
	closed, reachable := open(t, 0o700), open(t, 0o755)
	if _, err := start(t, t.Context(), thisMachine(closed, reachable)); err != nil {
		t.Errorf("with another directory: %v", err)
	}
	if found, _ := filepath.Glob(filepath.Join(reachable, "queuedyno-postgres-*")); len(found) != 1 {
		t.Errorf("folders in the directory that is reachable: %q, want one", found)
	}
	_, err := start(t, t.Context(), thisMachine(closed))
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "TMPDIR") || !strings.Contains(err.Error(), closed) {
		t.Errorf("without another directory: %v, want ErrUnavailable with the remedy TMPDIR", err)
	}
	if left, _ := os.ReadDir(closed); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRootNeedsAnotherUser(t *testing.T) {
	t.Parallel()
	m := thisMachine(open(t, 0o755))
	m.uid, m.users = 0, []string{"no-such-user-1", "root", "no-such-user-2"}
	_, err := start(t, t.Context(), m)
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "useradd") || !strings.Contains(err.Error(), "no-such-user-1") {
		t.Errorf("startInstalled: %v, want ErrUnavailable with the remedy useradd", err)
	}
}

func TestTheFolderIsOnADiskUnlessTheUserNamesAnother(t *testing.T) {
	t.Parallel()
	tmpfs := func(dir string) bool { return dir == os.TempDir() || dir == "/tmp" }
	got := parents(func(string) string { return "" }, tmpfs)
	if got[0] != "/var/tmp" || !slices.Contains(got, "/tmp") {
		t.Errorf("with /tmp in memory: %q, want /var/tmp first", got)
	}
	for name, got := range map[string][]string{
		"with TMPDIR":      parents(func(string) string { return os.TempDir() }, tmpfs),
		"with all on disk": parents(func(string) string { return "" }, func(string) bool { return false }),
	} {
		if got[0] != os.TempDir() {
			t.Errorf("%s: %q, want %s first", name, got, os.TempDir())
		}
	}
}

func TestAServerInMemorySaysSo(t *testing.T) {
	t.Parallel()
	const shm = "/dev/shm"
	if !inMemory(shm) {
		t.Skip("needs a file system in memory at " + shm)
	}
	s, err := start(t, t.Context(), thisMachine(shm))
	if err != nil {
		t.Fatal(err)
	}
	if s.Note() != memoryNote {
		t.Errorf("Note() = %q, want %q", s.Note(), memoryNote)
	}
}

// install makes programs of Postgres in a directory.
func install(t *testing.T, dir string, programs ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		testprogram.Write(t, filepath.Join(dir, p), []byte("#!/bin/sh\n"))
	}
}

func TestPostgresIsFoundInPATHAndWhereDistributionsPutIt(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	at := func(dir string) string { return filepath.Join(root, dir) }
	for _, dir := range []string{"9.6/bin", "10/bin", "17/bin", "opt/postgresql@9/bin", "opt/postgresql@16/bin", "path"} {
		install(t, at(dir), "initdb", "postgres")
	}
	install(t, at("18/bin"), "initdb")       // without a server
	install(t, at("client/bin"), "psql")     // nor this
	install(t, at("server/bin"), "postgres") // nor without initdb
	for _, row := range []struct {
		name, path string
		patterns   []string
		want       string
	}{
		{"PATH comes first", at("client/bin") + ":" + at("path"), []string{at("*/bin")}, "path"},
		{"the newest by number", "", []string{at("*/bin")}, "17/bin"},
		{"in order of the patterns", at("server/bin"), []string{at("none"), at("opt/postgresql*/bin"), at("*/bin")}, "opt/postgresql@16/bin"},
		{"nothing of the current directory", "path:.", []string{at("10/bin")}, "10/bin"},
		{"nowhere", at("client/bin"), []string{at("18/bin")}, ""},
	} {
		got, err := lookBinaries(row.path, row.patterns)
		if row.want == "" {
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "apt install postgresql") || !strings.Contains(err.Error(), "--postgres docker") {
				t.Errorf("%s: %v, want ErrUnavailable with remedies", row.name, err)
			}
			continue
		}
		if err != nil || got.postgres != at(row.want+"/postgres") || got.initdb != at(row.want+"/initdb") {
			t.Errorf("%s: %+v, %v, want those of %s", row.name, got, err, row.want)
		}
	}
}

// fake is a source that starts, or does not for the given reason, and notes
// that it was tried.
func fake(kind Kind, reason error, tried *[]Kind) source {
	return func(context.Context, Options) (*Server, error) {
		*tried = append(*tried, kind)
		if reason != nil {
			return nil, reason
		}
		note := ""
		if kind == Docker {
			note = dockerNote
		}
		return newServer(Server{kind: kind, address: "postgres://" + string(kind), note: note}, func() error { return nil }), nil
	}
}

func TestAutoTakesTheFirstThatIsAvailableAndSaysWhy(t *testing.T) {
	t.Parallel()
	noServer := serverstart.Unavailable(errors.New("postgres not found"), "install it")
	noDocker := serverstart.Unavailable(errors.New("no Docker daemon answers"), "start it")
	broken := errors.New("postgres is broken")
	for _, row := range []struct {
		name, url, database string
		settings            []string
		process, docker     error
		want                []Kind // that were tried; the last one starts
		log                 []string
		says                string // the error, if none starts
	}{
		{name: "a process", want: []Kind{Process}, log: []string{"postgres: private postgres process at postgres://process; POSTGRES_URL is not set"}},
		{name: "POSTGRES_URL may say auto", url: "auto", want: []Kind{Process}, log: []string{"postgres: private postgres process at postgres://process; POSTGRES_URL is not set"}},
		{name: "DATABASE_URL is not used", database: "postgres://app:hunter2@db/prod", want: []Kind{Process}, log: []string{
			"postgres: DATABASE_URL is not used; to run against that database, name it with --postgres or in POSTGRES_URL",
			"postgres: private postgres process at postgres://process; POSTGRES_URL is not set",
		}},
		{name: "DATABASE_URL of another database", database: "mysql://db/prod", want: []Kind{Process}, log: []string{"postgres: private postgres process at postgres://process; POSTGRES_URL is not set"}},
		{name: "then a container", process: noServer, want: []Kind{Process, Docker}, log: []string{
			"postgres: private Docker container at postgres://docker; POSTGRES_URL is not set; postgres not found",
			"postgres: " + dockerNote,
		}},
		{name: "settings may be what is wrong", settings: []string{"a=b"}, process: broken, want: []Kind{Process}, says: "postgres is broken"},
		{name: "nothing", process: noServer, docker: noDocker, want: []Kind{Process, Docker}, says: "postgres not found (install it)\nno Docker daemon answers (start it)"},
		{name: "POSTGRES_URL is wrong", url: "postgres://app:hunter2@h:x", says: "POSTGRES_URL: postgres URL \"postgres://app:***@h:***\""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var tried []Kind
			var log []string
			s, err := startAuto(t.Context(), Options{
				Settings: row.settings,
				Log:      func(line string) { log = append(log, line) },
				Getenv: func(name string) string {
					return map[string]string{"POSTGRES_URL": row.url, "DATABASE_URL": row.database}[name]
				},
			}, fake(Process, row.process, &tried), fake(Docker, row.docker, &tried))
			switch {
			case row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter2")):
				t.Errorf("startAuto: %v, want %q", err, row.says)
			case row.says == "" && err != nil:
				t.Errorf("startAuto: %v", err)
			case row.says == "" && s.Kind() != row.want[len(row.want)-1]:
				t.Errorf("startAuto = %q after %q", s.Kind(), tried)
			}
			if !slices.Equal(tried, row.want) {
				t.Errorf("tried %q, want %q", tried, row.want)
			}
			if diff := cmp.Diff(row.log, log); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretsInSettingsAreHidden(t *testing.T) {
	t.Parallel()
	settings := []string{"primary_conninfo=host=db user=app password='hunter2'", "password_encryption=hunter3", "shared_buffers=lots"}
	got := hideSecrets(`invalid "hunter3", invalid "lots", cannot log in with hunter2`, settings)
	if want := `invalid "***", invalid "lots", cannot log in with ***`; got != want {
		t.Errorf("hideSecrets = %q, want %q", got, want)
	}
}

func TestARefusedSettingIsNamedWithoutTheRestOfTheLog(t *testing.T) {
	t.Parallel()
	const stamp = "2026-11-29 09:07:40.132 UTC [2080] LOG:  "
	for log, want := range map[string]string{
		stamp + `invalid value for parameter "shared_buffers": "lots"`:                                   `setting "shared_buffers": invalid value for parameter "shared_buffers": "lots"`,
		stamp + `unrecognized configuration parameter "no.such" in file "/tmp/x/postgresql.conf" line 8`: `setting "no.such": unrecognized configuration parameter "no.such"`,
		stamp + "starting PostgreSQL\npostgres: max_wal must be less than 1\n":                           `setting "max_wal": max_wal must be less than 1`,
		stamp + `invalid value for parameter "my_shared_buffers"`:                                        "",
		"": "",
	} {
		if got := refusedSetting(log, []string{"shared_buffers=lots", "no.such=1", " max_wal = 2"}); got != want {
			t.Errorf("refusedSetting(%q) = %q, want %q", log, got, want)
		}
	}
}
