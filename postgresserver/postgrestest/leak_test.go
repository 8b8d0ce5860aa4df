package postgrestest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

// childVar makes the test binary run TestChild, and says how that is to end.
const childVar = "POSTGRESTEST_CHILD"

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// TestChild is run by the tests below, in a separate process.
func TestChild(t *testing.T) {
	end := os.Getenv(childVar)
	if end == "" {
		t.Skip("is run by other tests")
	}
	s := postgrestest.Server(t)
	os.Stdout.WriteString("server " + s.URL() + "\n")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	switch end {
	case "fail":
		t.Error("as asked")
	case "panic":
		// In a separate goroutine, where no cleanup of a test is run.
		go panic("as asked")
		select {}
	case "timeout":
		select {}
	}
}

// On a machine with Docker this is about the container, elsewhere about the process.
func TestNothingIsLeftHoweverTheProcessEnds(t *testing.T) {
	t.Parallel()
	postgrestest.Server(t) // skips without a server
	for _, end := range []string{"pass", "fail", "panic"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			if err := leavesNothing(t, end, 10*time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		for limit := 10 * time.Second; ; limit *= 2 { // until the server is there in time
			err := leavesNothing(t, "timeout", limit)
			if err == nil {
				return
			}
			if limit > 2*time.Minute {
				t.Fatal(err)
			}
		}
	})
}

// leavesNothing runs a child that ends in that way, or when its time is over. The error is
// that it had no server that answered before.
func leavesNothing(t *testing.T, end string, limit time.Duration) error {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout="+limit.String())
	c.Env = append(os.Environ(), childVar+"="+end, "POSTGRES_URL=")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait() // where it was waited for below, this does nothing
	}()
	url, said := "", ""
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		said += lines.Text() + "\n"
		url, _ = strings.CutPrefix(lines.Text(), "server ")
		if !strings.HasPrefix(url, "postgres://") {
			url = ""
		}
	}
	if url == "" {
		return fmt.Errorf("the child said %q and named no server", said)
	}
	if _, err := postgres.Version(t.Context(), url); err != nil {
		return err
	}
	if _, err := io.WriteString(in, "end\n"); err != nil && end != "timeout" {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := c.Wait(); (err == nil) != (end == "pass") {
		t.Errorf("the child ended with %v", err)
	}
	// The server may end a moment after the process.
	for range 3000 {
		if _, err := postgres.Version(t.Context(), url); err != nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the server is still there")
	return nil
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
