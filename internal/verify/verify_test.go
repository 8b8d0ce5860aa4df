//go:build unix

package verify_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/verify"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// stopper stops the server's process for a share of what it is asked for.
func stopper(s *redisserver.Server, share float64) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		if err := syscall.Kill(s.PID(), syscall.SIGSTOP); err != nil {
			return err
		}
		t := time.NewTimer(time.Duration(share * float64(d)))
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		return errors.Join(syscall.Kill(s.PID(), syscall.SIGCONT), ctx.Err())
	}
}

func TestAStallOfTheServerShowsInEveryJobThatWasDue(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	o := verify.Options{Server: verify.Server{URL: s.URL(), Stall: stopper(s, 1)}}
	isQuantile := func(row verify.Row) bool { return strings.HasPrefix(row.What, "end_to_end.p") }
	// A host that is too busy for the load leaves nothing to hold against theory, and the
	// experiment says so. Wait until it is not.
	tooBusy := func(row verify.Row) bool { return row.What == "utilisation, as the workers were timed" && !row.Pass }
	// And one hiccup of the host, which no figure of it shows, bends a quantile, but not
	// in every try.
	var x verify.Experiment
	for try := 1; try == 1 || slices.ContainsFunc(x.Rows, tooBusy) || try <= 5 && !x.Pass && len(x.Notes) == 0; try++ {
		var err error
		if x, err = verify.Try(t.Context(), o, "server-stall-constant"); err != nil {
			t.Fatal(err)
		}
	}
	// Other tests share the CPUs. What a busy host does to a ramp of 75 ms
	// is not this test's claim; that the stall is seen is.
	high := 0
	for _, row := range x.Rows {
		if isQuantile(row) && row.Measured != nil && *row.Measured > 0.7**row.Expected {
			high++
		}
		if row.What == "jobs lost" && !row.Pass {
			t.Errorf("a stall of the server lost %v jobs", *row.Measured)
		}
	}
	if high < 4 {
		t.Errorf("%d quantiles show the stall, want all on the ramp: %+v", high, x.Rows)
	}
	if !x.Pass && len(x.Notes) == 0 {
		t.Errorf("failed on a host that was not busy: %+v", x.Rows)
	}
}

// TestAPauseByAFaultAgreesWithTheory: a busy host may bend the figures, which the
// experiment notes and which is tried again, but it loses no job and causes no error. It is
// not parallel: other tests would make the host busy.
func TestAPauseByAFaultAgreesWithTheory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	s := redistest.Process(t)
	o := verify.Options{Server: verify.Server{URL: s.URL(), Stall: stopper(s, 1)}}
	for try := 1; ; try++ {
		x, err := verify.Try(t.Context(), o, "server-pause")
		if err != nil {
			t.Fatal(err)
		}
		exact := 0
		for _, row := range x.Rows {
			if row.Tolerance == nil || *row.Tolerance != 0 {
				continue
			}
			if exact++; !row.Pass {
				t.Errorf("%s: %v, want %v", row.What, *row.Measured, *row.Expected)
			}
		}
		if exact < 3 {
			t.Errorf("%d rows count jobs to the last one, want at least those of losses, duplicates and errors", exact)
		}
		busy := slices.ContainsFunc(x.Notes, func(note string) bool { return strings.HasPrefix(note, "the host") })
		switch {
		case x.Pass:
		case try < 3:
			continue
		case busy:
			t.Logf("the host was busy, so the figures say nothing of the pause: %q", x.Notes)
		default:
			t.Errorf("failed %d times, and the host was not busy: %+v, %q", try, x.Rows, x.Notes)
		}
		return
	}
}

func TestAStallThatIsHalfOfWhatItSaysFails(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	o := verify.Options{Server: verify.Server{URL: s.URL(), Stall: stopper(s, 0.5)}}
	x, err := verify.Try(t.Context(), o, "server-stall-constant")
	if err != nil {
		t.Fatal(err)
	}
	if x.Pass {
		t.Errorf("passed, although the server stood still for half the time: %+v", x.Rows)
	}
}

func TestPlantedFaultsAreFoundExactlyAndTheBooksBalance(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	var said []string
	var r verify.Report
	for try := 1; ; try++ {
		var err error
		r, err = verify.Run(t.Context(), verify.Options{
			Server:   verify.Server{URL: s.URL(), Stall: stopper(s, 1)},
			Only:     []string{"losses", "left-in-queue", "cut-off", "strangers", "laws"},
			Progress: func(p verify.Progress) { said = append(said, p.Name) },
		})
		if err != nil {
			t.Fatal(err)
		}
		again := false
		for _, x := range r.Experiments {
			switch {
			case x.Pass:
			// Faults are planted by the clock. A host that was too busy for that, which the
			// experiment notes, has another chance; but the ledger has to balance.
			case x.Name != "laws" && len(x.Notes) > 0 && try < 5:
				again = true
			default:
				t.Errorf("%s failed: %+v, %q", x.Name, x.Rows, x.Notes)
			}
		}
		if !again {
			break
		}
	}
	if len(r.Experiments) != 5 || len(said) < 5 || r.Host.CPUs == 0 {
		t.Errorf("%d experiments, progress %q, host %+v; want five, reported one by one, and the host", len(r.Experiments), said, r.Host)
	}
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if f, err := c.Inspect(t.Context()); err != nil || f.Info["db0"] != "" {
		t.Errorf("keys were left behind: %q, %v", f.Info["db0"], err)
	}
}

func TestTheEndOfTheContextEndsAStallAtOnce(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	ctx, cancel := context.WithCancel(t.Context())
	stop := stopper(s, 1)
	r, err := verify.Run(ctx, verify.Options{
		Only: []string{"laws", "server-stall-poisson"},
		Server: verify.Server{URL: s.URL(), Stall: func(ctx context.Context, _ time.Duration) error {
			cancel()
			return stop(ctx, time.Hour)
		}},
	})
	if !errors.Is(err, context.Canceled) || r.Pass || r.Meaning != "" {
		t.Errorf("Run = %+v, %v; want a report without a verdict and the context's error", r, err)
	}
	// The server goes on: it answers.
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL()})
	if err != nil {
		t.Fatalf("the server was left standing: %v", err)
	}
	c.Close()
}

func TestAServerThatIsNotThereIsAnErrorWithoutItsPassword(t *testing.T) {
	t.Parallel()
	o := verify.Options{
		Only:   []string{"strangers"},
		Server: verify.Server{URL: "redis://me:geheim@127.0.0.1:1", Stall: func(context.Context, time.Duration) error { return nil }},
	}
	_, err := verify.Run(t.Context(), o)
	if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "verify strangers") {
		t.Errorf("Run = %v, want the experiment and no password in it", err)
	}
}
