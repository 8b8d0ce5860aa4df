package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/worker"
)

const workerHelp = `Do the jobs of a queue: pop, work, publish COMPLETED or FAILED.

The work is a wait (--work), CPU time (--burn), both one after the other, or a process
for each job (--exec); without any of them a job is done at once. The process gets the
job on standard input and its id in QUEUEDYNO_JOB_ID. Exit code 0 means COMPLETED, any
other means FAILED with the last line of its standard error. --exec takes the program
and its arguments as one string, split at spaces and quotes; with --shell sh reads it.

A job in the list is an id, or JSON with "jobId" and optionally "tenantId"; otherwise
the whole text is the id. Updates report the duration of the work in "workNs".

It works until Ctrl-C, then finishes and publishes the jobs in progress; a second Ctrl-C
drops them. If Redis is unavailable it waits; if Redis refuses a command, e.g. for a
missing permission, it exits.

Exit codes: 0 ended and everything published, 1 could not run, was refused, or could not
publish an outcome, 130 dropped jobs in progress.`

const workerExample = `  queuedyno worker -u redis://localhost:6379 -y 8 --work 20ms
  queuedyno worker -u redis://localhost:6379 -y 4 --burn 5ms --fail-rate 1%
  queuedyno worker -u redis://localhost:6379 --queue mails --exec 'node send.js' --exec-timeout 30s`

// workers is the verb worker at work.
type workers struct {
	existing
	metering    metering
	consumers   int
	wait        draw.Duration
	burn        time.Duration
	failRate    float64
	exec        string
	shell       bool
	execTimeout time.Duration
	running     bool
	jobs        int64
	idle        time.Duration
	json        bool
}

func (p *program) workerVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "worker",
		Short:   "Do the jobs of a queue",
		Long:    workerHelp,
		Example: workerExample,
		Args:    noArgs,
	}
	w := declareWorker(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(func(ctx context.Context, _ []string) error { return w.do(ctx) })
	w.complete(cmd)
	return cmd
}

func declareWorker(p *program, f *flags.Set) *workers {
	w := &workers{consumers: runtime.GOMAXPROCS(0)}
	f.Group("Work")
	flags.Var(f, &w.consumers, "consumers", "y", "`NUMBER` of jobs done at the same time (default: the number of CPUs)", literal.Int)
	flags.Var(f, &w.wait, "work", "", "each job waits for a `TIME`: 20ms, or a distribution: 2ms..8ms, exp(5ms), lognormal(p50=5ms,p99=40ms) or file(samples.txt)", draw.ParseDuration)
	flags.Var(f, &w.burn, "burn", "", "each job uses this much CPU `TIME`", literal.Duration(0))
	flags.Var(f, &w.failRate, "fail-rate", "", "`SHARE` of the jobs that fail, e.g. 1% or 0.01 (default none)", literal.Share)
	f.Text(&w.exec, "exec", "", "each job is a process: a `COMMAND` with its arguments")
	f.Switch(&w.shell, "shell", "", "let sh read the command of --exec")
	flags.Var(f, &w.execTimeout, "exec-timeout", "", "`TIME` after which a process is killed and its job has failed (default none)", literal.Duration(1))
	f.Switch(&w.running, "running", "", "publish RUNNING before the work")
	flags.Var(f, &w.jobs, "jobs", "n", "stop after a `NUMBER` of jobs", literal.Count)
	flags.Var(f, &w.idle, "idle", "", "stop after a `TIME` without a job", literal.Duration(1))
	w.addQueue(f, p, "to take jobs from")
	w.addChannel(f, "to publish updates on")
	w.addRedis(f, "design", "visibility", "poll", "queues", "notify", "channels", "tenants")
	f.Switch(&w.json, "json", "", "print the final account as JSON")
	w.metering.declare(p, f, "worker")
	return w
}

func (w *workers) do(ctx context.Context) error {
	work, wrong := w.work()
	problems := slices.Concat(w.Problems, w.check(), w.timesOfDesign(), w.tenantsChannels(), w.unheard(), w.outOfRange(), w.metering.problems(), wrong)
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	ctx, signals := interrupt.Listen(ctx, w.p.console)
	defer signals.Close()
	meter, err := w.metering.start()
	if err != nil {
		return err
	}
	defer meter.close()
	client, err := w.connect(ctx)
	if err == nil {
		defer client.Close()
		err = w.checkPermissions(ctx, client)
	}
	switch {
	case signals.Happened():
		return problem.Exit(problem.Interrupted, "interrupted before it began", "")
	case err != nil:
		return problem.Failed(err)
	}
	pool := &worker.Pool{
		Queue: client, Work: work,
		Channel:   w.channelOf(),
		Consumers: w.consumers, Running: w.running,
		Jobs: w.jobs, Idle: w.idle, Stop: signals.Stop, Outage: w.outage,
	}
	w.p.console.Note("worker: %s %s", number.Plural(pool.Consumers, "consumer"), w.where(client))
	signals.During("finishing the jobs in progress")
	from := time.Now()
	meter.pool(pool)
	shown := w.progress(pool)
	err = pool.Run(ctx)
	shown()
	signals.Load(false)
	err = w.account(pool, time.Since(from), err)
	meter.end(ctx)
	return err
}

// checkPermissions finds out before the first job is taken what would be refused: a
// key of another type, queues that one consumer cannot serve, a missing permission.
func (w *workers) checkPermissions(ctx context.Context, client *jobqueue.Client) error {
	if _, err := client.Len(ctx); err != nil && !redisconn.Withheld(err) {
		return err
	}
	if client.CrossSlot() {
		_, err := client.OpenConsumer(ctx) // the error says why
		return err
	}
	return client.CheckPermissions(ctx)
}

// work is what is to be done for each job.
func (w *workers) work() (worker.Work, problem.List) {
	var (
		parts    []worker.Work
		problems problem.List
	)
	if w.exec != "" {
		problems = w.Refuse("and --exec both set the work", "remove one of them", "work", "burn")
		command, err := w.command()
		problems.Err(err)
		parts = append(parts, command)
	} else {
		problems = w.Refuse("requires --exec", "add --exec COMMAND", "shell", "exec-timeout")
		if d := w.burn; d > 0 {
			parts = append(parts, worker.Burn(d))
		}
		if w.Given("work") {
			d, err := w.wait.Load()
			if err != nil {
				problems.Add(w.Source("work")+": "+err.Error(), "")
			} else if d.Mean() > 0 {
				parts = append(parts, worker.Wait(d))
			}
		}
	}
	if v := w.failRate; v > 0 {
		parts = append(parts, worker.Fail(v))
	}
	return worker.Then(parts...), problems
}

// command is the work of --exec.
func (w *workers) command() (worker.Work, error) {
	text := w.exec
	from := w.Source("exec")
	args := []string{"sh", "-c", text}
	if !w.shell {
		parser := shellwords.NewParser()
		var err error
		if args, err = parser.Parse(text); err != nil {
			return nil, &problem.Hinted{What: fmt.Sprintf("%s: %q: a quote or a bracket is not closed", from, text)}
		}
		if parser.Position >= 0 {
			return nil, &problem.Hinted{What: fmt.Sprintf("%s: %q: ; & | < and > need a shell", from, text), Remedy: "add --shell, or quote them"}
		}
	}
	work, err := worker.Exec(worker.Command{Args: args, Timeout: w.execTimeout, Stdout: w.p.stdout})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return work, nil
}
