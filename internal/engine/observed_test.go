package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// others are a producer and workers that are external: a job every 10 ms,
// which takes 25 ms, of which every tenth fails; the workers say RUNNING. The
// queue gains five jobs a second that no worker takes.
func others(t *testing.T, ctx context.Context, q *memory.Queue) {
	p, err := q.OpenProducer(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	c, err := q.OpenConsumer(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	say := func(u jobqueue.Update) {
		if _, err := c.Publish(ctx, u.AppendTo(nil)); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}
	for i := 0; ctx.Err() == nil; i++ {
		go func() {
			id := fmt.Sprint("job", i)
			say(jobqueue.Update{JobID: id, Status: jobqueue.Running})
			time.Sleep(25 * time.Millisecond)
			status := jobqueue.Completed
			if i%10 == 0 {
				status = jobqueue.Failed
			}
			say(jobqueue.Update{JobID: id, Status: status, Work: 24 * time.Millisecond})
		}()
		if i%20 == 0 {
			if err := p.Push(ctx, fmt.Append(nil, "waiting", i)); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second) // until the last job has ended
}

func lookOn(t *testing.T, s scenario.Scenario, q *memory.Queue) *result.Result {
	t.Helper()
	s.Name, s.Load.Observed = "observed", true
	r, err := engine.Run(t.Context(), s, q, virtual())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhoLooksOnSeesTheWorkOfOthersAndTouchesNothing(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := memory.New()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); others(t, ctx, q) }()
		time.Sleep(time.Second) // they were at it before
		r := lookOn(t, scenario.Scenario{
			Load: scenario.Load{Duration: 12 * time.Second}, Warmup: 2 * time.Second,
			Thresholds: []string{"running.p99 < 30ms", "failed == 0", "lost == 0", "achieved_rate > 90", "end_to_end.p50 < 1s"},
		}, q)
		left, err := q.Len(t.Context())
		cancel()
		<-done
		if err != nil {
			t.Fatal(err)
		}
		if r.Validity.Verdict != result.Valid || r.Run.Interrupted {
			t.Errorf("%s because %q", r.Validity.Verdict, r.Validity.Reasons)
		}
		if r.Window.Completed < 999 || r.Window.Completed > 1001 || r.Rates.AchievedPerS < 99.9 || r.Rates.AchievedPerS > 100.1 || r.Rates.OfferedPerS != nil {
			t.Errorf("window %+v, rates %+v; want a thousand jobs, 100 a second, and nothing offered", r.Window, r.Rates)
		}
		if len(r.Stages) != 2 || *r.Stages[metric.Running].P99NS != int64(25*time.Millisecond) || *r.Stages[metric.WorkTime].P50NS != int64(24*time.Millisecond) {
			t.Errorf("stages %+v, want running of 25 ms and work of 24 ms and no other", r.Stages)
		}
		o := r.Observed
		if u := o.Updates; u.Running < 1199 || u.Failed < 119 || u.Completed+u.Failed < 1199 || u.Other+u.Unreadable != 0 {
			t.Errorf("updates %+v, want those of 12 s", u)
		}
		if b := o.Backlog; b.PerS == nil || *b.PerS < 4.9 || *b.PerS > 5.1 || b.DrainS != nil || *b.Max < left-1 || *b.Max > left || *o.ArrivedPerS < 104.5 || *o.ArrivedPerS > 105.5 {
			t.Errorf("backlog %+v, arrived %v; want 5 more a second, %d at the end, and 105 arrivals", b, *o.ArrivedPerS, left)
		}
		if want := int64(13 * 5); left < want || left > want+1 {
			t.Errorf("%d jobs are left in the queue, want all %d that were put there", left, want)
		}
		for _, o := range r.Thresholds {
			want := strings.HasPrefix(o.Expr, "running") || strings.HasPrefix(o.Expr, "achieved")
			if o.Passed != want {
				t.Errorf("%s: passed = %t because %q, want %t", o.Expr, o.Passed, o.Reason, want)
			}
		}
		if l := r.Ledger; l.Scheduled != 0 || l.Lost != 0 || l.Failed < 100 {
			t.Errorf("ledger %+v, want no job of ours and the failures that were heard", l)
		}
		var ended int64
		for _, row := range r.Timeline {
			ended += row.Notified
		}
		if ended != o.Updates.Ended() {
			t.Errorf("the timeline holds %d ends, of %d", ended, o.Updates.Ended())
		}
	})
}

func TestNothingHeardIsInvalid(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		r := lookOn(t, scenario.Scenario{Load: scenario.Load{Duration: 3 * time.Second}}, memory.New())
		if r.Validity.Verdict != result.Invalid || r.Observed.Updates != (result.Updates{}) || !strings.Contains(strings.Join(r.Warnings, "\n"), "no update was heard") {
			t.Errorf("%s because %q; warnings %q", r.Validity.Verdict, r.Validity.Reasons, r.Warnings)
		}
	})
}

func TestWhoLooksOnStopsAfterSoManyJobsOrAtAThreshold(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		jobs      int64
		threshold string
		stopped   string
	}{
		"jobs":      {200, "failed < 1000", "200 jobs had ended"},
		"threshold": {0, "failed < 20 abort", "ended at 2.0 s by the threshold"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				q := memory.New()
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { defer close(done); others(t, ctx, q) }()
				r := lookOn(t, scenario.Scenario{
					Load: scenario.Load{Jobs: row.jobs, Duration: time.Minute}, Thresholds: []string{row.threshold},
				}, q)
				cancel()
				<-done
				if !strings.Contains(stopreason.Words(r), row.stopped) || r.Run.EndedAt.Sub(r.Run.StartedAt) > 3*time.Second || r.Run.Interrupted {
					t.Errorf("ended after %s because %q, want %q", r.Run.EndedAt.Sub(r.Run.StartedAt), stopreason.Words(r), row.stopped)
				}
			})
		})
	}
}

func TestAnObservedLoadHasNothingOfItsOwn(t *testing.T) {
	t.Parallel()
	s := scenario.Scenario{
		Name: "x", Load: scenario.Load{Observed: true, Rate: pace.PerSecond(10), MaxBacklog: 3}, Producers: 2, Consumers: 3,
		Subscribers: 2, Batch: 4, Work: scenario.Work{Time: 1}, Prefill: 1, Hold: scenario.Hold{For: 1},
	}
	var fields []string
	for _, f := range s.Validate() {
		fields = append(fields, f.Field)
	}
	want := []string{"producers", "consumers", "load.rate", "load.max_backlog", "subscribers", "batch", "work", "prefill", "hold"}
	for _, field := range want {
		found := false
		for _, f := range fields {
			found = found || f == field
		}
		if !found {
			t.Errorf("no fault of %s, but of %q", field, fields)
		}
	}
	ok := scenario.Scenario{Name: "x", Load: scenario.Load{Observed: true}}
	if faults := ok.Validate(); len(faults) > 0 {
		t.Errorf("faults of a scenario that only observes: %v", faults)
	}
	if d := ok.WithDefaults(); !d.External || d.Producers != 0 || d.Consumers != 0 || d.Load.Duration != 10*time.Second {
		t.Errorf("with defaults: %+v", d)
	}
}

func TestJobsLongerThanTheLookAreNotTakenForShortOnes(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := memory.New()
		ctx, cancel := context.WithCancel(t.Context())
		c, err := q.OpenConsumer(ctx)
		if err != nil {
			t.Fatal(err)
		}
		say := func(id int, s jobqueue.Status) {
			if _, err := c.Publish(ctx, jobqueue.Update{JobID: fmt.Sprint(id), Status: s}.AppendTo(nil)); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
		done := make(chan struct{})
		go func() { // every third job takes a minute, the others 10 ms
			defer close(done)
			for i := 0; ctx.Err() == nil; i++ {
				say(i, jobqueue.Running)
				time.Sleep(10 * time.Millisecond)
				if i%3 > 0 {
					say(i, jobqueue.Completed)
				}
			}
		}()
		r := lookOn(t, scenario.Scenario{Load: scenario.Load{Duration: 30 * time.Second}, Thresholds: []string{"running.p90 < 1s", "running.p50 < 1s"}}, q)
		cancel()
		<-done
		s := r.Stages[metric.Running]
		if s.P50NS == nil || *s.P50NS != 10e6 || s.P90NS != nil || !strings.Contains(s.Missing["p90"].Words("p90"), "whose beginning or end was not heard") || s.Censored < 999 || s.Censored > 1001 {
			t.Errorf("p50 %v, p90 %v because %q, with %d censored; want 10 ms and none, since a third did not end", s.P50NS, s.P90NS, s.Missing["p90"].Words("p90"), s.Censored)
		}
		if r.Thresholds[0].Passed || !r.Thresholds[1].Passed {
			t.Errorf("thresholds %+v, want that on p90 failed", r.Thresholds)
		}
	})
}

func TestABurstIsCountedOnceAndIsNoTrend(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := memory.New()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); others(t, ctx, q) }()
		burst := time.AfterFunc(10*time.Second, func() { pushTheirs(t, q, 600) })
		defer burst.Stop()
		r := lookOn(t, scenario.Scenario{Load: scenario.Load{Duration: 20 * time.Second}}, q)
		cancel()
		<-done
		// 100 a second end, 5 a second stay, and 600 came at once.
		if a := *r.Observed.ArrivedPerS; a < 134 || a > 136 {
			t.Errorf("%v arrivals a second, want 135", a)
		}
	})
}
