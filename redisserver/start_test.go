package redisserver_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestEmbeddedAnswersAndCarriesItsNote(t *testing.T) {
	t.Parallel()
	s := redistest.Embedded(t)
	c := dial(t, s.URL())
	if got := ask(t, c, "PING"); got != "+PONG" {
		t.Errorf("PING was answered by %q", got)
	}
	if s.Kind() != redisserver.Embedded || !strings.Contains(s.Note(), "not for planning") || s.PID() != 0 {
		t.Errorf("Kind, Note, PID = %q, %q, %d, want embedded, a note against planning, 0", s.Kind(), s.Note(), s.PID())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, c)
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestAutoNamesREDIS_URLWhenThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"", "auto"} {
		_, err := redisserver.Start(t.Context(), redisserver.Options{Source: source, Getenv: env("REDIS_URL", "redis://u:hunter2@h:x")})
		if !errors.Is(err, redisserver.ErrUsage) || !strings.HasPrefix(err.Error(), "REDIS_URL: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Start(%q): %v, want ErrUsage that names REDIS_URL and hides the password", source, err)
		}
	}
}

func TestAutoNeverTouchesAServerThatNobodyNamed(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server by that name")
	}
	s, err := redisserver.Start(t.Context(), redisserver.Options{Getenv: env("PATH", strings.TrimSuffix(path, "/redis-server"))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Kind() != redisserver.Process || s.PID() == 0 {
		t.Errorf("Kind, PID = %q, %d, want a private process", s.Kind(), s.PID())
	}
}

func TestSeveralServersAreOneToThoseThatConnect(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	for kind, scheme := range map[redisserver.Kind]string{redisserver.Sentinel: "redis-sentinel://", redisserver.Cluster: "redis-cluster://"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s, err := redisserver.Start(t.Context(), redisserver.Options{Source: string(kind), Args: []string{"--requirepass", "s3cret"}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Kind() != kind || !strings.HasPrefix(s.URL(), scheme) || !strings.HasPrefix(s.Address(), scheme) || strings.Contains(s.Address(), "s3cret") {
				t.Errorf("kind %q, address %q, want %s and %s…", s.Kind(), s.Address(), kind, scheme)
			}
			if err := s.Kill(); !errors.Is(err, privateserver.ErrNotPrivate) {
				t.Errorf("Kill of all of them = %v, want ErrNotPrivate", err)
			}
			first := s.Group().Nodes()[0]
			c := dial(t, first.URL())
			_, host, _ := strings.Cut(first.Address(), "://")
			if got := s.Group().NodeAt(strings.TrimSuffix(host, "/0")); got != first {
				t.Errorf("NodeAt(%q) = %v, want the first node", host, got)
			}
			if got := s.Group().NodeAt("127.0.0.1:1"); got != nil {
				t.Errorf("NodeAt an address of no server = %v", got)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			waitGone(t, c)
		})
	}
}
