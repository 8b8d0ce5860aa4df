package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/startedworker"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// searchWorker is what --worker started for a search. The workers stay from one
// trial to the next, so that their start and their warm-up are no part of the
// trials, and they keep their queue and channel. They are started anew after a
// trial that left jobs behind, which they might still be working on, and for each
// trial of a design whose queue is more than a list: it is removed with the trial.
type searchWorker struct {
	s              *search
	queue, channel string
	current        *startedworker.Worker // nil before the first trial and after a stop
	endMourning    func()
	left           bool // the last trial did not account for all of its jobs
}

var _ engine.Workers = (*searchWorker)(nil)

func newSearchWorker(s *search, sc scenario.Scenario) *searchWorker {
	w := &searchWorker{s: s}
	w.queue, w.channel = ownNames(sc, flight.NewID())
	w.queue, w.channel = cmp.Or(s.c.queue, w.queue), cmp.Or(s.c.channel, w.channel)
	return w
}

// open connects to the queue of the search and sees to it that the workers are
// there, with nothing to do.
func (w *searchWorker) open(ctx context.Context, sc scenario.Scenario) (*jobqueue.Client, error) {
	if w.left || sc.Design == jobqueue.Stream || sc.Design == jobqueue.ReliableList {
		w.end()
	}
	cfg := w.s.c.config(sc, w.s.server, w.queue, w.channel)
	client, err := jobqueue.Connect(ctx, cfg)
	if err != nil || w.current != nil {
		return client, err
	}
	if w.current, err = w.s.c.startWorker(ctx, sc, client, cfg); err != nil {
		client.Close()
		return nil, err
	}
	w.s.r.Worker = w.current.Hide(console.OneLine(w.s.c.WorkerCommand()))
	w.endMourning = w.current.WatchExit()
	if w.current.Warning != "" {
		w.s.warn("%s", w.current.Warning)
	}
	return client, nil
}

// saw looks at the result of a trial.
func (w *searchWorker) saw(r *result.Result) {
	w.left = r.Ledger.Lost > 0 || r.Ledger.Notified < r.Ledger.Sent
	for _, warning := range w.current.Warnings(r) {
		w.s.warn("%s", warning)
	}
}

// Begin is called when the load of a trial begins. What it leaves is not known
// until its result was seen.
func (w *searchWorker) Begin() {
	w.left = true
	w.current.Begin()
}

// End is called when its last job is accounted for.
func (w *searchWorker) End() engine.Worked { return w.current.End() }

// Stop lets the workers go on: the next trial is theirs, too.
func (w *searchWorker) Stop() (warning string) { return "" }

// end ends the workers. It is safe on nil.
func (w *searchWorker) end() {
	if w == nil || w.current == nil {
		return
	}
	if warning := w.current.Stop(); warning != "" {
		w.s.warn("%s", warning)
	}
	w.endMourning()
	w.current, w.left = nil, false
}

// workerProblems says what is wrong with a search that starts workers, and with one
// whose consumers are external.
func (c *searching) workerProblems(s scenario.Scenario) (problems problem.List) {
	problems = c.runner.WorkerProblems([]scenario.Scenario{s})
	who, remedy := "external workers", "use --consumers NUMBER"
	switch {
	case c.WorkerCommand() != "":
		who, remedy = "the workers of --worker", "remove --worker"
	case !s.External:
		return problems
	}
	for _, d := range c.vary {
		if field := d.Field; field == "consumers" || field == "work" {
			problems.Add(fmt.Sprintf("--vary %s: %s decide that", field, who), "vary another field, or "+remedy)
		}
	}
	return problems
}

// resumedWorkerProblems says whether a stored search can go on with the workers of
// the command line: they have to be those of its other trials.
func (c *searching) resumedWorkerProblems(dir string, r *study.Record) problem.List {
	command := c.WorkerCommand()
	switch {
	case r.Worker != "" && command == "":
		return problem.List{{What: dir + ": its workers were started by the search", Hint: "repeat their command: --worker '" + r.Worker + "'"}}
	case r.Worker == "" && command != "" && r.Scenario.External:
		return problem.List{{What: "--worker: the workers of the stored search ran already", Hint: "remove it, or start a new search"}}
	case r.Worker == "" && command != "":
		return problem.List{{What: "--worker: the stored search used built-in consumers", Hint: "remove it, or start a new search"}}
	case console.Redact(console.OneLine(command)) != r.Worker && !strings.Contains(r.Worker, "***"):
		return problem.List{{What: fmt.Sprintf("--worker: the stored search used another command: %s", r.Worker), Hint: "use the same command, or start a new search"}}
	}
	return nil
}

// standingWorkers are workers that run already and stay when the search ends. What a
// trial leaves to them is theirs to finish, and the next trial has to wait for it: it
// would measure the last one otherwise.
type standingWorkers struct {
	console *console.Console
	stop    <-chan struct{} // closed when the search is interrupted

	left    int64         // jobs of the last trial that were not accounted for
	rate    float64       // jobs per second that the last trial achieved
	fastest time.Duration // the shortest time that a job of it took
}

// mostWait is how long a trial is waited for by the next one.
const mostWait = time.Minute

// saw looks at the result of a trial.
func (w *standingWorkers) saw(r *result.Result) {
	w.left, w.rate, w.fastest = max(0, r.Ledger.Sent-r.Ledger.Notified), r.Rates.AchievedPerS, 0
	if least := r.Stages["from_send"].MinNS; least != nil {
		w.fastest = time.Duration(*least)
	}
}

// silence is how long no notification may arrive until the workers are taken to be
// idle: three times as long as the fastest job took, a second to ten.
func (w *standingWorkers) silence() time.Duration {
	return min(max(time.Second, 3*w.fastest), 10*time.Second)
}

// need is how long the jobs that are left take at the rate of the last trial, and half
// as long again.
func (w *standingWorkers) need() time.Duration {
	if w.rate <= 0 {
		return mostWait
	}
	return min(time.Duration(1.5*float64(w.left)/w.rate*float64(time.Second))+w.silence(), mostWait)
}

// wait waits as long as the jobs that are left need. It is for workers whose queue and
// channel cannot be seen.
func (w *standingWorkers) wait(ctx context.Context) error {
	if w.left == 0 {
		return nil
	}
	w.console.Note("capacity: waiting %s for %s that the last trial left", w.need().Round(time.Second/10), number.Plural(w.left, "job"))
	return w.pause(ctx, w.need())
}

// settle waits until the queue is empty and no notification arrives any more.
func (w *standingWorkers) settle(ctx context.Context, client *jobqueue.Client, sc scenario.Scenario) (err error) {
	if w.left == 0 {
		return nil
	}
	w.console.Note("capacity: waiting for the workers to finish %s that the last trial left", number.Plural(w.left, "job"))
	heard, err := library.Over(sc, client, "")
	if err != nil {
		return err
	}
	sub, err := heard.OpenSubscriber(ctx)
	if err != nil {
		return fmt.Errorf("listen for the jobs that the last trial left: %w", err)
	}
	defer sub.Close()
	for end := time.Now().Add(mostWait); ; {
		silent, err := w.silent(ctx, sub)
		if err != nil {
			return err
		}
		waiting, err := client.Len(ctx)
		late := time.Now().After(end)
		switch {
		case err != nil:
			return fmt.Errorf("read the length of the queue: %w", err)
		case waiting == 0 && (silent || late): // others may use the channel, too
			return nil
		case late:
			return &problem.Hinted{
				What:   fmt.Sprintf("the workers have not finished the jobs of the last trial within %s: %s in the queue", mostWait, number.Plural(waiting, "job")),
				Remedy: "check that they run and take jobs; --resume continues the search",
			}
		}
	}
}

// silent listens for up to twice as long as silence takes, and says whether there was
// any.
func (w *standingWorkers) silent(ctx context.Context, sub jobqueue.Subscriber) (bool, error) {
	for end := time.Now().Add(2 * w.silence()); time.Now().Before(end); {
		bound, cancel := context.WithTimeout(ctx, w.silence())
		_, err := sub.Receive(bound)
		cancel()
		switch {
		case ctx.Err() != nil || w.stopped():
			return false, capacity.ErrCut
		case errors.Is(err, context.DeadlineExceeded):
			return true, nil
		case err != nil:
			return false, fmt.Errorf("listen for the jobs that the last trial left: %w", err)
		}
	}
	return false, nil
}

// pause waits for a time.
func (w *standingWorkers) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
	case <-w.stop:
	}
	return capacity.ErrCut
}

func (w *standingWorkers) stopped() bool {
	select {
	case <-w.stop:
		return true
	default:
		return false
	}
}
