package postgresserver_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

func TestAnExistingDatabaseIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	ours := postgrestest.Process(t)
	s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: ours.URL()})
	if err != nil {
		t.Fatal(err)
	}
	if s.Kind() != postgresserver.URL || s.URL() != ours.URL() || s.Address() != ours.Address() || s.Version() != ours.Version() ||
		s.PID() != 0 || s.Note() != "" || s.Ended() != nil {
		t.Errorf("kind %q, URL %q, address %q, version %q, pid %d, note %q; want url, %q, %q, %q, 0 and no note",
			s.Kind(), s.URL(), s.Address(), s.Version(), s.PID(), s.Note(), ours.URL(), ours.Address(), ours.Version())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, ours.URL(), "SELECT count(*)::text FROM pg_stat_user_tables"); got != "0" {
		t.Errorf("%s tables after Close, want 0", got)
	}
}

func TestADatabaseThatRefusesIsExplained(t *testing.T) {
	t.Parallel()
	ours := postgrestest.Process(t)
	with := func(change func(*url.URL)) string {
		u, err := url.Parse(ours.URL())
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.String()
	}
	for _, row := range []struct{ name, url, says, hint string }{
		{"wrong password", with(func(u *url.URL) { u.User = url.UserPassword("postgres", "hunter2") }), "28P01", "the password"},
		{"wrong password as an option", with(func(u *url.URL) { u.User, u.RawQuery = url.User("postgres"), "sslmode=disable&password=hunter2" }), "28P01", "the password"},
		{"unknown user", with(func(u *url.URL) { u.User = url.UserPassword("mallory", "hunter2") }), `"mallory"`, "the user"},
		{"unknown database", with(func(u *url.URL) { u.Path = "/jobs" }), `"jobs" does not exist`, "createdb"},
		{"unreachable", with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "connection refused", "start Postgres"},
		{"no TLS", with(func(u *url.URL) { u.RawQuery = "sslmode=require" }), "no TLS", "sslmode=disable"},
		{"unknown option", with(func(u *url.URL) { u.RawQuery = "sslmode=disable&no_such_setting=hunter2" }), "no_such_setting", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: row.url})
			if err == nil {
				s.Close()
				t.Fatal("Start = nil error")
			}
			hint := ""
			if e, ok := errors.AsType[interface {
				error
				Hint() string
			}](err); ok {
				hint = e.Hint()
			}
			if !strings.Contains(err.Error(), row.says) || !strings.Contains(hint, row.hint) {
				t.Errorf("Start: %v (hint: %s), want %q and the hint %q", err, hint, row.says, row.hint)
			}
			secret, _ := url.Parse(ours.URL())
			password, _ := secret.User.Password()
			if text := err.Error() + hint; strings.Contains(text, "hunter2") || strings.Contains(text, password) || strings.Contains(text, "\n") {
				t.Errorf("%q shows the password, or has several lines", text)
			}
		})
	}
}

func TestAPoolThatIsTooLargeIsExplained(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t, "max_connections=10")
	pool, err := postgres.Open(t.Context(), s.URL(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if n := pool.Stat().TotalConns(); n != 5 {
		t.Errorf("%d connections are open, want 5", n)
	}
	pool.Close()
	pool, err = postgres.Open(t.Context(), s.URL(), 20)
	if err == nil {
		pool.Close()
		t.Fatal("20 connections were opened")
	}
	e, ok := errors.AsType[*postgres.Error](err)
	if !ok || !strings.Contains(e.Hint(), "max_connections") || postgres.Code(err) != "53300" {
		t.Errorf("Open: %v, want SQLSTATE 53300 with the hint max_connections", err)
	}
}

func TestBadURLsAndSettingsAreMistakesOfTheUser(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		source, says string
		settings     []string
	}{
		{"postgres://app:hunter2@host:x/jobs", `"postgres://app:***@host:***/jobs"`, nil},
		{"dokcer", "auto, process or docker", nil},
		{"postgres://app:hunter2@host/jobs", "--postgres process", []string{"shared_buffers=8MB"}},
		{"process", "name=value", []string{"shared_buffers 8MB"}},
		{"process", "letters, digits", []string{"shared-buffers=8MB"}},
		{"process", "letters, digits", []string{"=8MB"}},
		{"process", `"Port": queuedyno sets it`, []string{"fsync=on", " Port = 5432"}},
		{"docker", `"listen_addresses": queuedyno sets it`, []string{"listen_addresses=*"}},
		{"process", "cannot be included", []string{"include_dir=/etc"}},
		{"process", "one line", []string{"application_name=x'\nport=5432"}},
	} {
		s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: row.source, Settings: row.settings})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, postgresserver.ErrUsage) || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Start(%q) with %q: %v, want ErrUsage that says %s", row.source, row.settings, err, row.says)
		}
	}
}
