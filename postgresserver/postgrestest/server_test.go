package postgrestest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/postgresserver"
)

// scribe is a test that notes how it was ended.
type scribe struct {
	testing.TB
	ended string
}

func (s *scribe) Helper()             {}
func (s *scribe) Logf(string, ...any) {}
func (s *scribe) Fatalf(f string, args ...any) {
	s.ended = "fail: " + fmt.Sprintf(f, args...)
	runtime.Goexit()
}
func (s *scribe) Skipf(f string, args ...any) {
	s.ended = "skip: " + fmt.Sprintf(f, args...)
	runtime.Goexit()
}

// fakeEnd is the error by which the fake start says which source it was asked for.
type fakeEnd string

func (e fakeEnd) Error() string { return "no " + string(e) }

func TestServerIsTheFirstThatIsAvailable(t *testing.T) {
	t.Parallel()
	const url = "postgres://127.0.0.1/jobs"
	for _, row := range []struct {
		why, url, require string
		tried             []string
		ended             string
	}{
		{why: "nothing is available", tried: []string{"docker", "process"}, ended: "skip: needs postgres: no docker\nno process"},
		{why: "a URL that fails is not skipped", url: url, tried: []string{url}, ended: "fail: POSTGRES_URL: no " + url},
		{why: "auto is as if nothing was said", url: "auto", tried: []string{"docker", "process"}, ended: "skip: needs postgres: no docker\nno process"},
		{why: "docker is required", require: "postgres,docker", tried: []string{"docker"}, ended: "fail: docker is required by QUEUEDYNO_REQUIRE: no docker"},
		{why: "postgres is required", require: "redis, postgres", tried: []string{"docker", "process"}, ended: "fail: postgres is required by QUEUEDYNO_REQUIRE: no process"},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			var tried []string
			shared := newShared(func(_ context.Context, o postgresserver.Options) (*postgresserver.Server, error) {
				tried = append(tried, o.Source)
				return nil, fakeEnd(o.Source)
			}, func(name string) string {
				return map[string]string{"POSTGRES_URL": row.url, "QUEUEDYNO_REQUIRE": row.require}[name]
			})
			s := &scribe{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				shared.Get(s)
			}()
			<-done
			if s.ended != row.ended || !slices.Equal(tried, row.tried) {
				t.Errorf("ended with %q after %q, want %q after %q", s.ended, tried, row.ended, row.tried)
			}
			if err := shared.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func TestAServerThatIsRequiredIsNotSkipped(t *testing.T) {
	// It cannot be parallel: it sets the environment.
	for require, want := range map[string]string{"": "skip: needs postgres: ", "postgres": "fail: postgres is required by QUEUEDYNO_REQUIRE: "} {
		t.Setenv("QUEUEDYNO_REQUIRE", require)
		s := &scribe{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			start(s, "postgres", postgresserver.Options{Source: "docker", Image: "registry.invalid/none:1", Getenv: func(string) string { return "" }})
		}()
		<-done
		if !strings.HasPrefix(s.ended, want) {
			t.Errorf("QUEUEDYNO_REQUIRE=%q: ended with %q, want %q", require, s.ended, want)
		}
	}
}
