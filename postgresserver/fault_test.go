//go:build unix

package postgresserver_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

// TestAPausedPostgresAnswersWhenItIsResumed holds for connections that are open already:
// each is served by another process.
func TestAPausedPostgresAnswersWhenItIsResumed(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	pool, err := postgres.Open(t.Context(), s.URL(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 2 { // pausing twice is the same as once
		if err := s.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	answers := make(chan error, 3)
	for range cap(answers) {
		go func() {
			_, err := pool.Exec(t.Context(), "SELECT 1")
			answers <- err
		}()
	}
	select {
	case err := <-answers:
		t.Fatalf("a paused server answered: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	for range 2 {
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Errorf("after the pause: %v", err)
		}
	}
}

func TestAPausedPostgresCanBeClosed(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	if err := s.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if running(t, s.PID()) {
		t.Errorf("process %d is still there", s.PID())
	}
	if err := s.Pause(t.Context()); err == nil {
		t.Error("Pause after Close = nil, want an error")
	}
}

// TestARestartedPostgresHasWhatWasCommitted kills it with a transaction open.
func TestARestartedPostgresHasWhatWasCommitted(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	pool, err := postgres.Open(t.Context(), s.URL(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "CREATE TABLE kept (n int)"); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO kept VALUES (2)"); err != nil {
		t.Fatal(err)
	}
	url, pid := s.URL(), s.PID()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if running(t, pid) {
		t.Errorf("process %d is still there after Kill", pid)
	}
	select {
	case <-s.Ended():
		t.Error("Ended is closed after a Kill, which a Restart can follow")
	default:
	}
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("a transaction was committed on a server that is gone")
	}
	if err := s.Kill(); err == nil {
		t.Error("a second Kill = nil, want an error")
	}
	for range 2 { // a server that runs is left alone
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.URL() != url || s.PID() == pid {
		t.Errorf("after the restart: %s with pid %d, want %s with another than %d", s.Address(), s.PID(), s.Address(), pid)
	}
	if got := ask(t, url, "SELECT string_agg(n::text, ' ') FROM kept"); got != "1" {
		t.Errorf("after the restart the table has the rows %s, want the committed one", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-s.Ended()
	if err := s.Restart(t.Context()); err == nil {
		t.Error("Restart after Close = nil, want an error")
	}
}

func TestAKilledPostgresCanBeClosed(t *testing.T) {
	t.Parallel()
	s := postgrestest.Process(t)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-s.Ended()
}

// TestAKilledOwnerLeavesNoPausedServerBehind: one that is stopped does not get the signal
// that ends it.
func TestAKilledOwnerLeavesNoPausedServerBehind(t *testing.T) {
	t.Parallel()
	postgresserver.NeedsInstalled(t)
	tmp := reachable(t)
	killed, _, pid, _ := startOwner(t, tmp, nil)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // its error is that it was killed
	waitEmpty(t, tmp)
	waitEnded(t, pid)
}

func TestOnlyAPrivatePostgresCanBeBroken(t *testing.T) {
	t.Parallel()
	private := postgrestest.Process(t)
	s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: private.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, err := range map[string]error{"Pause": s.Pause(context.Background()), "Resume": s.Resume(), "Kill": s.Kill(), "Restart": s.Restart(t.Context())} {
		if !errors.Is(err, privateserver.ErrNotPrivate) {
			t.Errorf("%s = %v, want ErrNotPrivate", name, err)
		}
	}
}
