package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func pushTheirs(t *testing.T, q jobqueue.Backend, n int) {
	t.Helper()
	p, err := q.OpenProducer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range n {
		if err := p.Push(t.Context(), fmt.Append(nil, "theirs", i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheBacklogOfExternalWorkersIsWhatWaitsAndNotWhatWasSent(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		workers int
		braked  bool
	}{"they keep up": {4, false}, "there is no worker": {0, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				q := memory.New()
				stop := outside(t, q, row.workers, 0, func() bool { return false })
				r := mustRun(t, scenario.Scenario{
					Name: "braked", Load: scenario.Load{Rate: pace.PerSecond(500), Duration: 10 * time.Second, MaxBacklog: 1000}, External: true, DrainTimeout: time.Second,
				}, q, virtual())
				stop()
				if braked := strings.Contains(stopreason.Words(r), "max_backlog"); braked != row.braked {
					t.Errorf("ended because %q, with %d of %d notified", stopreason.Words(r), r.Ledger.Notified, r.Ledger.Sent)
				}
			})
		})
	}
}

func TestOurConsumersTakeFromNoQueueIntoWhichTheyCouldNotPutBack(t *testing.T) {
	t.Parallel()
	load := scenario.Load{Rate: pace.PerSecond(100), Jobs: 10}
	for name, s := range map[string]scenario.Scenario{
		"stream":         {Name: "x", Load: load, Design: jobqueue.Stream},
		"reliable list":  {Name: "x", Load: load, Design: jobqueue.ReliableList},
		"several queues": {Name: "x", Load: load, Queues: []int{1, 2}},
	} {
		o := virtual()
		o.Shared = true
		q := memory.NewMultiQueue(2, 1)
		if _, err := engine.Run(t.Context(), s, q, o); err == nil || !strings.Contains(err.Error(), "use external consumers") {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

// stubborn is a shared queue into which nothing can be put back.
type stubborn struct{ *memory.Queue }

func (stubborn) Return(context.Context, ...[]byte) error { return errors.New("no") }

func TestJobsOfOthersThatCannotBePutBackAreInTheResult(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := stubborn{memory.New()}
		pushTheirs(t, q, 2)
		o := virtual()
		o.AllowNonEmpty, o.Shared = true, true
		r, err := engine.Run(t.Context(), scenario.Scenario{Name: "guests", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 50}}, q, o)
		if err == nil || r == nil || len(r.Unreturned) != 2 || string(r.Unreturned[1]) != "theirs1" {
			t.Errorf("%v, with %q; want an error and both", err, r.Unreturned)
		}
	})
}

func TestNoMoreJobsOfOthersAreKeptAsideThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := &returning{Queue: memory.New()}
		pushTheirs(t, q, 12_000)
		o := virtual()
		o.AllowNonEmpty, o.Shared = true, true
		_, err := engine.Run(t.Context(), scenario.Scenario{Name: "guests", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Minute}, Consumers: 4}, q, o)
		n, _ := q.Len(t.Context())
		theirs := int64(len(q.returned)) + n
		if err == nil || !strings.Contains(err.Error(), "can be kept until the end") || len(q.returned) < 10_000 || len(q.returned) > 10_100 || theirs < 12_000 {
			t.Errorf("%v; %d put back and %d never taken, want all 12,000 and little more than 10,000 of them taken", err, len(q.returned), n)
		}
	})
}

// known is a queue under a name, as a client's is.
type known struct {
	jobqueue.Backend
	name    string
	cleared int
	broken  bool
}

func (q *known) Queue() string { return q.name }

func (q *known) Clear(ctx context.Context) error {
	q.cleared++
	return q.Backend.Clear(ctx)
}

func (q *known) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	if q.broken {
		return nil, errors.New("no more connections")
	}
	return q.Backend.OpenProducer(ctx)
}

func TestAQueueWithANameOfItsOwnIsNeverRemoved(t *testing.T) {
	t.Parallel()
	own, _ := runname.Of("0123456789abcde")
	for name, want := range map[string]int{own: 1, jobqueue.DefaultQueue: 0, "queuedyno": 0} {
		simulate(t, func(t *testing.T) {
			q := &known{Backend: memory.New(), name: name}
			mustRun(t, scenario.Scenario{Name: "x", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 10}}, struct {
				*known
				discards
			}{q, discards{}}, virtual())
			if q.cleared != want {
				t.Errorf("%q was removed %d times, want %d", name, q.cleared, want)
			}
		})
	}
}

type discards struct{}

func (discards) Discard(context.Context, ...string) (int64, error) { return 0, nil }

func TestWhatWasMadeBeforeAPreparationFailedIsRemoved(t *testing.T) {
	t.Parallel()
	own, _ := runname.Of("0123456789abcde")
	simulate(t, func(t *testing.T) {
		q := &known{Backend: memory.New(), name: own, broken: true}
		if _, err := engine.Run(t.Context(), scenario.Scenario{Name: "x", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 10}}, q, virtual()); err == nil || q.cleared != 1 {
			t.Errorf("%v, and the queue was removed %d times; want an error, and once", err, q.cleared)
		}
	})
}

// busyServer is a server that others use more than the run does.
type busyServer struct {
	*memory.Queue
	commands int
}

func (q *busyServer) Inspect(context.Context) (redisfacts.Facts, error) {
	q.commands += 1_000_000
	return redisfacts.Facts{Info: map[string]string{
		"total_commands_processed": fmt.Sprint(q.commands), "used_cpu_user": fmt.Sprint(q.commands), "total_net_input_bytes": fmt.Sprint(q.commands),
	}}, nil
}

func TestWhatAJobCostAServerThatOthersUseIsNotSaid(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{"url": false, "process": true} {
		simulate(t, func(t *testing.T) {
			o := virtual()
			o.Redis.Kind = kind
			r := mustRun(t, scenario.Scenario{Name: "x", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 100}}, &busyServer{Queue: memory.New()}, o)
			for _, metric := range []string{"redis_cpu_per_job", "redis_commands_per_job", "redis_bytes_per_job"} {
				if _, _, ok := r.Metric(metric); ok != want {
					t.Errorf("%s: %s is said: %t, want %t", kind, metric, ok, want)
				}
			}
			if warned := strings.Contains(strings.Join(r.Warnings, "\n"), "so its cost per job is not known"); warned == want {
				t.Errorf("%s: warnings %q", kind, r.Warnings)
			}
		})
	}
}
