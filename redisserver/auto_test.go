package redisserver

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// These tests are white-box so that the order can be tested on every machine,
// whatever it has installed.

// fake is a source that starts, or does not for the given reason, and notes
// that it was tried.
func fake(kind Kind, reason error, tried *[]Kind) source {
	return func(context.Context, Options) (*Server, error) {
		*tried = append(*tried, kind)
		if reason != nil {
			return nil, reason
		}
		note := ""
		if kind == Embedded {
			note = embeddedNote
		}
		address := "redis://" + string(kind) + ":6379/0"
		return newServer(Server{kind: kind, url: address, address: address, note: note}, func() error { return nil }), nil
	}
}

func TestAutoTakesTheFirstThatCanBeHadAndSaysWhy(t *testing.T) {
	t.Parallel()
	noServer := serverstart.Unavailable(errors.New("redis-server not found in PATH"), "install it")
	noDocker := serverstart.Unavailable(errors.New("no Docker daemon answers"), "start it")
	broken := errors.New("redis-server is broken")
	for _, row := range []struct {
		name            string
		redisURL        string
		args            []string
		process, docker error
		want            Kind
		tried           []Kind
		log             []string
	}{
		{
			name: "REDIS_URL goes before everything", redisURL: "redis://u:hunter2@db:7000/1",
			want: URL,
			log:  []string{"redis: existing server at redis://db:7000/1, from REDIS_URL"},
		},
		{
			name: "REDIS_URL may say auto", redisURL: "auto",
			want: Process, tried: []Kind{Process},
			log: []string{"redis: private redis-server process at redis://process:6379/0; REDIS_URL is not set"},
		},
		{
			name: "then a process",
			want: Process, tried: []Kind{Process},
			log: []string{"redis: private redis-server process at redis://process:6379/0; REDIS_URL is not set"},
		},
		{
			name: "then a container", process: noServer,
			want: Docker, tried: []Kind{Process, Docker},
			log: []string{"redis: private Docker container at redis://docker:6379/0; REDIS_URL is not set; redis-server not found in PATH"},
		},
		{
			name: "then the embedded server, with its note", process: noServer, docker: noDocker,
			want: Embedded, tried: []Kind{Process, Docker, Embedded},
			log: []string{
				"redis: embedded server at redis://embedded:6379/0; REDIS_URL is not set; redis-server not found in PATH; no Docker daemon answers",
				"redis: " + embeddedNote,
			},
		},
		{
			name: "a broken server is skipped", process: broken,
			want: Docker, tried: []Kind{Process, Docker},
			log: []string{"redis: private Docker container at redis://docker:6379/0; REDIS_URL is not set; redis-server is broken"},
		},
		{
			name: "but not when the user's arguments may be what broke it", process: broken, args: []string{"--bogus"},
			tried: []Kind{Process},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var tried []Kind
			var log []string
			s, err := startAuto(t.Context(), Options{
				Args:   row.args,
				Log:    func(line string) { log = append(log, line) },
				Getenv: func(name string) string { return map[string]string{"REDIS_URL": row.redisURL}[name] },
			}, fake(Process, row.process, &tried), fake(Docker, row.docker, &tried), fake(Embedded, nil, &tried))
			switch {
			case row.want == "" && err == nil:
				t.Errorf("startAuto = %q, want an error", s.Kind())
			case row.want == "":
			case err != nil:
				t.Errorf("startAuto: %v", err)
			case s.Kind() != row.want:
				t.Errorf("startAuto = %q, want %q", s.Kind(), row.want)
			}
			if diff := cmp.Diff(row.tried, tried); diff != "" {
				t.Errorf("tried (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.log, log); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAutoNamesEverythingItPassedOverWhenNothingIsLeft(t *testing.T) {
	t.Parallel()
	var tried []Kind
	_, err := startAuto(t.Context(), Options{Getenv: func(string) string { return "" }},
		fake(Process, serverstart.Unavailable(errors.New("no server"), "install it"), &tried), fake(Docker, serverstart.Unavailable(errors.New("no daemon"), "start it"), &tried))
	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("startAuto: %v, want ErrUnavailable", err)
	}
	for _, want := range []string{"no server (install it)", "no daemon (start it)"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("startAuto: %v, want %q", err, want)
		}
	}
}

func TestAutoStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var tried []Kind
	stop := source(func(ctx context.Context, _ Options) (*Server, error) {
		cancel()
		return nil, ctx.Err()
	})
	_, err := startAuto(ctx, Options{Getenv: func(string) string { return "" }}, stop, fake(Embedded, nil, &tried))
	if !errors.Is(err, context.Canceled) || len(tried) > 0 {
		t.Errorf("startAuto: %v after trying %q, want %v and nothing tried", err, tried, context.Canceled)
	}
}
