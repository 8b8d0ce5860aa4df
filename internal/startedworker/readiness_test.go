package startedworker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/census"
)

// TestALoadBeginsWhenItsWorkersTakeJobs: what the server shows at a time after the
// start of the workers, and when the load begins.
func TestALoadBeginsWhenItsWorkersTakeJobs(t *testing.T) {
	t.Parallel()
	const ms, s = time.Millisecond, time.Second
	type turnout = census.ConnectedClients
	for _, c := range []struct {
		name  string
		look  func(after time.Duration) (turnout, error)
		died  time.Duration // when they end, 0 for never
		at    time.Duration // when the wait is over
		after time.Duration // when the last of them was there
		what  string
		warns string
		err   error
	}{
		{
			name: "all of them at once",
			look: func(after time.Duration) (t turnout, _ error) {
				if after >= s {
					t = turnout{Connected: 9, Waiting: 8}
				}
				return t, nil
			},
			at: 1500 * ms, after: s, what: waitFor(8),
		},
		{
			name: "one after the other, none of them forgotten",
			look: func(after time.Duration) (turnout, error) {
				return turnout{Connected: 4, Waiting: min(4, int(after/(400*ms)))}, nil
			},
			at: 2100 * ms, after: 1600 * ms, what: waitFor(4),
		},
		{
			name: "who waits a second at a time is not always seen to",
			look: func(after time.Duration) (t turnout, _ error) {
				if after%(200*ms) == 0 {
					t = turnout{Connected: 1, Waiting: 1}
				}
				return t, nil
			},
			at: 700 * ms, after: 200 * ms, what: waitFor(1),
		},
		{
			name: "who polls",
			look: func(time.Duration) (turnout, error) { return turnout{Connected: 1, Asking: 1}, nil },
			at:   550 * ms, after: 50 * ms, what: waitFor(1),
		},
		{
			name: "who polls by a script, perhaps",
			look: func(time.Duration) (turnout, error) { return turnout{Connected: 1, Scripts: 1}, nil },
			at:   2050 * ms, after: 50 * ms, what: "there came 1 connection",
		},
		{
			name: "a script at the start, and then a wait",
			look: func(after time.Duration) (turnout, error) {
				if after < 1800*ms {
					return turnout{Connected: 1, Scripts: 1}, nil
				}
				return turnout{Connected: 1, Waiting: 1}, nil
			},
			at: 2300 * ms, after: 1800 * ms, what: waitFor(1),
		},
		{
			name: "a server that tells numbers alone",
			look: func(time.Duration) (turnout, error) {
				return turnout{Connected: 2, Counted: true, Mute: true}, nil
			},
			at: 2050 * ms, after: 50 * ms, what: "there came 2 connections",
		},
		{
			name: "connected, and nothing that is known",
			look: func(time.Duration) (turnout, error) { return turnout{Connected: 2}, nil },
			at:   30 * s, after: 30 * s, what: "a client has connected since, and was not seen to take from a queue",
			warns: "the load began 30s after the worker was started: a client has connected since",
		},
		{
			name: "in another database",
			look: func(time.Duration) (turnout, error) {
				return turnout{Connected: 2, Elsewhere: 2, ElsewhereDB: 3}, nil
			},
			at: 30 * s, after: 30 * s, what: "2 connections wait for jobs in database 3, and the queue is in another one: the worker has to use the database of REDIS_URL",
			warns: "database 3",
		},
		{
			name: "a server that tells nothing",
			look: func(time.Duration) (turnout, error) {
				return turnout{}, fmt.Errorf("%w: NOPERM", census.ErrWithheld)
			},
			at: 30 * s, after: 30 * s, what: "the server does not tell who is connected", warns: "whether it was ready or not",
		},
		{
			name: "no worker connected",
			look: func(time.Duration) (turnout, error) { return turnout{}, nil },
			at:   30 * s, err: errNotConnected,
		},
		{
			name: "it ended",
			look: func(time.Duration) (turnout, error) { return turnout{}, nil },
			died: 1020 * ms, at: 1020 * ms, err: errWorkerEnded,
		},
		{
			name: "the server went away",
			look: func(time.Duration) (turnout, error) { return turnout{}, context.DeadlineExceeded },
			at:   50 * ms, err: context.DeadlineExceeded,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				from := time.Now()
				ended := make(chan struct{})
				if c.died > 0 {
					time.AfterFunc(c.died, func() { close(ended) })
				}
				look := func(context.Context) (census.ConnectedClients, error) { return c.look(time.Since(from)) }
				got, err := readiness{look: look, ended: ended, most: 30 * s}.await(t.Context())
				if at := time.Since(from); at != c.at {
					t.Errorf("the wait was over after %v, want %v", at, c.at)
				}
				if !errors.Is(err, c.err) || err != nil && c.err == nil {
					t.Errorf("err = %v, want %v", err, c.err)
				}
				if got.what != c.what || got.after != c.after || !strings.Contains(got.warning, c.warns) || c.warns == "" && got.warning != "" {
					t.Errorf("ready: %+v, want %q after %v and the warning %q", got, c.what, c.after, c.warns)
				}
			})
		})
	}
}

func TestAWaitForWorkersEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(context.Context) (census.ConnectedClients, error) { return census.ConnectedClients{}, nil }
	if _, err := (readiness{look: never, most: time.Hour}).await(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}
