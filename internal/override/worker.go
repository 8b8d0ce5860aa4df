package override

import (
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/scenario"
)

// Worker says which workers are started for a run.
type Worker struct {
	Command   string        // for sh, empty for none
	Start     time.Duration // how long they may take to be ready
	Processes int           // how many times the command is started, 0 for once
	Flag      string        // the flag that said so, empty for --worker
}

// DeclareWorker declares the flags for workers that are started.
func (o *Flags) DeclareWorker() {
	o.Start = 30 * time.Second
	o.Group("External workers")
	flags.Var(o.Set, &o.Command, "worker", "", "`COMMAND` for sh that starts your workers. It is started before the load and stopped after it, "+
		"and finds REDIS_URL, QUEUE and CHANNEL in its environment", literal.Text)
	flags.Var(o.Set, &o.Start, "worker-start", "", "`TIME` that --worker may take to get ready (default 30s)", literal.Duration(1))
}

// maxProcesses bounds how many times a command is started.
const maxProcesses = 1000

// DeclareProcesses declares the flag for how many times the workers are started.
func (o *Flags) DeclareProcesses() {
	flags.Var(o.Set, &o.Processes, "worker-processes", "", "start --worker `N` times, each in its own process group, so that a fault can kill some of them (default 1)", func(text string) (int, error) {
		n, err := literal.Int(text)
		if err == nil && (n < 1 || n > maxProcesses) {
			err = fmt.Errorf("%d is not a number from 1 to %d", n, maxProcesses)
		}
		return n, err
	})
}

// WorkerFlag is the flag that says which workers are started.
func (o Flags) WorkerFlag() string {
	if o.Flag != "" {
		return o.Flag
	}
	return "worker"
}

// workedBy is whether external workers do the jobs, where a flag says so.
func (o Flags) workedBy(asked scenario.Scenario) (external, given bool) {
	if o.WorkerCommand() != "" {
		return true, true
	}
	return asked.External, o.Given("consumers")
}

// counted is whether --consumers gives a number.
func (o Flags) counted() bool { return o.Given("consumers") && !o.Asked().External }

// WorkerCommand is the command that is to be started for a run, empty for none. A
// number of consumers on the command line comes before one in the environment.
func (o Flags) WorkerCommand() string {
	if o.counted() && o.Written("consumers") && !o.Written(o.WorkerFlag()) {
		return ""
	}
	return o.Command
}

// WorkerProblems says what is wrong with workers that are to be started.
func (o Flags) WorkerProblems(scenarios []scenario.Scenario) problem.List {
	var problems problem.List
	for _, flag := range []string{"worker-start", "worker-processes"} {
		if o.Command == "" && o.Written(flag) {
			problems.Add("--"+flag+" requires --worker", "add --worker COMMAND")
		}
	}
	if o.Command != "" && o.counted() && o.Written("consumers") == o.Written(o.WorkerFlag()) {
		problems.Add(fmt.Sprintf("--consumers and --%s both say who does the jobs", o.WorkerFlag()),
			"remove one of them")
	}
	for _, s := range scenarios {
		if o.WorkerCommand() != "" && s.Load.Observed {
			problems.Add(fmt.Sprintf("scenario %q: its producers are external, and a run that only observes does not start workers", s.Name),
				"remove --worker, or choose another scenario")
		}
		if o.WorkerCommand() != "" && s.Prefill > 0 {
			problems.Add(fmt.Sprintf("scenario %q: the worker starts before the load and would take the prefilled jobs at once", s.Name),
				"remove prefill (--prefill 0), or start the workers by hand after the load has started")
		}
	}
	return problems
}
