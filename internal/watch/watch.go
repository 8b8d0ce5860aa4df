// Package watch looks at a queue and its updates from outside: it subscribes,
// asks for the length, and never takes a job. What it tells is what an observer
// can know; the time from due to notified, and lost jobs, only a run can tell.
// Begin reading at [Run].
package watch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Source is what is watched: a [jobqueue.Backend], for example.
type Source interface {
	OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error)
	Len(ctx context.Context) (int64, error)
}

// Options say how to watch. The zero Options are useful.
type Options struct {
	// Every is the time between two looks, a second if zero.
	Every time.Duration
	// Show is given each look but the last, which Run returns. An error ends the
	// watching, and is Run's. It may be nil.
	Show func(Look) error
	// Times is given the distributions that the times of a look are of, before each
	// look and before the last: those of all jobs since the start. They are valid
	// during the call only, which delays the reading of updates. It may be nil.
	Times func(running, work *latency.Histogram)
	// Update is the form of the updates. The zero Mapping is the documented form.
	Update updates.Mapping
	// Survey asks what there is besides the queue, once the updates are heard. nil means that
	// no one asks.
	Survey func(ctx context.Context) *Around
	// Outage gets the error when the updates cannot be received any more, and
	// nil when they can be again. It may be nil.
	Outage func(error)
}

// answerWithin is how long the queue's length is waited for.
const answerWithin = time.Second

// reconnects is how Run subscribes again. Every loss is reported.
var reconnects = reconnect.Policy{First: 500 * time.Millisecond, Longest: 500 * time.Millisecond}

// Run watches until ctx ends, and returns a last look, with the totals and the
// length that the queue has then; a look that would be due at nearly the same
// moment is left out. The length is waited for up to a second, beyond the end of
// ctx as well. It is an error when the updates cannot be heard to begin with; what
// is published while a broken subscription is being replaced is missed, and Gaps
// counts that.
func Run(ctx context.Context, source Source, o Options) (Look, error) {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	s, err := source.OpenSubscriber(ctx)
	if err != nil {
		return Look{}, err
	}
	w := &watcher{source: source, options: o, start: time.Now(), seen: newSight(o.Update)}
	if o.Survey != nil {
		w.around = o.Survey(ctx)
	}
	hearing, enough := context.WithCancel(ctx)
	var listening sync.WaitGroup
	listening.Go(func() { w.listen(hearing, s) })
	err = w.looks(ctx)
	enough()
	listening.Wait()
	if err != nil {
		return Look{}, err
	}
	return w.look(ctx), nil
}

// looks shows one look after another until ctx ends.
func (w *watcher) looks(ctx context.Context) error {
	ticker := time.NewTicker(w.options.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if end, ends := ctx.Deadline(); ends && time.Until(end) < w.options.Every/10 {
			<-ctx.Done()
			return nil
		}
		if l := w.look(ctx); w.options.Show != nil {
			if err := w.options.Show(l); err != nil {
				return err
			}
		}
	}
}

// watcher is a Run at work.
type watcher struct {
	source  Source
	options Options
	start   time.Time
	trend   trend
	around  *Around // of the beginning; nil without a survey

	mu   sync.Mutex // guards what follows
	seen *sight
}

// listen hears updates until ctx ends.
func (w *watcher) listen(ctx context.Context, s jobqueue.Subscriber) {
	for {
		err := w.hear(ctx, s)
		silent := s.Close() // a subscription that is dead does not confirm its end
		if ctx.Err() != nil {
			if errors.Is(silent, jobqueue.ErrLost) {
				w.gap()
			}
			return
		}
		w.tell(err)
		if !jobqueue.Resumes(s) || errors.Is(err, jobqueue.ErrMissed) {
			w.gap()
		}
		for {
			reconnect.Wait(reconnects.Pause(1), ctx.Done())
			if ctx.Err() != nil {
				return
			}
			if s, err = w.source.OpenSubscriber(ctx); err == nil {
				break
			}
		}
		w.tell(nil)
	}
}

// gap notes that updates may have been missed.
func (w *watcher) gap() {
	w.mu.Lock()
	w.seen.gaps++
	w.mu.Unlock()
}

func (w *watcher) tell(err error) {
	if w.options.Outage != nil {
		w.options.Outage(err)
	}
}

// hear hears updates until the subscription breaks.
func (w *watcher) hear(ctx context.Context, s jobqueue.Subscriber) error {
	for {
		m, err := s.Receive(ctx)
		if err != nil {
			return err
		}
		at := time.Since(w.start)
		w.mu.Lock()
		w.seen.message(m, at)
		w.mu.Unlock()
	}
}

// glance is a look without the backlog.
func (w *watcher) glance() Look {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.options.Times != nil {
		w.options.Times(w.seen.running, w.seen.work)
	}
	return w.seen.look(time.Since(w.start))
}

// look takes a look. A length that cannot be had is left out of it. It is not
// broken off by the end of ctx: that would be an answer that is late by chance,
// and look like trouble.
func (w *watcher) look(ctx context.Context) Look {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	n, err := w.source.Len(ctx)
	l := w.glance()
	if err != nil {
		w.trend = trend{}
		l.Trouble = err.Error()
		return l
	}
	l.Backlog = &n
	if a := w.around; a != nil && (a.Missing && n > 0 || l.Total.Messages() > 0) {
		w.around = nil
	}
	l.Around = w.around
	w.trend.add(l.ElapsedS, float64(n))
	slope, known := w.trend.slope()
	if known {
		l.TrendPerS = &slope
	}
	switch {
	case n == 0:
		l.DrainS = new(float64)
	case known && slope < 0 && w.trend.fell():
		drain := float64(n) / -slope
		l.DrainS = &drain
	}
	return l
}
