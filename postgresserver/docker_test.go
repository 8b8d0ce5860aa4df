package postgresserver_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

func TestDockerAnswersAndIsGoneAfterClose(t *testing.T) {
	t.Parallel()
	s := postgrestest.Docker(t, "shared_buffers=16MB", "queuedyno.x=a b")
	if s.Kind() != postgresserver.Docker || s.Note() == "" || s.Version() == "" || s.PID() != 0 {
		t.Errorf("Kind, Note, Version, PID = %q, %q, %q, %d, want docker, a note, a version, 0", s.Kind(), s.Note(), s.Version(), s.PID())
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if want := "postgres://" + u.Host + "/postgres"; s.Address() != want {
		t.Errorf("Address() = %q, want %q", s.Address(), want)
	}
	for setting, want := range map[string]string{"shared_buffers": "16MB", "queuedyno.x": "a b", "fsync": "on", "server_encoding": "UTF8"} {
		if got := ask(t, s.URL(), "SHOW "+setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
	u.User = url.UserPassword("postgres", "hunter2")
	if _, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: u.String()}); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("Start with another password: %v, want SQLSTATE 28P01", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, s.URL())
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestDockerSaysWhichSettingItRefuses(t *testing.T) {
	t.Parallel()
	postgrestest.Docker(t) // skips without Docker
	s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: "docker", Settings: []string{"shared_bufers=8MB"}})
	if err == nil {
		s.Close()
		t.Fatal("Start = nil error")
	}
	if !strings.Contains(err.Error(), "shared_bufers") || errors.Is(err, postgresserver.ErrUnavailable) {
		t.Errorf("Start: %v, want an error that names shared_bufers", err)
	}
}

// It holds with a daemon and without one.
func TestDockerThatIsUnavailableHasARemedy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("asks a registry, if there is one")
	}
	s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: "docker", Image: "registry.invalid/no/such-image:1"})
	if err == nil {
		s.Close()
		t.Fatal("Start = nil error")
	}
	if !errors.Is(err, postgresserver.ErrUnavailable) || !strings.Contains(err.Error(), "--postgres process") {
		t.Errorf("Start: %v, want ErrUnavailable with the remedy --postgres process", err)
	}
}
