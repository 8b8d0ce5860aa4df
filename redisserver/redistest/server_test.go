package redistest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/redisserver"
)

// scribe is a test that notes what it logs.
type scribe struct {
	testing.TB
	log, fatal string
}

func (s *scribe) Helper()                    {}
func (s *scribe) Logf(f string, args ...any) { s.log += fmt.Sprintf(f, args...) + "\n" }
func (s *scribe) Fatalf(f string, args ...any) {
	s.fatal = fmt.Sprintf(f, args...)
	runtime.Goexit()
}

// world is a machine on which only the given sources can be had.
func world(t *testing.T, env map[string]string, have ...string) (o *servertest.Shared[*redisserver.Server], started *[]string) {
	started = new([]string)
	o = newShared(func(ctx context.Context, options redisserver.Options) (*redisserver.Server, error) {
		if !slices.Contains(have, options.Source) {
			return nil, errors.New("none of " + options.Source)
		}
		*started = append(*started, options.Source)
		return redisserver.Start(ctx, redisserver.Options{Source: "embedded"})
	}, func(name string) string { return env[name] })
	t.Cleanup(func() { o.Close() })
	return o, started
}

// get asks for the server as a test does, which may end there.
func get(o *servertest.Shared[*redisserver.Server], s *scribe) (server *redisserver.Server) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		server = o.Get(s)
	}()
	<-done
	return server
}

func TestServerIsTheFirstThatCanBeHad(t *testing.T) {
	t.Parallel()
	const url = "redis://127.0.0.1:6379/0"
	for _, row := range []struct {
		why, redisURL, require string
		have                   []string
		want, fatal            string
	}{
		{why: "a URL bypasses all", redisURL: url, have: []string{url, "docker", "process", "embedded"}, want: url},
		{why: "a URL that fails is not skipped", redisURL: url, have: []string{"docker", "process", "embedded"}, fatal: "REDIS_URL: none of " + url},
		{why: "a URL may name a kind", redisURL: "process", have: []string{"docker", "process", "embedded"}, want: "process"},
		{why: "auto is as if nothing was said", redisURL: "auto", have: []string{"docker", "process", "embedded"}, want: "docker"},
		{why: "a container comes first", have: []string{"embedded", "process", "docker"}, want: "docker"},
		{why: "then a process", have: []string{"embedded", "process"}, want: "process"},
		{why: "then the embedded server", have: []string{"embedded"}, want: "embedded"},
		{why: "what is required is not skipped", require: "redis,docker", have: []string{"embedded", "process"}, fatal: "docker is required by QUEUEDYNO_REQUIRE: none of docker"},
		{why: "what comes later may be required too", require: "redis", have: []string{"embedded"}, fatal: "redis is required by QUEUEDYNO_REQUIRE: none of process"},
		{why: "what is required and not reached does not matter", require: "redis", have: []string{"embedded", "docker"}, want: "docker"},
		{why: "nothing at all", fatal: "find a redis: none of docker\nnone of process\nnone of embedded"},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			o, started := world(t, map[string]string{"REDIS_URL": row.redisURL, "QUEUEDYNO_REQUIRE": row.require}, row.have...)
			s := &scribe{TB: t}
			get(o, s)
			if s.fatal != row.fatal {
				t.Errorf("ended with %q, want %q", s.fatal, row.fatal)
			}
			if got := strings.Join(*started, " "); got != row.want {
				t.Errorf("started %q, want %q", got, row.want)
			}
		})
	}
}

func TestEveryTestHasTheSameServerAndTheFirstIsToldWhich(t *testing.T) {
	t.Parallel()
	o, started := world(t, nil, "process")
	first, second := &scribe{TB: t}, &scribe{TB: t}
	a, b := get(o, first), get(o, second)
	if a == nil || a != b || len(*started) != 1 {
		t.Errorf("two tests have %p and %p, of %d servers", a, b, len(*started))
	}
	for _, want := range []string{a.Address(), "REDIS_URL is not set", "no docker: none of docker"} {
		if !strings.Contains(first.log, want) {
			t.Errorf("the first test logged %q, want %q in it", first.log, want)
		}
	}
	if second.log != "" {
		t.Errorf("the second test logged %q again", second.log)
	}
}

func TestAFailedStartIsTriedAgainByTheNextTest(t *testing.T) {
	t.Parallel()
	o, _ := world(t, nil, "embedded")
	working := o.Start
	o.Start = func(context.Context, string) (*redisserver.Server, error) {
		return nil, errors.New("out of ports")
	}
	first := &scribe{TB: t}
	if s := get(o, first); s != nil || !strings.Contains(first.fatal, "out of ports") {
		t.Fatalf("the first test has %v and ended with %q", s, first.fatal)
	}
	o.Start = working
	if s := get(o, &scribe{TB: t}); s == nil {
		t.Error("the second test has no server")
	}
}

func TestLabelShowsNoSecretAndNoChangingPort(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"embedded": "embedded",
		"rediss://app:hunter2@cache.example:6380/3": "url rediss://cache.example:6380/3",
	} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := shared.Label(s); got != want {
			t.Errorf("label of %s = %q, want %q", want, got, want)
		}
	}
}
