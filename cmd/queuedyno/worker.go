package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/worker"
)

const workerHelp = `Work on the jobs of a queue: pop, do the work, publish COMPLETED or FAILED.

The work is a wait (--work), processor time (--burn), both one after the other,
or a process for each job (--exec); without any of them a job is done at once.
A process gets the element on its standard input and the job's id in
QUEUEDYNO_JOB_ID; exit code 0 means COMPLETED, any other FAILED with the last
line of its standard error. --exec takes the program and its arguments in one
string, split at spaces and quotes; --shell has sh read it instead.

An element of the list is a job's id, or JSON with "jobId" and perhaps
"tenantId"; of anything else the whole element is the id. Updates say in "workNs"
how long the work took.

It works until Ctrl-C, which finishes and publishes what is in hand; a second
Ctrl-C drops that. When Redis goes away it waits for it.

Exit codes: 0 ended and everything published, 1 could not run or an outcome could
not be published, 130 jobs in hand were dropped.`

const workerExample = `  queuedyno worker -u redis://localhost:6379 -y 8 --work 20ms
  queuedyno worker -u redis://localhost:6379 -y 4 --burn 5ms --fail-rate 1%
  queuedyno worker -u redis://localhost:6379 --queue mails --exec 'node send.js' --exec-timeout 30s`

// workers is the verb worker at work.
type workers struct {
	existing
	consumers   *value[int]
	wait        *value[draw.Duration]
	burn        *value[time.Duration]
	failRate    *value[float64]
	exec        *value[string]
	shell       *value[bool]
	execTimeout *value[time.Duration]
	running     *value[bool]
	jobs        *value[int64]
	idle        *value[time.Duration]
	asJSON      *value[bool]
}

func (p *program) workerVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "worker",
		Short:   "Work on the jobs of a queue",
		Long:    workerHelp,
		Example: workerExample,
		Args:    noArgs,
	}
	w := addWorkerFlags(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(func(cmd *cobra.Command, _ []string) error {
		p.console.quiet = w.quiet.get()
		return w.do(cmd.Context())
	})
	w.complete(cmd)
	for _, flag := range []string{"consumers", "work", "burn", "fail-rate", "exec", "exec-timeout", "jobs", "idle"} {
		complete(cmd, flag, nothing())
	}
	return cmd
}

func addWorkerFlags(p *program, f *flags) *workers {
	w := &workers{}
	w.addQueue(f, p, "that jobs are taken from")
	w.addChannel(f, "that updates are published on")
	w.consumers = add(f, "consumers", "y", "`NUMBER` of jobs that are worked on at the same time (default: the number of processors)", smallCount)
	w.wait = add(f, "work", "", "each job waits for a `TIME`: 20ms, or drawn from 2ms..8ms, exp(5ms),\n"+
		"lognormal(p50=5ms,p99=40ms) or file(samples.txt)", draw.ParseDuration)
	w.burn = add(f, "burn", "", "each job uses a `TIME` of a processor", duration(0))
	w.failRate = add(f, "fail-rate", "", "`SHARE` of the jobs that fail, like 1% or 0.01 (default none)", scenario.ParseShare)
	w.exec = add(f, "exec", "", "each job is a process: a `COMMAND` with its arguments", anyText)
	w.shell = addSwitch(f, "shell", "", "have sh read the command of --exec")
	w.execTimeout = add(f, "exec-timeout", "", "`TIME` after which a process is killed and its job has failed (default none)", duration(1))
	w.running = addSwitch(f, "running", "", "publish RUNNING before the work")
	w.jobs = add(f, "jobs", "n", "stop after a `NUMBER` of jobs", count)
	w.idle = add(f, "idle", "", "stop after a `TIME` without a job", duration(1))
	w.addRedis(f, "design", "visibility", "poll", "queues", "notify", "channels", "tenants")
	w.asJSON = addSwitch(f, "json", "", "print the account at the end as JSON")
	return w
}

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

// timesOfDesign refuses times that the design has no use for.
func (w *workers) timesOfDesign() []fault {
	var faults []fault
	design := w.design.or(jobqueue.List)
	if w.onCommandLine("visibility") && design != jobqueue.ReliableList && design != jobqueue.Stream {
		faults = append(faults, fault{fmt.Sprintf("--visibility means nothing to the design %s", design), "add --design reliable-list or --design stream"})
	}
	if w.onCommandLine("poll") && design != jobqueue.ListPoll {
		faults = append(faults, fault{fmt.Sprintf("--poll means nothing to the design %s", design), "add --design list-poll"})
	}
	return faults
}

// apart reports whether each tenant has a channel of his own.
func (w *workers) apart() bool {
	return w.channels.or(scenario.OneChannel) != scenario.OneChannel
}

// tenantsChannels refuses channels without tenants, and tenants without channels.
func (w *workers) tenantsChannels() []fault {
	switch {
	case w.apart() && !w.tenants.given():
		return []fault{{fmt.Sprintf("--channels %s: it is not said how many tenants there are", w.channels.get()), "add --tenants NUMBER"}}
	case !w.apart() && w.onCommandLine("tenants"):
		return []fault{{"--tenants means nothing where all updates go to one channel", "add --channels tenant"}}
	}
	return nil
}

// channelOf is the channel of each tenant, t1 having the first. So has a tenant
// who has none of his own.
func (w *workers) channelOf() func(tenant string) int {
	if !w.apart() {
		return nil
	}
	n := w.tenants.get().Count
	numbers := make(map[string]int, n)
	for i := range n {
		numbers[scenario.TenantName(i)] = i
	}
	return func(tenant string) int { return numbers[tenant] }
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

func (w *workers) do(ctx context.Context) error {
	faults := append(slices.Clone(w.faults), w.check()...)
	work, wrong := w.work()
	faults = append(faults, w.timesOfDesign()...)
	faults = append(faults, w.tenantsChannels()...)
	if err := usageErr(append(faults, wrong...)...); err != nil {
		return err
	}
	ctx, signals := listen(ctx, w.p.console)
	defer signals.close()
	client, err := w.connect(ctx)
	if err == nil {
		defer client.Close()
		_, err = client.Len(ctx) // a key of another type is found out here
	}
	switch {
	case signals.happened():
		return &failure{exitInterrupted, []fault{{what: "interrupted before it began"}}}
	case err != nil:
		return failed(err)
	}
	pool := &worker.Pool{
		Queue: client, Work: work,
		Channel:   w.channelOf(),
		Consumers: w.consumers.or(runtime.GOMAXPROCS(0)), Running: w.running.get(),
		Jobs: w.jobs.get(), Idle: w.idle.get(), Stop: signals.Stop, Outage: w.outage,
	}
	w.p.console.note("worker: %s on %q at %s, updates on %q", plural(pool.Consumers, "consumer"), client.Queue(), w.address, client.Channel())
	signals.during("finishing the jobs in hand")
	from := time.Now()
	shown := w.progress(pool)
	err = pool.Run(ctx)
	shown()
	signals.load(false)
	return w.account(pool.Tally(), time.Since(from), err)
}

// outage says that Redis is away, and that it is back.
func (w *workers) outage(err error) {
	if err != nil {
		w.p.console.note("worker: %v; waiting for it", err)
	} else {
		w.p.console.note("worker: redis answers again")
	}
}

// progress shows how it goes, once a second on a terminal and else every few,
// until the function it returns is called.
func (w *workers) progress(pool *worker.Pool) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		every := 1 // seconds
		if !w.p.console.live {
			every = int(plainEvery / time.Second)
		}
		var before int64
		for second := 1; ; second++ {
			select {
			case <-ticker.C:
			case <-stop:
				w.p.console.wipe()
				return
			}
			if second%every != 0 {
				continue
			}
			t := pool.Tally()
			done := t.Completed + t.Failed
			line := tallyLine(t, (done-before)/int64(every))
			before = done
			if w.p.console.live {
				w.p.console.draw("worker " + line)
			} else {
				w.p.console.note("worker: %s", line)
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// tallyLine is how far a pool is, and how fast.
func tallyLine(t worker.Tally, perS int64) string {
	line := fmt.Sprintf("%s jobs/s  %s done  %s failed", thousands(perS), thousands(t.Completed+t.Failed), thousands(t.Failed))
	if t.Reconnects > 0 {
		line += "  " + plural(int(t.Reconnects), "reconnect")
	}
	return line
}

// account prints what was done and judges it.
func (w *workers) account(t worker.Tally, took time.Duration, err error) error {
	n := t.Completed + t.Failed
	if wErr := w.write(t, n, took); wErr != nil {
		return failed(fmt.Errorf("write to standard output: %w", wErr))
	}
	switch {
	case err != nil:
		return &failure{exitInterrupted, []fault{{what: fmt.Sprintf("stopped at once: %s dropped, %s not published",
			plural(int(t.Dropped), "job"), plural(int(t.Unpublished), "outcome"))}}}
	case t.Unpublished > 0:
		return &failure{exitFailed, []fault{{
			plural(int(t.Unpublished), "outcome") + " could not be published: redis was away until the end",
			"these jobs were worked on; whoever waits for them is not told",
		}}}
	}
	return nil
}

func (w *workers) write(t worker.Tally, n int64, took time.Duration) error {
	rate := float64(n) / took.Seconds()
	if w.asJSON.get() {
		return writeJSON(w.p.stdout, struct {
			worker.Tally
			Jobs     int64   `json:"jobs"`
			ElapsedS float64 `json:"elapsed_s"`
			PerS     float64 `json:"jobs_per_s"`
		}{t, n, took.Seconds(), rate})
	}
	_, err := fmt.Fprintf(w.p.stdout, "worked on %s in %s (%s jobs/s): %s completed, %s failed\n",
		plural(int(n), "job"), took.Round(10*time.Millisecond), thousands(round(rate)), thousands(t.Completed), thousands(t.Failed))
	return err
}
