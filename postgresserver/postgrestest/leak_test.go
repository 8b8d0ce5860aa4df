package postgrestest_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// TestChild is run by the test below, in a separate process.
func TestChild(t *testing.T) {
	servertest.Child(t, func() string { return postgrestest.Server(t).URL() })
}

// On a machine with Docker this is about the container, elsewhere about the process.
func TestNothingIsLeftHoweverTheProcessEnds(t *testing.T) {
	t.Parallel()
	postgrestest.Server(t) // skips without a server
	servertest.NothingIsLeft(t, []string{"POSTGRES_URL="}, func(t *testing.T, url string) (gone func() error, err error) {
		if _, err := postgres.Version(t.Context(), url); err != nil {
			return nil, err
		}
		// The server may end a moment after the process.
		return func() error {
			for range 3000 {
				if _, err := postgres.Version(t.Context(), url); err != nil {
					return nil
				}
				time.Sleep(20 * time.Millisecond)
			}
			return errors.New("the server is still there")
		}, nil
	})
}

func TestEveryTestHasTheSameServer(t *testing.T) {
	t.Parallel()
	if a, b := postgrestest.Server(t), postgrestest.Server(t); a != b {
		t.Errorf("two servers, %s and %s", a.Address(), b.Address())
	}
}

// Where CI requires Docker, what users get by default is a container.
func TestServerIsAContainerWhereThereIsDocker(t *testing.T) {
	t.Parallel()
	if os.Getenv("POSTGRES_URL") != "" {
		servertest.Missing(t, "docker", errors.New("POSTGRES_URL names another server"))
	}
	if s := postgrestest.Server(t); s.Kind() != postgresserver.Docker {
		servertest.Missing(t, "docker", errors.New("the server is of kind "+string(s.Kind())))
	}
}

func TestServersEndWithTheirTest(t *testing.T) {
	t.Parallel()
	var s *postgresserver.Server
	t.Run("inner", func(t *testing.T) { s = postgrestest.Process(t) })
	if s == nil {
		t.Skip("needs postgres")
	}
	if _, err := postgres.Version(t.Context(), s.URL()); err == nil {
		t.Error("the server still answers after its test")
	}
}
