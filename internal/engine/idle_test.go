package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// configOf is the configuration of a client for a scenario, on a new queue.
func configOf(url string, s scenario.Scenario) jobqueue.Config {
	cfg := s.Config()
	cfg.URL = url
	cfg.Queue, cfg.Channel = runname.Of(flight.NewID())
	return cfg
}

func clientOf(t *testing.T, url string, s scenario.Scenario) *jobqueue.Client {
	t.Helper()
	b, err := jobqueue.Connect(t.Context(), configOf(url, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func steps(t *testing.T, text string) pace.Steps {
	t.Helper()
	s, err := pace.ParseSteps(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A server that closes clients that were idle for a second costs no job, and no
// error, wherever the run is idle.
func TestIdleClosesCostNoJob(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	server := redistest.Process(t, "--timeout", "1")
	pause := scenario.Scenario{Load: scenario.Load{Steps: steps(t, "1s:50,6s:0,1s:50")}}
	hold := scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(20), Duration: 6 * time.Second}, Hold: scenario.Hold{From: time.Second, For: 4 * time.Second}}
	work := scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(2), Duration: 5 * time.Second}, Consumers: 12, Work: scenario.Work{Time: 5 * time.Second}}
	batch := scenario.Scenario{
		Load: scenario.Load{Rate: pace.PerSecond(2), Duration: 4 * time.Second}, Consumers: 6, Batch: 2,
		Work: scenario.Work{Time: 5 * time.Second, Running: true},
	}
	for name, c := range map[string]struct {
		s       scenario.Scenario
		pools   []string
		designs []jobqueue.Design
	}{
		"pause": {pause, []string{"push"}, jobqueue.Designs()},
		"hold":  {hold, []string{"consume"}, []jobqueue.Design{jobqueue.List}},
		"work":  {work, []string{"consume"}, []jobqueue.Design{jobqueue.Stream}},
		"batch": {batch, []string{"consume"}, []jobqueue.Design{jobqueue.ReliableList}},
	} {
		for _, d := range c.designs {
			for _, n := range []jobqueue.Notify{jobqueue.PubSub, jobqueue.ShardedPubSub, jobqueue.NoNotify} {
				if n != jobqueue.PubSub && (d != jobqueue.List || name != "pause") {
					continue
				}
				t.Run(strings.Join([]string{name, string(d), string(n)}, " "), func(t *testing.T) {
					t.Parallel()
					s := c.s
					s.Name, s.Design, s.Notify, s.DrainTimeout = "idle", d, n, time.Minute
					if d == jobqueue.ReliableList || d == jobqueue.Stream {
						s.Visibility = time.Minute
					}
					r := mustRun(t, s, clientOf(t, server.URL(), s), engine.Options{NoProbes: true})
					// A server can close a connection just as it answers a waiting pop on
					// it, and the job goes with the answer. The run says so; try again.
					for tries := 1; tries < 3 && r.Validity.Checks["lost_with_connections"].Effect != ""; tries++ {
						r = mustRun(t, s, clientOf(t, server.URL(), s), engine.Options{NoProbes: true})
					}
					l := r.Ledger
					if l.Lost != 0 || l.Duplicated != 0 || l.Redelivered != 0 || len(l.Errors) > 0 {
						t.Errorf("ledger %+v, want nothing lost, doubled or in error", l)
					}
					for _, pool := range c.pools {
						if l.Reconnects[pool] == 0 {
							t.Errorf("reconnects %v, want some of %s", l.Reconnects, pool)
						}
					}
					said := strings.Join(r.Warnings, "\n")
					if !strings.Contains(said, "idle for 1 s") || strings.Contains(said, "EOF") {
						t.Errorf("warnings %q, want the server's timeout and no EOF", r.Warnings)
					}
				})
			}
		}
	}
}

// A proxy that drops connections without a word while they are idle costs no job:
// each is proved before it is used.
func TestIdleConnectionsThatDieSilentlyCostNoJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    scenario.Scenario
		who  []string // whose connections die
		when time.Duration
		pool string
	}{
		"a pause": {
			scenario.Scenario{Load: scenario.Load{Steps: steps(t, "1s:50,4s:0,1s:50")}, Producers: 2},
			[]string{"LPUSH"}, 2 * time.Second, "push",
		},
		"a pause with a stream": {
			scenario.Scenario{Load: scenario.Load{Steps: steps(t, "1s:50,4s:0,1s:50")}, Design: jobqueue.Stream, Visibility: time.Minute},
			[]string{"XADD"}, 2 * time.Second, "push",
		},
		"long work": {
			scenario.Scenario{Load: scenario.Load{InFlight: 4, Jobs: 4}, Consumers: 4, Work: scenario.Work{Time: 5 * time.Second}},
			[]string{"BRPOP"}, 2 * time.Second, "consume",
		},
		"a hold": {
			scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(20), Duration: 6 * time.Second}, Hold: scenario.Hold{From: 500 * time.Millisecond, For: 4 * time.Second}},
			[]string{"BRPOP"}, 2 * time.Second, "consume",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBetween(t, redistest.Process(t))
			s := c.s
			s.Name, s.DrainTimeout = "idle", time.Minute
			timed(t, func() string {
				o := engine.Options{NoProbes: true}
				at(&o, c.when, func() { b.swallowThose(c.who...) })
				l := mustRun(t, s, clientOf(t, "redis://"+b.addr, s), o).Ledger
				if l.Lost != 0 || l.Duplicated != 0 || len(l.Errors) > 0 || l.Reconnects[c.pool] == 0 {
					return fmt.Sprintf("ledger %+v, want nothing lost or doubled, and reconnects of %s", l, c.pool)
				}
				return ""
			})
		})
	}
}

// arrivedLate is how many jobs were notified in the last quarter of a run.
func arrivedLate(r *result.Result) (n int64) {
	rows := r.Timeline
	for _, row := range rows {
		if row.ElapsedS > 0.75*rows[len(rows)-1].ElapsedS {
			n += row.Notified
		}
	}
	return n
}

func TestPushesIntoAConnectionThatDiesUnderLoadAreUnacknowledgedAndTheRunIsNotValid(t *testing.T) {
	t.Parallel()
	for _, d := range []jobqueue.Design{jobqueue.List, jobqueue.Stream} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			b := startBetween(t, redistest.Process(t))
			s := scenario.Scenario{
				Name: "void", Load: scenario.Load{Rate: pace.PerSecond(50), Duration: 10 * time.Second}, Design: d,
				Consumers: 2, Producers: 2, DrainTimeout: time.Second,
			}
			o := engine.Options{NoProbes: true}
			at(&o, 1500*time.Millisecond, b.swallow)
			r := mustRun(t, s, clientOf(t, "redis://"+b.addr, s), o)
			l := r.Ledger
			if l.LostByLeg[ledger.LegUnacknowledged] == 0 || l.Notified == 0 || l.Lost+l.Notified != l.Sent {
				t.Errorf("ledger %+v, want the jobs of the second half unacknowledged", l)
			}
			said := strings.Join(r.Validity.Reasons, "\n")
			if r.Validity.Verdict == result.Valid || !strings.Contains(said, "whose push or publish was never answered") {
				t.Errorf("%s: %q, want a reason that names the pushes", r.Validity.Verdict, said)
			}
			// The subscription is as dead as the rest; at the latest its end shows it.
			if r.Validity.Checks["unconfirmed"].Passed && r.Validity.Checks["resubscribed"].Passed {
				t.Errorf("%q says nothing of the subscription", said)
			}
		})
	}
}

// All connections are closed in the middle of a load, and the server is there all
// the time: the run goes on. What was under way is lost at its leg or arrives.
func TestARunGoesOnWhenAllItsConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	for _, d := range jobqueue.Designs() {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			b := startBetween(t, redistest.Process(t))
			s := scenario.Scenario{
				Name: "cut", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 4 * time.Second}, Design: d,
				Consumers: 3, Producers: 2, DrainTimeout: 6 * time.Second,
			}
			if d == jobqueue.ReliableList || d == jobqueue.Stream {
				s.Visibility = 2 * time.Second
			}
			o := engine.Options{NoProbes: true}
			at(&o, time.Second, b.close)
			r := mustRun(t, s, clientOf(t, "redis://"+b.addr, s), o)
			l := r.Ledger
			// A busy host takes longer to subscribe again, and what is published meanwhile is
			// lost; but each pool goes on.
			if late := arrivedLate(r); l.Scheduled < 800 || late == 0 {
				t.Errorf("%d jobs arrive in the last quarter of the run; ledger %+v, want that all pools go on", late, l)
			}
			if l.Reconnects["push"] == 0 || l.Reconnects["consume"] == 0 || l.Reconnects["receive"] == 0 {
				t.Errorf("reconnects %v, want some of each pool", l.Reconnects)
			}
			if r.Run.Failed || r.Validity.Verdict == result.Valid {
				t.Errorf("%s (%s): %q, want a run that is not valid, and no failed one", r.Validity.Verdict, r.Run.Error, r.Validity.Reasons)
			}
		})
	}
}

// Connections that are closed while consumers only wait on them for a job, as a
// proxy does it, are opened again: that is counted, and is no error.
func TestClosedWaitsForAJobAreNoErrors(t *testing.T) {
	t.Parallel()
	for _, d := range []jobqueue.Design{jobqueue.List, jobqueue.ReliableList, jobqueue.Stream} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			b := startBetween(t, redistest.Process(t))
			s := scenario.Scenario{
				Name: "waits", Load: scenario.Load{Steps: steps(t, "1s:50,5s:0,1s:50")}, Design: d,
				Consumers: 3, DrainTimeout: 20 * time.Second,
			}
			timed(t, func() string {
				o := engine.Options{NoProbes: true}
				at(&o, 2500*time.Millisecond, b.close)
				l := mustRun(t, s, clientOf(t, "redis://"+b.addr, s), o).Ledger
				if l.Errors["consume"] != 0 || l.Reconnects["consume"] == 0 || l.Lost != 0 || l.Notified != 100 {
					return fmt.Sprintf("ledger %+v, want all jobs, no error of consumers, and their reconnects", l)
				}
				return ""
			})
		})
	}
}

func TestARunEndsAtOnceWhenItsOwnServerHasEnded(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	s := scenario.Scenario{Name: "ended", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Hour}, Consumers: 2}
	o := engine.Options{NoProbes: true, ServerEnded: server.Ended()}
	at(&o, time.Second, func() { server.Close() })
	r, err := engine.Run(t.Context(), s, clientOf(t, server.URL(), s), o)
	if !errors.Is(err, jobqueue.ErrLost) || !strings.Contains(err.Error(), "the server has ended") {
		t.Errorf("Run = %v, want that the server has ended", err)
	}
	if r == nil || !r.Run.Failed || r.Validity.Verdict != result.Invalid || r.Ledger.Notified == 0 {
		t.Errorf("the result is %+v", r)
	}
}

// refusing is a queue that a failover leaves for a while: pushes are answered by
// an error, and so surely not carried out.
type refusing struct {
	*memory.Queue
	away func() bool
}

type refusingProducer struct {
	jobqueue.Producer
	away func() bool
}

func (q refusing) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	p, err := q.Queue.OpenProducer(ctx)
	return refusingProducer{p, q.away}, err
}

func (p refusingProducer) Push(ctx context.Context, jobs ...[]byte) error {
	if p.away() {
		return errors.Join(&resp.ReplyError{Text: "MOVED 17 127.0.0.1:7001"}, jobqueue.ErrLost)
	}
	return p.Producer.Push(ctx, jobs...)
}

func TestPushesThatWereAnsweredByAnErrorAreRefusedAndNotUnacknowledged(t *testing.T) {
	t.Parallel()
	for _, load := range []scenario.Load{
		{Rate: pace.PerSecond(100), Jobs: 1000}, {InFlight: 4, Jobs: 1000},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := refusing{memory.New(), nth(100)}
			r := mustRun(t, scenario.Scenario{Name: "moved", Load: load, Consumers: 2, Work: scenario.Work{Time: time.Millisecond}, DrainTimeout: time.Second}, b, virtual())
			l := r.Ledger
			if l.LostByLeg[ledger.LegRefused] != 10 || l.LostByLeg[ledger.LegUnacknowledged] != 0 || l.Lost != 10 {
				t.Errorf("ledger %+v, want 10 refused and nothing unacknowledged", l)
			}
			if l.Errors["push"] != 10 {
				t.Errorf("errors %v", l.Errors)
			}
			var lines []string
			for _, w := range r.Warnings {
				if strings.Contains(w, "MOVED") {
					lines = append(lines, w)
				}
			}
			if len(lines) != 1 || !strings.Contains(lines[0], "10 times from") {
				t.Errorf("warnings %q, want the ten in one line", lines)
			}
		})
	}
}

// stale is a queue whose connections are closed while they are idle: at every
// n-th call nothing of the call has happened yet.
type stale struct {
	*memory.Queue
	push, pop func() bool
}

type (
	staleProducer struct {
		jobqueue.Producer
		gone func() bool
	}
	staleConsumer struct {
		jobqueue.Consumer
		gone func() bool
	}
)

func (q stale) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	p, err := q.Queue.OpenProducer(ctx)
	return staleProducer{p, q.push}, err
}

func (q stale) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := q.Queue.OpenConsumer(ctx)
	return staleConsumer{c, q.pop}, err
}

func (p staleProducer) Push(ctx context.Context, jobs ...[]byte) error {
	if p.gone() {
		return errors.Join(jobqueue.ErrLost, jobqueue.ErrStale)
	}
	return p.Producer.Push(ctx, jobs...)
}

func (c staleConsumer) PublishAndPop(ctx context.Context, outcomes []jobqueue.Outcome, acked func(i, receivers int), n int, wait time.Duration) ([][]byte, error) {
	if c.gone() {
		return nil, errors.Join(jobqueue.ErrLost, jobqueue.ErrStale)
	}
	return publishpop.Of(plainConsumer{c.Consumer}).PublishAndPop(ctx, outcomes, acked, n, wait)
}

// plainConsumer hides what else a consumer can do.
type plainConsumer struct{ jobqueue.Consumer }

func TestACallThatHasNotHappenedIsRepeatedOnTheNextConnection(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]scenario.Work{
		"no work": {}, "work": {Time: time.Millisecond}, "work that is announced": {Time: time.Millisecond, Running: true},
	} {
		for _, batch := range []int{1, 5} {
			synctest.Test(t, func(t *testing.T) {
				b := stale{memory.New(), nth(7), nth(11)}
				r := mustRun(t, scenario.Scenario{
					Name: "stale", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 1000}, Batch: batch, Producers: 2, Consumers: 3,
					Work: work, DrainTimeout: time.Second,
				}, b, virtual())
				l := r.Ledger
				if l.Lost != 0 || l.Duplicated != 0 || l.Notified != 1000 || len(l.Errors) > 0 {
					t.Errorf("%s in batches of %d: ledger %+v, want every job once and no error", name, batch, l)
				}
				if l.Reconnects["push"] == 0 || l.Reconnects["consume"] == 0 {
					t.Errorf("%s in batches of %d: reconnects %v", name, batch, l.Reconnects)
				}
			})
		}
	}
}
