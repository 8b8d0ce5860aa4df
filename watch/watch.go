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
	// Show is given each look. It may be nil.
	Show func(Look)
	// Outage is told the error when the updates cannot be heard any more, and
	// nil when they can be again. It may be nil.
	Outage func(error)
}

// pause is the time between two tries to subscribe again.
const pause = 500 * time.Millisecond

// Run watches until ctx ends, and returns a last look, with the totals. It is an
// error when the updates cannot be heard to begin with; what is published while
// a broken subscription is being replaced is missed, and Gaps counts that.
func Run(ctx context.Context, source Source, o Options) (Look, error) {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	s, err := source.OpenSubscriber(ctx)
	if err != nil {
		return Look{}, err
	}
	w := &watcher{source: source, options: o, start: time.Now(), seen: newSight()}
	var listening sync.WaitGroup
	listening.Go(func() { w.listen(ctx, s) })

	ticker := time.NewTicker(o.Every)
	defer ticker.Stop()
	var last Look
	for {
		select {
		case <-ticker.C:
			last = w.look(ctx)
			if o.Show != nil && ctx.Err() == nil {
				o.Show(last)
			}
		case <-ctx.Done():
			listening.Wait()
			// The context is over, and so is its use for asking.
			end := w.glance()
			end.Backlog, end.TrendPerS, end.DrainS = last.Backlog, last.TrendPerS, last.DrainS
			return end, nil
		}
	}
}

// watcher is a Run at work.
type watcher struct {
	source  Source
	options Options
	start   time.Time
	trend   trend

	mu   sync.Mutex // guards what follows
	seen *sight
}

// listen hears updates until ctx ends.
func (w *watcher) listen(ctx context.Context, s jobqueue.Subscriber) {
	for {
		err := w.hear(ctx, s)
		s.Close()
		if ctx.Err() != nil {
			return
		}
		w.tell(err)
		w.mu.Lock()
		w.seen.gaps++
		w.mu.Unlock()
		for {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
			if s, err = w.source.OpenSubscriber(ctx); err == nil {
				break
			}
		}
		w.tell(nil)
	}
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
	return w.seen.look(time.Since(w.start))
}

// look takes a look. A length that cannot be had is left out of it.
func (w *watcher) look(ctx context.Context) Look {
	ctx, cancel := context.WithTimeout(ctx, max(w.options.Every, time.Second))
	defer cancel()
	n, err := w.source.Len(ctx)
	l := w.glance()
	if err != nil {
		w.trend = trend{}
		if !errors.Is(err, context.Canceled) {
			l.Trouble = err.Error()
		}
		return l
	}
	l.Backlog = &n
	w.trend.add(l.ElapsedS, float64(n))
	if slope, known := w.trend.slope(); known {
		l.TrendPerS = &slope
		if slope < 0 || n == 0 {
			drain := 0.0
			if n > 0 {
				drain = float64(n) / -slope
			}
			l.DrainS = &drain
		}
	}
	return l
}
