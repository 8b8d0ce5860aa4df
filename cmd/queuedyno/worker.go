package main

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
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
Ctrl-C drops that. When Redis goes away it waits for it; when Redis refuses it,
for want of a right for example, it ends.

Exit codes: 0 ended and everything published, 1 could not run, was refused, or an
outcome could not be published, 130 jobs in hand were dropped.`

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
	return cmd
}

func addWorkerFlags(p *program, f *flags) *workers {
	w := &workers{}
	w.addQueue(f, p, "that jobs are taken from")
	w.addChannel(f, "that updates are published on")
	w.consumers = add(f, "consumers", "y", "`NUMBER` of jobs done at the same time (default: the number of CPUs)", literal.Int)
	w.wait = add(f, "work", "", "each job waits for a `TIME`: 20ms, or drawn from 2ms..8ms, exp(5ms),\n"+
		"lognormal(p50=5ms,p99=40ms) or file(samples.txt)", draw.ParseDuration)
	w.burn = add(f, "burn", "", "each job uses this much CPU `TIME`", literal.Duration(0))
	w.failRate = add(f, "fail-rate", "", "`SHARE` of the jobs that fail, like 1% or 0.01 (default none)", literal.Share)
	w.exec = add(f, "exec", "", "each job is a process: a `COMMAND` with its arguments", anyText)
	w.shell = addSwitch(f, "shell", "", "have sh read the command of --exec")
	w.execTimeout = add(f, "exec-timeout", "", "`TIME` after which a process is killed and its job has failed (default none)", literal.Duration(1))
	w.running = addSwitch(f, "running", "", "publish RUNNING before the work")
	w.jobs = add(f, "jobs", "n", "stop after a `NUMBER` of jobs", literal.Count)
	w.idle = add(f, "idle", "", "stop after a `TIME` without a job", literal.Duration(1))
	w.addRedis(f, "design", "visibility", "poll", "queues", "notify", "channels", "tenants")
	w.asJSON = addSwitch(f, "json", "", "print the account at the end as JSON")
	return w
}

func (w *workers) do(ctx context.Context) error {
	faults := append(slices.Clone(w.faults), w.check()...)
	work, wrong := w.work()
	faults = append(faults, w.timesOfDesign()...)
	faults = append(faults, w.tenantsChannels()...)
	faults = append(faults, w.unheard()...)
	faults = append(faults, w.outOfRange()...)
	if err := usageErr(append(faults, wrong...)...); err != nil {
		return err
	}
	ctx, signals := listen(ctx, w.p.console)
	defer signals.close()
	client, err := w.connect(ctx)
	if err == nil {
		defer client.Close()
		err = w.rehearse(ctx, client)
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
	w.p.console.note("worker: %s %s", plural(pool.Consumers, "consumer"), w.where(client))
	signals.during("finishing the jobs in hand")
	from := time.Now()
	shown := w.progress(pool)
	err = pool.Run(ctx)
	shown()
	signals.load(false)
	return w.account(pool, time.Since(from), err)
}

// rehearse finds out before the first job is taken what would be refused: a key
// of another type, queues that no consumer can serve together, a right that is
// lacking.
func (w *workers) rehearse(ctx context.Context, client *jobqueue.Client) error {
	if _, err := client.Len(ctx); err != nil && !redisconn.Withheld(err) {
		return err
	}
	if client.CrossSlot() {
		_, err := client.OpenConsumer(ctx) // says why there is none
		return err
	}
	return client.CheckPermissions(ctx)
}
