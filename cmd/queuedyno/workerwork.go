package main

import (
	"fmt"

	"github.com/mattn/go-shellwords"

	"github.com/queuedyno/queuedyno/worker"
)

// work is what is to be done for each job.
func (w *workers) work() (worker.Work, []fault) {
	var (
		parts  []worker.Work
		faults []fault
	)
	if w.exec.given() {
		for _, flag := range []string{"work", "burn"} {
			if w.onCommandLine(flag) {
				faults = append(faults, fault{fmt.Sprintf("--%s and --exec both say what the work is", flag), "leave one of them out"})
			}
		}
		command, err := w.command()
		if err != nil {
			faults = append(faults, faultOf(err))
		}
		parts = append(parts, command)
	} else {
		for _, flag := range []string{"shell", "exec-timeout"} {
			if w.onCommandLine(flag) {
				faults = append(faults, fault{fmt.Sprintf("--%s goes with --exec only", flag), "say with --exec what to start"})
			}
		}
		if d := w.burn.get(); d > 0 {
			parts = append(parts, worker.Burn(d))
		}
		if w.wait.given() {
			d, err := w.wait.get().Load()
			if err != nil {
				faults = append(faults, fault{what: w.source("work") + ": " + err.Error()})
			} else if d.Mean() > 0 {
				parts = append(parts, worker.Wait(d))
			}
		}
	}
	if v := w.failRate.get(); v > 0 {
		parts = append(parts, worker.Fail(v))
	}
	return worker.Then(parts...), faults
}

// command is the work of --exec.
func (w *workers) command() (worker.Work, error) {
	text := w.exec.get()
	from := w.source("exec")
	args := []string{"sh", "-c", text}
	if !w.shell.get() {
		parser := shellwords.NewParser()
		var err error
		if args, err = parser.Parse(text); err != nil {
			return nil, &hinted{fmt.Sprintf("%s: %q: a quote or a bracket is not closed", from, text), ""}
		}
		if parser.Position >= 0 {
			return nil, &hinted{fmt.Sprintf("%s: %q: ; & | < and > are for a shell", from, text), "add --shell, or quote them"}
		}
	}
	work, err := worker.Exec(worker.Command{Args: args, Timeout: w.execTimeout.get(), Stdout: w.p.stdout})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return work, nil
}
