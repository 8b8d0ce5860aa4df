package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/startedworker"
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
	if w.current, err = w.s.c.startWorker(ctx, sc.Name, client, cfg); err != nil {
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
// whose consumers are external. Workers behind the user's API are external, too: what a
// trial leaves behind is theirs to finish, and its drain waits for them.
func (c *searching) workerProblems(s scenario.Scenario) (problems []problem.Problem) {
	problems = c.runner.WorkerProblems([]scenario.Scenario{s})
	if s.External && s.Entry.Kind != scenario.EntryHTTP && c.WorkerCommand() == "" {
		problems = append(problems, problem.Problem{
			What: fmt.Sprintf("scenario %q: its consumers are external, and a search can only empty the queues of workers that it starts", s.Name),
			Hint: "start them with --worker, use --consumers NUMBER, or try single rates with queuedyno run --consumers external",
		})
	}
	if c.WorkerCommand() == "" {
		return problems
	}
	for _, d := range c.vary {
		if field := d.Field; field == "consumers" || field == "work" {
			problems = append(problems, problem.Problem{What: fmt.Sprintf("--vary %s: the workers of --worker decide that", field), Hint: "vary another field, or remove --worker"})
		}
	}
	return problems
}

// resumedWorkerProblems says whether a stored search can go on with the workers of
// the command line: they have to be those of its other trials.
func (c *searching) resumedWorkerProblems(dir string, s scenario.Scenario, stored string) []problem.Problem {
	command := c.WorkerCommand()
	switch {
	case s.External && command == "":
		return []problem.Problem{{What: dir + ": its workers were started by the search", Hint: "repeat their command: --worker '" + stored + "'"}}
	case !s.External && command != "":
		return []problem.Problem{{What: "--worker: the stored search used built-in consumers", Hint: "remove it, or start a new search"}}
	case s.External && console.Redact(console.OneLine(command)) != stored && !strings.Contains(stored, "***"):
		return []problem.Problem{{What: fmt.Sprintf("--worker: the stored search used another command: %s", stored), Hint: "use the same command, or start a new search"}}
	}
	return nil
}
