package main

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
)

const queueHelp = `Inspect one queue of a Redis, push jobs, pop jobs.

A queue is a list: jobs go in at the left (LPUSH) and come out at the right, oldest
first. With --design stream it is a stream, and the jobs that no worker has received
yet count. --queue is the exact name of its key; a key of another type is refused.`

// queueing is one of the verbs of queue at work.
type queueing struct {
	existing
	client *jobqueue.Client
}

func (p *program) queueVerb() *cobra.Command {
	return group("queue", "Inspect a queue, push, pop, clear", queueHelp, p.queueLen(), p.queuePush(), p.queuePop(), p.queuePeek(), p.queueClear())
}

// group is a word in front of verbs, which does nothing itself.
func group(name, short, long string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long:  long,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			f, _ := unknownCommand(cmd, args[0])
			return problem.Usage(f)
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(verbs...)
	return cmd
}

// unknownCommand says what the subcommands are. It reports whether one is like the word.
func unknownCommand(cmd *cobra.Command, word string) (f problem.Problem, meant bool) {
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs = append(verbs, c.Name())
		}
	}
	if near := nearest.Nearest(word, verbs); near != "" {
		return problem.Problem{What: fmt.Sprintf("unknown command %q", word), Hint: fmt.Sprintf("did you mean \"%s %s\"?", cmd.CommandPath(), near)}, true
	}
	return problem.Problem{What: fmt.Sprintf("unknown command %q", word), Hint: "the commands are " + strings.Join(verbs, ", ")}, false
}

// queueVerbOf makes a verb of queue: what it does is given the connected queue.
// own declares its own flags.
func (p *program) queueVerbOf(cmd *cobra.Command, own func(*flags.Set), check func(q *queueing, args []string) problem.List, do func(ctx context.Context, q *queueing, args []string) error) *cobra.Command {
	f := p.flagsOf(cmd)
	q := &queueing{}
	q.addQueue(f, p, "")
	own(f)
	q.addRedis(f, "design")
	if cmd.Args == nil {
		cmd.Args = noArgs
	}
	cmd.RunE = p.verb(func(ctx context.Context, args []string) error {
		problems := append(slices.Clone(f.Problems), q.check()...)
		if err := problem.Usage(append(problems, check(q, args)...)...); err != nil {
			return err
		}
		client, err := q.connect(ctx)
		if err != nil {
			return err
		}
		defer client.Close()
		q.client = client
		return do(ctx, q, args)
	})
	q.complete(cmd)
	return cmd
}

// nothingMore is for verbs whose flags say it all.
func nothingMore(*queueing, []string) problem.List { return nil }

func (p *program) queueLen() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "len",
		Short:   "Print how many jobs wait",
		Long:    "Print how many jobs wait in the queue. A queue that does not exist holds none.",
		Example: "  queuedyno queue len -u redis://localhost:6379\n  queuedyno queue len --queue mails --json",
	}
	own := func(f *flags.Set) { f.Switch(&asJSON, "json", "", "print JSON") }
	return p.queueVerbOf(cmd, own, nothingMore, func(ctx context.Context, q *queueing, _ []string) error {
		n, err := q.client.Len(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return console.WriteJSON(p.stdout, struct {
				Queue  string `json:"queue"`
				Length int64  `json:"length"`
			}{q.client.Queue(), n})
		}
		_, err = fmt.Fprintln(p.stdout, n)
		return err
	})
}

func (p *program) queuePush() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "push ID...|-",
		Short: "Push jobs",
		Long: `Push the given jobs, in order. With - as the only argument each line of standard input
is a job; empty lines are skipped. A job is any text: an id, or JSON. Jobs are pushed
in batches of a thousand.`,
		Example: "  queuedyno queue push 4711 4712 -u redis://localhost:6379\n  seq 1000 | queuedyno queue push -",
		Args:    cobra.ArbitraryArgs,
	}
	check := func(_ *queueing, args []string) problem.List {
		switch {
		case len(args) == 0:
			return problem.List{{What: "there is nothing to push", Hint: "add the ids of the jobs, or - to read them from standard input"}}
		case len(args) > 1 && slices.Contains(args, "-"):
			return problem.List{{What: "- means standard input only if it is the only argument"}}
		case slices.Contains(args, ""):
			return problem.List{{What: "one of the ids is empty"}}
		}
		return nil
	}
	return p.queueVerbOf(cmd, func(*flags.Set) {}, check, func(ctx context.Context, q *queueing, args []string) error {
		next, end := slices.Values(args), func() error { return nil }
		if args[0] == "-" {
			next, end = p.lines()
		}
		pushed := 0
		for ids := range chunks(next, 1000) {
			if err := q.client.Push(ctx, ids...); err != nil {
				return q.after("pushed", pushed, err)
			}
			pushed += len(ids)
		}
		if err := end(); err != nil {
			return q.after("pushed", pushed, fmt.Errorf("read standard input: %w", err))
		}
		_, err := fmt.Fprintf(p.stdout, "pushed %s to %s\n", number.Plural(pushed, "job"), q.client.Queue())
		return err
	})
}

// after is an error that came when something had been done already.
func (q *queueing) after(done string, n int, err error) error {
	if n == 0 {
		return err
	}
	f := problem.Of(err)
	f.What = fmt.Sprintf("%s (%s had been %s by then)", f.What, number.Plural(n, "job"), done)
	return &problem.Failure{Code: problem.CouldNotRun, Problems: problem.List{f}}
}

func (p *program) queuePop() *cobra.Command {
	var (
		jobs int64 = 1
		wait time.Duration
	)
	cmd := &cobra.Command{
		Use:   "pop",
		Short: "Pop jobs and print them",
		Long: `Take the oldest jobs out of the queue and print each on a line. Printed jobs are no
longer in the queue. Exit code 1 means that the queue was empty.`,
		Example: "  queuedyno queue pop -u redis://localhost:6379\n  queuedyno queue pop -n 100 --wait 5s > jobs.txt",
	}
	own := func(f *flags.Set) {
		flags.Var(f, &jobs, "jobs", "n", "maximum `NUMBER` of jobs (default 1)", literal.Count)
		flags.Var(f, &wait, "wait", "", "`TIME` to wait for the first job (default: do not wait)", literal.Duration(0))
	}
	check := func(q *queueing, _ []string) problem.List {
		switch d := q.Asked().Design; d {
		case jobqueue.ReliableList, jobqueue.Stream:
			return problem.List{{What: fmt.Sprintf("the design %s needs a worker that acknowledges each job, and pop does not", d),
				Hint: "inspect with queue peek, remove with queue clear, or do the jobs with queuedyno worker"}}
		}
		return nil
	}
	return p.queueVerbOf(cmd, own, check, func(ctx context.Context, q *queueing, _ []string) error {
		if _, err := q.client.Len(ctx); err != nil {
			return err // a key of another type would make a pop wait
		}
		// A signal must not end the process while a job is on its way to it.
		ctx, signals := interrupt.Listen(ctx, p.console)
		defer signals.Close()
		consumer, err := q.client.OpenConsumer(ctx)
		if err != nil {
			return err
		}
		defer consumer.Close()
		patience := wait
		for left := jobs; left > 0; patience = 0 {
			popped, err := consumer.Pop(ctx, int(min(left, 1000)), patience)
			if err == jobqueue.ErrEmpty && left < jobs {
				return nil
			}
			if err == jobqueue.ErrEmpty {
				return problem.Failed(fmt.Errorf("there is no job in %q", q.client.Queue()))
			}
			if err != nil && signals.Happened() {
				return problem.Exit(problem.Interrupted, "interrupted; popped jobs were printed", "")
			}
			if err != nil {
				return err
			}
			left -= int64(len(popped))
			w := bufio.NewWriter(p.stdout)
			for _, job := range popped {
				fmt.Fprintf(w, "%s\n", job)
			}
			if err := w.Flush(); err != nil {
				return fmt.Errorf("write to standard output, with %s popped: %w", number.Plural(len(popped), "job"), err)
			}
		}
		return nil
	})
}

func (p *program) queuePeek() *cobra.Command {
	var (
		jobs   int64 = 10
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:     "peek",
		Short:   "Print the oldest jobs without taking them",
		Long:    "Print the oldest jobs, which come out next, each on a line, and leave them in the\nqueue.",
		Example: "  queuedyno queue peek -u redis://localhost:6379\n  queuedyno queue peek -n 3 --json",
	}
	own := func(f *flags.Set) {
		flags.Var(f, &jobs, "jobs", "n", "maximum `NUMBER` of jobs (default 10)", literal.Count)
		f.Switch(&asJSON, "json", "", "print JSON")
	}
	return p.queueVerbOf(cmd, own, nothingMore, func(ctx context.Context, q *queueing, _ []string) error {
		n, err := q.client.Len(ctx)
		if err != nil {
			return err
		}
		found := []string{}
		for want := min(jobs, n); int64(len(found)) < want; {
			more, err := q.client.Peek(ctx, int64(len(found)), min(want-int64(len(found)), 1000))
			if err != nil {
				return err
			}
			if len(more) == 0 {
				break // another client was faster
			}
			found = append(found, more...)
		}
		if asJSON {
			return console.WriteJSON(p.stdout, struct {
				Queue  string   `json:"queue"`
				Length int64    `json:"length"`
				Jobs   []string `json:"jobs"`
			}{q.client.Queue(), n, found})
		}
		for _, job := range found {
			if _, err := fmt.Fprintln(p.stdout, job); err != nil {
				return err
			}
		}
		p.console.Note("queue peek: %s of %s in %q", number.Count(int64(len(found))), number.Count(n), q.client.Queue())
		return nil
	})
}

func (p *program) queueClear() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "clear",
		Short: "Remove all jobs of the queue",
		Long: `Remove all waiting jobs and print how many they were. Jobs in progress stay with their
workers. On a terminal it asks first; elsewhere --yes is required.`,
		Example: "  queuedyno queue clear -u redis://localhost:6379 --queue mails --yes",
	}
	own := func(f *flags.Set) { f.Switch(&yes, "yes", "", "do not ask") }
	check := func(*queueing, []string) problem.List {
		if yes || console.IsTerminal(p.stdin) {
			return nil
		}
		return problem.List{{What: "this removes all jobs, and there is no terminal to ask on", Hint: "add --yes to confirm"}}
	}
	return p.queueVerbOf(cmd, own, check, func(ctx context.Context, q *queueing, _ []string) error {
		n, err := q.client.Len(ctx)
		if err != nil {
			return err
		}
		if !yes && n > 0 && !p.agreed(fmt.Sprintf("remove %s from %q at %s?", number.Plural(n, "job"), q.client.Queue(), q.address)) {
			return problem.Failed(fmt.Errorf("nothing was removed"))
		}
		n, err = q.client.Remove(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "removed %s from %s\n", number.Plural(n, "job"), q.client.Queue())
		return err
	})
}

// agreed asks on the terminal. Only a yes is one.
func (p *program) agreed(question string) bool {
	fmt.Fprintf(p.stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(p.stdin).ReadString('\n') // no answer is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// longestLine bounds a line of standard input, which is a job.
const longestLine = 64 << 20

// lines are the lines of standard input that are not empty, and what went wrong
// with reading them.
func (p *program) lines() (iter.Seq[string], func() error) {
	in := bufio.NewScanner(p.stdin)
	in.Buffer(nil, longestLine)
	return func(yield func(string) bool) {
		for in.Scan() {
			if in.Text() != "" && !yield(in.Text()) {
				return
			}
		}
	}, in.Err
}

// chunks cuts a sequence into slices of n and a last one of what is left. Each
// is valid until the next.
func chunks[T any](all iter.Seq[T], n int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		chunk := make([]T, 0, n)
		for one := range all {
			if chunk = append(chunk, one); len(chunk) == n {
				if !yield(chunk) {
					return
				}
				chunk = chunk[:0]
			}
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
}
