package main

import (
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/scenario"
)

// workerFlags are the flags for workers that are started for a run.
type workerFlags struct {
	worker      *value[string]
	workerStart *value[time.Duration]
}

func addStartedWorker(f *flags) workerFlags {
	return workerFlags{
		worker: add(f, "worker", "", "`COMMAND` for sh that starts workers of yours: it is started before the load and ended\n"+
			"after it, and finds REDIS_URL, QUEUE and CHANNEL in its environment", literal.Text),
		workerStart: add(f, "worker-start", "", "`TIME` that --worker may take until it is ready (default 30s)", literal.Duration(1)),
	}
}

// workedBy is whether external workers do the jobs, where a flag says so.
func (o overrides) workedBy(asked scenario.Scenario) (external, given bool) {
	if o.workerCommand() != "" {
		return true, true
	}
	return asked.External, o.says("consumers")
}

// counted is whether --consumers gives a number.
func (o overrides) counted() bool { return o.says("consumers") && !o.asked().External }

// workerCommand is the command that is to be started for a run, empty for none. A
// number of consumers on the command line comes before one in the environment.
func (o overrides) workerCommand() string {
	if o.counted() && o.texts["consumers"].written() && !o.worker.written() {
		return ""
	}
	return o.worker.get()
}

// workerFaults says what is wrong with workers that are to be started.
func (o overrides) workerFaults(scenarios []scenario.Scenario) []fault {
	var faults []fault
	if !o.worker.given() && o.workerStart.written() {
		faults = append(faults, fault{"--worker-start: there is no worker to be started", "name its command with --worker"})
	}
	if o.worker.given() && o.counted() && o.texts["consumers"].written() == o.worker.written() {
		faults = append(faults, fault{
			fmt.Sprintf("--consumers and --%s both say who works on the jobs", o.worker.name),
			"leave one of them out",
		})
	}
	for _, s := range scenarios {
		if o.workerCommand() != "" && s.Load.Observed {
			faults = append(faults, fault{
				fmt.Sprintf("scenario %q: its producers are external, and a run that looks on starts no worker", s.Name),
				"leave --worker out, or name another scenario",
			})
		}
		if o.workerCommand() != "" && s.Prefill > 0 {
			faults = append(faults, fault{
				fmt.Sprintf("scenario %q: the worker is there before the load, and jobs that are prefilled would not wait for it", s.Name),
				"leave prefill out (--prefill 0), or start the workers by hand when the load has begun",
			})
		}
	}
	return faults
}
