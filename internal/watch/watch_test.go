package watch_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
)

// say publishes updates: words are id and status.
func say(t *testing.T, q jobqueue.Backend, updates ...jobqueue.Update) {
	t.Helper()
	c, err := q.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, u := range updates {
		if _, err := c.Publish(t.Context(), u.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
	}
}

func push(t *testing.T, q jobqueue.Backend, n int) {
	t.Helper()
	p, err := q.OpenProducer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range n {
		if err := p.Push(t.Context(), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
}

// for20s watches the queue for 20 s of virtual time and returns every look, the
// last one at the end.
func for20s(t *testing.T, q watch.Source, o watch.Options) []watch.Look {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20500*time.Millisecond)
	defer cancel()
	var all []watch.Look
	o.Show = func(l watch.Look) error { all = append(all, l); return nil }
	last, err := watch.Run(ctx, q, o)
	if err != nil {
		t.Fatal(err)
	}
	return append(all, last)
}

func TestJobsAreTimedFromRunningToTheirEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		go func() {
			time.Sleep(time.Millisecond) // the subscription comes first
			for i := range 1000 {
				id := fmt.Sprint(i)
				say(t, q, jobqueue.Update{JobID: id, Status: jobqueue.Running})
				time.Sleep(10 * time.Millisecond)
				status := jobqueue.Completed
				if i%10 == 0 {
					status = jobqueue.Failed
				}
				say(t, q, jobqueue.Update{JobID: id, Status: status, Work: 7 * time.Millisecond})
			}
			// What began before anybody watched.
			say(t, q, jobqueue.Update{JobID: "old", Status: jobqueue.Completed})
			say(t, q, jobqueue.Update{JobID: "x", Status: "RETRYING"})
		}()
		all := for20s(t, q, watch.Options{})
		if len(all) != 21 {
			t.Fatalf("%d looks, want 20 and a last one", len(all))
		}
		if got, want := all[20].Total, (result.Updates{Running: 1000, Completed: 901, Failed: 100, Other: 1}); got != want {
			t.Errorf("Total = %+v, want %+v", got, want)
		}
		var sum int64
		for _, l := range all {
			sum += l.Span.Messages()
		}
		if sum != all[20].Total.Messages() {
			t.Errorf("the spans add up to %d messages, of %d", sum, all[20].Total.Messages())
		}
		for name, got := range map[string]watch.Times{"10ms": all[20].Running, "7ms": all[20].Work} {
			want, _ := time.ParseDuration(name)
			if got.Count != 1000 || time.Duration(*got.P99NS) != want || time.Duration(*got.MaxNS) != want {
				t.Errorf("%d jobs with p99 %v and at most %v, want 1000 of %v", got.Count, time.Duration(*got.P99NS), time.Duration(*got.MaxNS), want)
			}
		}
		if all[20].Alone != 1 || all[20].Forgotten != 0 {
			t.Errorf("%d ended alone, %d forgotten, want 1 and 0", all[20].Alone, all[20].Forgotten)
		}
	})
}

func TestTheBacklogsTrendSaysWhenItIsEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		push(t, q, 1000)
		go func() { // takes 20 a second, after 50 ms and so on
			c, err := q.OpenConsumer(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			for range 410 {
				time.Sleep(50 * time.Millisecond)
				if _, err := c.Pop(t.Context(), 1, 0); err != nil {
					t.Error(err)
				}
			}
		}()
		all := for20s(t, q, watch.Options{})
		if all[0].TrendPerS != nil || all[0].DrainS != nil {
			t.Errorf("a trend after one look: %v", *all[0].TrendPerS)
		}
		l := all[14] // after 15 s
		if n := *l.Backlog; n < 699 || n > 701 {
			t.Errorf("backlog %d after 15 s, want 700", n)
		}
		if *l.TrendPerS < -20.5 || *l.TrendPerS > -19.5 || *l.DrainS < 34 || *l.DrainS > 36 {
			t.Errorf("trend %.2f/s and empty in %.2f s, want -20 and 35", *l.TrendPerS, *l.DrainS)
		}
		if n, _ := q.Len(t.Context()); *all[19].Backlog < n {
			t.Errorf("%d jobs are left, of %d seen: the watcher took some", n, *all[19].Backlog)
		}
	})
}

func TestAGrowingBacklogIsNeverEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		go func() {
			for range 200 {
				push(t, q, 1)
				time.Sleep(100 * time.Millisecond)
			}
		}()
		l := for20s(t, q, watch.Options{})[18]
		if *l.TrendPerS < 9.5 || l.DrainS != nil {
			t.Errorf("trend %.2f/s, empty in %v; want 10 and never", *l.TrendPerS, l.DrainS)
		}
	})
}

func TestWhatIsNoUpdateIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		go func() {
			c, err := q.OpenConsumer(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Second)
			for _, m := range []string{"", "hello", `{"jobId":""}`, `{"status":"COMPLETED"}`, "[]"} {
				if _, err := c.Publish(t.Context(), []byte(m)); err != nil {
					t.Error(err)
				}
			}
		}()
		all := for20s(t, q, watch.Options{})
		if got := all[20].Total; got != (result.Updates{Unreadable: 5}) {
			t.Errorf("Total = %+v, want 5 unreadable", got)
		}
	})
}

// flaky is a queue whose subscriptions break once, and whose length cannot be
// had in the meantime.
type flaky struct {
	*memory.Queue
	away atomic.Bool
	open chan jobqueue.Subscriber
}

var errAway = errors.New("away")

func (q *flaky) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	if q.away.Load() {
		return nil, errAway
	}
	s, err := q.Queue.OpenSubscriber(ctx)
	q.open <- s
	return s, err
}

func (q *flaky) Len(ctx context.Context) (int64, error) {
	if q.away.Load() {
		return 0, errAway
	}
	return q.Queue.Len(ctx)
}

func TestAnOutageIsToldAndLeavesAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &flaky{Queue: memory.New(), open: make(chan jobqueue.Subscriber, 2)}
		time.AfterFunc(5500*time.Millisecond, func() {
			q.away.Store(true)
			(<-q.open).Close()
		})
		time.AfterFunc(10500*time.Millisecond, func() { q.away.Store(false) })
		time.AfterFunc(12*time.Second, func() { say(t, q, jobqueue.Update{JobID: "a", Status: jobqueue.Completed}) })
		var reported []error
		all := for20s(t, q, watch.Options{Outage: func(err error) { reported = append(reported, err) }})
		if len(reported) != 2 || reported[0] == nil || reported[1] != nil {
			t.Errorf("reported %v, want an error and its end", reported)
		}
		if l := all[6]; l.Backlog != nil || l.Trouble == "" {
			t.Errorf("during the outage: backlog %v, trouble %q", l.Backlog, l.Trouble)
		}
		if l := all[20]; l.Gaps != 1 || l.Total.Completed != 1 || l.Backlog == nil {
			t.Errorf("at the end: %+v, want one gap and the update after it", l)
		}
	})
}

func TestTheDistributionsOfAllJobsArePassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		go func() {
			time.Sleep(time.Millisecond) // the subscription comes first
			for i := range 100 {
				id := fmt.Sprint(i)
				say(t, q, jobqueue.Update{JobID: id, Status: jobqueue.Running})
				time.Sleep(10 * time.Millisecond)
				say(t, q, jobqueue.Update{JobID: id, Status: jobqueue.Completed, Work: 7 * time.Millisecond})
			}
		}()
		var running, work []int64
		looks := for20s(t, q, watch.Options{Times: func(r, w *latency.Histogram) {
			running, work = append(running, r.Count()), append(work, w.Count())
		}})
		if len(running) != len(looks) || running[len(running)-1] != 100 || work[len(work)-1] != 100 {
			t.Errorf("with %d looks, running %v and work %v; want 100 at the end", len(looks), running, work)
		}
	})
}
