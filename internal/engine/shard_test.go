package engine_test

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// pushed is one job as it was pushed.
type pushed struct {
	Number int64
	At     time.Duration // from the start of the load; -1 for any moment before it
	Queue  int
	Rest   string // the element without its id
}

// book notes what the producers of several runs push.
type book struct {
	mu    sync.Mutex
	epoch time.Time
	jobs  []pushed
}

// noted is a queue whose pushes are noted.
type noted struct {
	*memory.Queue
	book *book
}

func (n noted) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	p, err := n.Queue.OpenProducer(ctx)
	return &notedProducer{QueueSelector: p.(jobqueue.QueueSelector), book: n.book}, err
}

type notedProducer struct {
	jobqueue.QueueSelector
	book  *book
	queue int
}

func (p *notedProducer) SelectQueue(queue int) {
	p.queue = queue
	p.QueueSelector.SelectQueue(queue)
}

var jobID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// numberOf is the number of the job with the id.
func numberOf(id string) (n int64) {
	digits, _ := hex.DecodeString(strings.ReplaceAll(id[19:], "-", ""))
	for _, d := range digits {
		n = n<<8 | int64(d)
	}
	return n & (1<<47 - 1)
}

func (p *notedProducer) Push(ctx context.Context, jobs ...[]byte) error {
	p.book.mu.Lock()
	at := max(-1, time.Since(p.book.epoch))
	for _, j := range jobs {
		id := jobID.FindString(string(j))
		p.book.jobs = append(p.book.jobs, pushed{numberOf(id), at, p.queue, strings.ReplaceAll(string(j), id, "")})
	}
	p.book.mu.Unlock()
	return p.QueueSelector.Push(ctx, jobs...)
}

// planned are the jobs that every run of the scenario pushes: those that are due before its
// end. The load goes on after that until the jobs of the window have arrived.
func planned(s scenario.Scenario, jobs []pushed) []pushed {
	end := s.WithDefaults().Load.Duration
	return slices.DeleteFunc(jobs, func(j pushed) bool { return end > 0 && j.At >= end })
}

// together runs a scenario in so many shards at the same time, without shards where there
// are 0 of them. It returns what was pushed, by number, and the results.
func together(t *testing.T, s scenario.Scenario, shards int) ([]pushed, []*result.Result) {
	t.Helper()
	b := &book{epoch: time.Now().Add(time.Second)}
	results := make([]*result.Result, max(1, shards))
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			one := s
			one.Shard = pace.Shard{Index: i, Of: shards}
			o := virtual()
			o.Start = func(context.Context) (time.Time, error) { return b.epoch, nil }
			q := noted{memory.NewMultiQueue(max(1, len(s.Queues)), 1), b}
			r, err := engine.Run(context.Background(), one, q, o)
			if err != nil {
				t.Errorf("shard %d of %d: %v", i, shards, err)
				return
			}
			checkLaws(t, r)
			results[i] = r
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	slices.SortFunc(b.jobs, func(x, y pushed) int { return cmp.Compare(x.Number, y.Number) })
	return planned(s, b.jobs), results
}

// loads is a scenario for every kind of load, and for what follows from a job's number.
func loads() map[string]scenario.Scenario {
	steps, err := pace.ParseSteps("2s:100/s..400/s,1s:50/s,1s:0/s,1s:300/s")
	if err != nil {
		panic(err)
	}
	recorded := &pace.Replay{}
	for i := range 300 {
		recorded.Times = append(recorded.Times, time.Duration(i*i)*37*time.Microsecond)
	}
	sizes, err := draw.ParseSize("10..200")
	if err != nil {
		panic(err)
	}
	second := scenario.Load{Rate: pace.Rate{Jobs: 700, Per: 3 * time.Second}, Duration: 3 * time.Second}
	with := func(change func(*scenario.Scenario)) scenario.Scenario {
		s := scenario.Scenario{Load: second, Producers: 2, Consumers: 64, Work: scenario.Work{Time: 5 * time.Millisecond}, Seed: 7, DrainTimeout: time.Minute}
		change(&s)
		return s
	}
	return map[string]scenario.Scenario{
		"constant": with(func(s *scenario.Scenario) {}),
		"constant, one producer, until a number of jobs is sent": with(func(s *scenario.Scenario) {
			s.Producers, s.Load.Duration, s.Load.Jobs = 1, 0, 501
		}),
		"fewer jobs than shards": with(func(s *scenario.Scenario) { s.Load.Duration, s.Load.Jobs = 0, 3 }),
		"batches, the last of them smaller": with(func(s *scenario.Scenario) {
			s.Batch, s.Load.Duration, s.Load.Jobs = 4, 0, 502
		}),
		"poisson":            with(func(s *scenario.Scenario) { s.Load.Arrivals, s.Producers = pace.Poisson, 3 }),
		"poisson in batches": with(func(s *scenario.Scenario) { s.Load.Arrivals, s.Batch = pace.Poisson, 3 }),
		"steps":              with(func(s *scenario.Scenario) { s.Load = scenario.Load{Steps: steps} }),
		"poisson in steps": with(func(s *scenario.Scenario) {
			s.Load = scenario.Load{Steps: steps, Arrivals: pace.Poisson}
		}),
		"replay": with(func(s *scenario.Scenario) { s.Load = scenario.Load{Replay: scenario.Replay{Times: recorded}} }),
		"replay in batches": with(func(s *scenario.Scenario) {
			s.Load, s.Batch = scenario.Load{Replay: scenario.Replay{Times: recorded}}, 7
		}),
		"closed": with(func(s *scenario.Scenario) {
			s.Load = scenario.Load{InFlight: 42, Jobs: 420}
		}),
		"closed, for a time": with(func(s *scenario.Scenario) {
			s.Load = scenario.Load{InFlight: 42, Duration: time.Second}
		}),
		"closed, in batches": with(func(s *scenario.Scenario) {
			// A consumer takes two jobs at once, and would work on one after the other.
			s.Load, s.Batch, s.Work.Time = scenario.Load{InFlight: 84, Jobs: 420, Think: 5 * time.Millisecond}, 2, 0
		}),
		"prefilled": with(func(s *scenario.Scenario) { s.Prefill = 100 }),
		"prefilled, in batches that do not come out even": with(func(s *scenario.Scenario) { s.Prefill, s.Batch = 101, 3 }),
		"a hold": with(func(s *scenario.Scenario) {
			s.Hold = scenario.Hold{From: time.Second, For: 500 * time.Millisecond}
		}),
		"a fault": with(func(s *scenario.Scenario) {
			s.Faults = []scenario.Fault{{At: time.Second, For: time.Second, Kind: scenario.SlowFault, Target: scenario.WorkersTarget, Factor: 2}}
		}),
		"tenants, queues, payloads and failures": with(func(s *scenario.Scenario) {
			s.Tenants, s.Queues, s.Batch = scenario.Tenants{Count: 30, Skew: 1}, []int{3, 1}, 2
			s.SetPayload(sizes)
			s.Work.FailRate = 0.2
		}),
	}
}

// TestShardsSendTheJobsOfOneMachine compares what shards push with what one run pushes,
// in virtual time: the same jobs, with the same content, at the same moments.
func TestShardsSendTheJobsOfOneMachine(t *testing.T) {
	t.Parallel()
	for name, s := range loads() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.Name = "shared"
			var want []pushed
			var whole *result.Result
			simulate(t, func(t *testing.T) {
				var all []*result.Result
				want, all = together(t, s, 0)
				whole = all[0]
			})
			if len(want) < 3 {
				t.Fatalf("one machine pushed %d jobs", len(want))
			}
			for _, shards := range []int{1, 2, 3, 7} {
				simulate(t, func(t *testing.T) {
					got, results := together(t, s, shards)
					if !slices.Equal(want, got) {
						t.Errorf("%d shards (-one machine +shards):\n%s", shards, gocmp.Diff(want, got))
					}
					var window, completed, lost int64
					for _, r := range results {
						window += r.Window.Scheduled
						completed += r.Window.Completed
						lost += r.Ledger.Lost
					}
					if window != whole.Window.Scheduled || completed != whole.Window.Completed || lost != 0 {
						t.Errorf("%d shards: %d jobs in the window, %d completed and %d lost; one machine had %d, %d and 0",
							shards, window, completed, lost, whole.Window.Scheduled, whole.Window.Completed)
					}
				})
			}
		})
	}
}

func TestAShardHasItsNumberAndNoThresholds(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		s := loads()["constant"]
		s.Name, s.Thresholds = "shared", []string{"lost == 0"}
		_, results := together(t, s, 2)
		for i, r := range results {
			if r.Run.Shard == nil || r.Run.Shard.Index != i || r.Run.Shard.Of != 2 {
				t.Errorf("shard %d says that it is %+v", i, r.Run.Shard)
			}
			if len(r.Thresholds) != 0 || !slices.Equal(r.Scenario.Thresholds, s.Thresholds) {
				t.Errorf("shard %d decided %v of the thresholds %v", i, r.Thresholds, r.Scenario.Thresholds)
			}
			sum := r.Stages["end_to_end"]
			if sum.SumNS == nil || *sum.SumNS <= 0 {
				t.Errorf("shard %d: the sum of end_to_end is %v", i, sum.SumNS)
			}
		}
	})
}

func TestALoadThatHasNoShardsIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	half := pace.Shard{Index: 1, Of: 2}
	for name, s := range map[string]scenario.Scenario{
		"there is no shard 2/2":    {Load: scenario.Load{Rate: pace.PerSecond(1), Duration: time.Second}, Shard: pace.Shard{Index: 2, Of: 2}},
		"too few for 2 shards":     {Load: scenario.Load{InFlight: 1, Jobs: 10}, Shard: half},
		"the entry is postgres":    {Load: scenario.Load{Rate: pace.PerSecond(1), Duration: time.Second}, Entry: scenario.Entry{Kind: scenario.EntryPostgres}, Shard: half},
		"an observed load sends":   {Load: scenario.Load{Observed: true, Duration: time.Second}, Shard: half},
		"there is no shard -1/2: ": {Load: scenario.Load{Rate: pace.PerSecond(1), Duration: time.Second}, Shard: pace.Shard{Index: -1, Of: 2}},
	} {
		s.Name = "refused"
		r, err := engine.Run(t.Context(), s, memory.New(), virtual())
		if r != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Run = %v, %v; want no result and an error with %q", r, err, name)
		}
	}
}

// TestAnErrorOfTheStartEndsTheRunBeforeItsLoad finds the jobs that were prefilled removed.
func TestAnErrorOfTheStartEndsTheRunBeforeItsLoad(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		s := loads()["prefilled"]
		s.Name = "alone"
		missing := errors.New("shard 1 is missing")
		o := virtual()
		began := false
		o.Begin = func() { began = true }
		q := memory.New()
		o.Start = func(ctx context.Context) (time.Time, error) {
			if n, _ := q.Len(ctx); n != 100 {
				t.Errorf("%d jobs are in the queue at the meeting, want 100", n)
			}
			return time.Time{}, missing
		}
		r, err := engine.Run(t.Context(), s, q, o)
		if r != nil || !errors.Is(err, missing) || began {
			t.Errorf("Run = %v, %v; the load began: %t", r, err, began)
		}
		if n, err := q.Len(t.Context()); n != 0 || err != nil {
			t.Errorf("%d jobs are left: %v", n, err)
		}
	})
}

// swept is a queue that notes the ids of its producers' jobs, and those that it is asked to
// sweep.
type swept struct {
	noted
	ids map[string]bool
}

func (q swept) Sweep(_ context.Context, ids iter.Seq[string]) error {
	for id := range ids {
		q.ids[id] = true
	}
	return nil
}

// TestEveryJobThatWasSentIsSwept also where producers are ahead of others, and where a
// prefill leaves numbers out.
func TestEveryJobThatWasSentIsSwept(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]scenario.Scenario{
		"producers ahead": {Producers: 4, Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: 20 * time.Second, Arrivals: pace.Poisson}},
		"prefill":         {Producers: 1, Batch: 8, Prefill: 11, Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Second}},
		"a shard":         {Producers: 2, Shard: pace.Shard{Index: 2, Of: 3}, Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				s.Name = "swept"
				q := swept{noted{memory.NewMultiQueue(1, 1), &book{epoch: time.Now()}}, map[string]bool{}}
				mustRun(t, s, q, virtual())
				sent := map[int64]bool{}
				for _, j := range q.book.jobs {
					sent[j.Number] = true
				}
				covered := 0
				for id := range q.ids {
					if n := numberOf(id); sent[n] {
						covered++
					}
				}
				if len(sent) < 100 || covered != len(sent) {
					t.Errorf("%d jobs were sent, and %d of them swept", len(sent), covered)
				}
			})
		})
	}
}
