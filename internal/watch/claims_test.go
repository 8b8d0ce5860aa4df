package watch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
)

// take pops n jobs, one after every pause.
func take(t *testing.T, q jobqueue.Backend, n int, pause time.Duration) {
	c, err := q.OpenConsumer(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for range n {
		time.Sleep(pause)
		if _, err := c.Pop(t.Context(), 1, 0); err != nil {
			t.Error(err)
		}
	}
}

func TestNothingIsForetoldOfABacklogThatStandsStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		push(t, q, 1000)
		go take(t, q, 900, time.Second/338)
		standing := 0
		for _, l := range for20s(t, q, watch.Options{}) {
			if l.DrainS != nil && *l.DrainS < 0.01 {
				t.Errorf("after %.1f s, with %d jobs left, empty in %.3f s", l.ElapsedS, *l.Backlog, *l.DrainS)
			}
			if *l.Backlog > 100 || l.ElapsedS < 4 {
				continue
			}
			standing++
			if *l.TrendPerS != 0 || l.DrainS != nil {
				t.Errorf("after %.1f s the backlog stands at %d, and is reported to change by %.0f/s", l.ElapsedS, *l.Backlog, *l.TrendPerS)
			}
		}
		if standing < 16 {
			t.Errorf("the backlog stood still at %d looks only", standing)
		}
	})
}

func TestTheTrendIsThatOfTheLastFewLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		push(t, q, 1000)
		time.AfterFunc(10*time.Second, func() { take(t, q, 500, 20*time.Millisecond) })
		all := for20s(t, q, watch.Options{})
		// A second after it began to move, and before its end.
		for _, l := range []watch.Look{all[11], all[17]} {
			if l.DrainS == nil || *l.TrendPerS > -45 || *l.TrendPerS < -55 {
				t.Errorf("after %.1f s of 50 jobs a second less: %+v", l.ElapsedS, *l.TrendPerS)
			}
		}
	})
}

func TestTheRecentTimesForgetWhatTheTotalsKeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		go func() {
			for i := range 1100 {
				took := 2 * time.Millisecond
				if i >= 1000 {
					took = 100 * time.Millisecond
				}
				id := fmt.Sprint(i)
				say(t, q, jobqueue.Update{JobID: id, Status: jobqueue.Running})
				time.Sleep(took)
				say(t, q, jobqueue.Update{JobID: id, Status: jobqueue.Completed, Work: took})
			}
		}()
		all := for20s(t, q, watch.Options{})
		if l := all[0]; l.RecentS != 1 || l.RunningRecent.Count != l.Running.Count {
			t.Errorf("in the first second %d jobs of %d are recent, in %.1f s", l.RunningRecent.Count, l.Running.Count, l.RecentS)
		}
		// 2 s of fast jobs and 10 s of slow ones, of which the last ten are reported.
		l := all[12]
		for _, c := range []struct {
			name string
			got  watch.Times
			n    int64
			want time.Duration
		}{
			{"running_recent", l.RunningRecent, 100, 100 * time.Millisecond},
			{"work_recent", l.WorkRecent, 100, 100 * time.Millisecond},
			{"running", l.Running, 1100, 2 * time.Millisecond},
			{"work", l.Work, 1100, 2 * time.Millisecond},
		} {
			if p50 := time.Duration(*c.got.P50NS); p50 < c.want || p50 > c.want+c.want/100 || c.got.Count > c.n || c.got.Count < c.n-12 {
				t.Errorf("%s: p50 %v of %d jobs, want %v of %d", c.name, p50, c.got.Count, c.want, c.n)
			}
		}
		if l.RecentS != 10 {
			t.Errorf("recent_s = %v, want 10", l.RecentS)
		}
		if last := all[20]; last.RunningRecent.Count > 25 || last.Running.Count != 1100 {
			t.Errorf("at the end %d of %d jobs are recent", last.RunningRecent.Count, last.Running.Count)
		}
	})
}

// slow is a queue whose length takes a time to answer, or until the caller gives up.
type slow struct {
	*memory.Queue
	by time.Duration
}

func (q slow) Len(ctx context.Context) (int64, error) {
	select {
	case <-time.After(q.by):
		return q.Queue.Len(ctx)
	case <-ctx.Done():
		return 0, errors.New("i/o timeout")
	}
}

func TestTheLastLookHasALengthOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{time.Second, 1500 * time.Millisecond, 2 * time.Second, 2100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			q := slow{memory.New(), 300 * time.Millisecond}
			push(t, q, 3)
			ctx, cancel := context.WithTimeout(t.Context(), length)
			defer cancel()
			// While the length is asked for the last time a job is pushed.
			time.AfterFunc(length+100*time.Millisecond, func() { push(t, q, 1) })
			looks := 0
			last, err := watch.Run(ctx, q, watch.Options{Show: func(l watch.Look) error {
				looks++
				if l.Backlog == nil || l.Trouble != "" {
					t.Errorf("after %.1f s: backlog %v, %s", l.ElapsedS, l.Backlog, l.Trouble)
				}
				return nil
			}})
			if err != nil || last.Trouble != "" || last.Backlog == nil || *last.Backlog != 4 {
				t.Errorf("watching for %s ended with %+v, %v", length, last, err)
			}
			if want := int((length - 1) / time.Second); looks != want {
				t.Errorf("watching for %s: %d looks before the last, want %d", length, looks, want)
			}
		})
	}
}

func TestTheEndIsNotHeldUpByAQueueThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := slow{memory.New(), time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		from := time.Now()
		last, err := watch.Run(ctx, q, watch.Options{})
		if took := time.Since(from); err != nil || took > 2*time.Second || last.Backlog != nil || last.Trouble == "" {
			t.Errorf("it ended after %v with %+v, %v", took, last, err)
		}
	})
}

func TestWhatCannotBeShownEndsTheWatching(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left")
		from := time.Now()
		_, err := watch.Run(t.Context(), memory.New(), watch.Options{Show: func(watch.Look) error { return full }})
		if !errors.Is(err, full) || time.Since(from) > 2*time.Second {
			t.Errorf("Run = %v after %v, want the error of Show", err, time.Since(from))
		}
	})
}
