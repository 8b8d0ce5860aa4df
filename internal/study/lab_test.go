package study_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
)

// inMemory is a queue in this process that can be closed.
type inMemory struct {
	*memory.Queue
	io.Closer
}

func (inMemory) Close() error { return nil }

func lab(t *testing.T, workers int, work time.Duration, stop chan struct{}) *study.Lab {
	t.Helper()
	return &study.Lab{
		Scenario: scenario.Scenario{Name: "s", Producers: 1, Consumers: workers, Work: scenario.Work{Time: work}},
		SLO:      limits(t, "end_to_end.p99 < 50ms"),
		Open: func(context.Context, string) (study.Backend, error) {
			return inMemory{Queue: memory.New()}, nil
		},
		Run: engine.Options{
			Stop: stop, NoProbes: true,
			Waiter: waiter.Coarse,
		},
	}
}

func TestAScenarioInVirtualTimeHasTheCapacityOfItsWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab(t, 2, 10*time.Millisecond, nil)
		trials, a, err := capacity.Search(t.Context(), l.Probe, capacity.Options{Confirm: 30 * time.Second})
		if err != nil || a.Status != capacity.Confirmed || a.Rate < 190 || a.Rate > 200 || len(trials) > 25 {
			t.Fatalf("%+v after %d trials, %v; want 190 to 200 jobs/s in 25", a, len(trials), err)
		}
		if a.Limit.Part != "workers" {
			t.Errorf("the limit is %+v, want the workers", a.Limit)
		}
		for _, one := range trials {
			if one.Rate > 300 && (one.Verdict != capacity.Bad || one.Took > one.Length) {
				t.Errorf("trial %d at %v: %s after %s, want bad, and ended before its %s", one.N, one.Rate, one.Verdict, one.Took, one.Length)
			}
		}
	})
}

// In trials of two seconds no backlog of two workers grows to five seconds.
func TestAnSLOThatShortTrialsCannotBreakIsJudgedByTheGrowthOfTheBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab(t, 2, 10*time.Millisecond, nil)
		l.SLO = limits(t, "end_to_end.p99 < 5s")
		for rate, want := range map[float64]capacity.Verdict{150: capacity.Good, 195: capacity.Good, 203: capacity.Bad, 215: capacity.Bad} {
			o, err := l.Probe(t.Context(), capacity.Trial{Kind: capacity.Short, Rate: rate, Length: 2 * time.Second, Longest: 8 * time.Second})
			if err != nil || o.Verdict != want || want == capacity.Bad && !strings.Contains(o.Reasons[0], "the backlog grew by") {
				t.Errorf("%v jobs/s: %s %v after %s, %v; want %s", rate, o.Verdict, o.Reasons, o.Measured, err, want)
			}
		}
		trials, a, err := capacity.Search(t.Context(), l.Probe, capacity.Options{Trial: 2 * time.Second, Budget: 2 * time.Minute})
		if err != nil || a.Status != capacity.Confirmed || a.Rate < 186 || a.Rate > 200 || a.High > 205 {
			t.Errorf("%+v after %d trials, %v; want 186 to 200 jobs/s", a, len(trials), err)
		}
	})
}

func TestATrialThatCannotTellBecomesLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab(t, 2, 10*time.Millisecond, nil)
		// A fifth of a second has too few samples of the backlog.
		tr := capacity.Trial{Kind: capacity.Short, Rate: 150, Length: 200 * time.Millisecond, Longest: 2 * time.Second}
		o, err := l.Probe(t.Context(), tr)
		if err != nil || o.Verdict != capacity.Good || o.Measured <= tr.Length || o.Measured > tr.Longest {
			t.Errorf("%+v, %v; want a trial that is good and longer", o, err)
		}
		tr.Longest = tr.Length
		o, err = l.Probe(t.Context(), tr)
		if err != nil || o.Verdict != capacity.Bad || !strings.Contains(o.Reasons[0], "200ms were too short to tell") {
			t.Errorf("%+v, %v; want that it was too short", o, err)
		}
	})
}

func TestATrialThatDrainsBeyondItsTimeIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab(t, 2, 10*time.Millisecond, nil)
		// 240 jobs/s pile up 160 jobs in 4 s, for which 200 jobs/s take 0.8 s.
		tr := capacity.Trial{Kind: capacity.Short, Rate: 240, Length: 3 * time.Second}
		load := 500*time.Millisecond + 3750*time.Millisecond
		for within, want := range map[time.Duration]error{0: nil, load + 2*time.Second: nil, load + 500*time.Millisecond: capacity.ErrLate, time.Second: capacity.ErrLate} {
			tr.Within = within
			began := time.Now()
			if _, err := l.Probe(t.Context(), tr); !errors.Is(err, want) || within > 0 && time.Since(began) > within+50*time.Millisecond {
				t.Errorf("within %s: %v after %s, want %v", within, err, time.Since(began), want)
			}
		}
	})
}

func TestAStoppedTrialCutsTheSearchShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		l := lab(t, 2, 10*time.Millisecond, stop)
		go func() {
			time.Sleep(9 * time.Second) // virtual: within the second trial
			close(stop)
		}()
		trials, a, err := capacity.Search(t.Context(), l.Probe, capacity.Options{})
		if err != nil || len(trials) != 1 || a.Why != "it was interrupted" {
			t.Errorf("%d trials, %+v, %v; want the ceiling alone", len(trials), a, err)
		}
	})
}

func TestAQueueThatCannotBeOpenedEndsTheSearch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		l := lab(t, 1, 0, nil)
		l.Open = func(context.Context, string) (study.Backend, error) { return nil, refused }
		if _, _, err := capacity.Search(t.Context(), l.Probe, capacity.Options{}); !errors.Is(err, refused) {
			t.Errorf("error %v, want %v", err, refused)
		}
	})
}

// mortal are workers that have ended before the end of every load.
type mortal struct{}

var errMortal = errors.New("the worker ended 1.0 s into the load")

func (mortal) Begin()             {}
func (mortal) End() engine.Worked { return engine.Worked{Err: errMortal} }
func (mortal) Stop() string       { return "" }

// A trial whose workers ended in it says nothing of the rate, also when it was
// ended early because its backlog grew.
func TestATrialWhoseWorkersEndedIsNoTrial(t *testing.T) {
	t.Parallel()
	for name, consumers := range map[string]int{"all jobs done": 50, "flooded": 1} {
		synctest.Test(t, func(t *testing.T) {
			l := lab(t, consumers, 10*time.Millisecond, nil)
			l.Run.Workers = mortal{}
			o, err := l.Probe(t.Context(), capacity.Trial{Kind: capacity.Short, Rate: 1000, Length: 5 * time.Second})
			if !errors.Is(err, errMortal) || o.Verdict != "" {
				t.Errorf("%s: %+v, %v; want no verdict, and the workers' end", name, o, err)
			}
		})
	}
}
