package redisserver_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestDockerAnswersAndIsGoneAfterClose(t *testing.T) {
	t.Parallel()
	s := redistest.Docker(t, "--requirepass", "hunter2", "--loglevel", "warning")
	if s.Kind() != redisserver.Docker || s.Note() == "" || s.PID() != 0 {
		t.Errorf("Kind, Note, PID = %q, %q, %d, want docker, a note, 0", s.Kind(), s.Note(), s.PID())
	}
	if !strings.Contains(s.URL(), "hunter2") || strings.Contains(s.Address(), "hunter2") {
		t.Errorf("URL, Address = %q, %q, want the password in the first alone", s.URL(), s.Address())
	}
	c := dial(t, s.URL())
	if got := ask(t, c, "AUTH hunter2"); got != "+OK" {
		t.Fatalf("AUTH was answered by %q", got)
	}
	if got := ask(t, c, "PING"); got != "+PONG" {
		t.Errorf("PING was answered by %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, c)
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Docker publishes ports to the whole network.
func TestDockerAsksForAPasswordUnlessGivenOne(t *testing.T) {
	t.Parallel()
	s := redistest.Docker(t)
	c := dial(t, s.URL())
	if got := ask(t, c, "PING"); !strings.HasPrefix(got, "-NOAUTH") {
		t.Errorf("PING without password was answered by %q, want -NOAUTH", got)
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := u.User.Password()
	if got := ask(t, c, "AUTH "+secret); got != "+OK" {
		t.Errorf("AUTH with the password of the URL was answered by %q", got)
	}
	if strings.Contains(s.Address(), secret) {
		t.Errorf("Address() = %q shows the password", s.Address())
	}
}

func TestDockerSaysWhichArgumentItRefuses(t *testing.T) {
	t.Parallel()
	redistest.Docker(t) // skips without Docker
	s, err := redisserver.Start(t.Context(), redisserver.Options{Source: "docker", Args: []string{"--appendonlly", "yes"}})
	if err == nil {
		s.Close()
		t.Fatal("Start = nil error")
	}
	if !strings.Contains(err.Error(), "appendonlly") || errors.Is(err, redisserver.ErrUnavailable) {
		t.Errorf("Start: %v, want an error that names appendonlly", err)
	}
}

// It holds with a daemon and without one.
func TestDockerThatCannotBeHadHasARemedy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("asks a registry, if there is one")
	}
	s, err := redisserver.Start(t.Context(), redisserver.Options{Source: "docker", Image: "registry.invalid/no/such-image:1"})
	if err == nil {
		s.Close()
		t.Fatal("Start = nil error")
	}
	if !errors.Is(err, redisserver.ErrUnavailable) || !strings.Contains(err.Error(), "--redis process") {
		t.Errorf("Start: %v, want ErrUnavailable with the remedy --redis process", err)
	}
}
