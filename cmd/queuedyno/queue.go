package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

const queueHelp = `Look into one queue of a Redis, put jobs in, take jobs out.

A queue is a list: jobs go in at the left (LPUSH) and come out at the right, the
oldest first. With --design stream it is a stream, of which the jobs count that no
worker was given yet. --queue is the exact name of its key; a key that is of
another type is refused.`

// queueing is one of the verbs of queue at work.
type queueing struct {
	existing
	client *jobqueue.Client
}

func (p *program) queueVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Look into a queue, push, pop, clear",
		Long:  queueHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownWord(cmd, args[0])
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(p.queueLen(), p.queuePush(), p.queuePop(), p.queuePeek(), p.queueClear())
	return cmd
}

// unknownWord refuses a word that is none of a verb's own verbs.
func unknownWord(cmd *cobra.Command, word string) error {
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs = append(verbs, c.Name())
		}
	}
	f := fault{fmt.Sprintf("unknown command %q", word), "the commands are " + strings.Join(verbs, ", ")}
	if near := scenario.Suggest(word, verbs); near != "" {
		f.hint = fmt.Sprintf("did you mean \"%s %s\"?", cmd.CommandPath(), near)
	}
	return usageErr(f)
}

// queueVerbOf makes a verb of queue: what it does is given the connected queue.
// own declares its own flags.
func (p *program) queueVerbOf(cmd *cobra.Command, own func(*flags), check func(q *queueing, args []string) []fault, do func(ctx context.Context, q *queueing, args []string) error) *cobra.Command {
	f := p.flagsOf(cmd)
	q := &queueing{}
	q.addQueue(f, p, "in question")
	own(f)
	q.addRedis(f, "design")
	if cmd.Args == nil {
		cmd.Args = noArgs
	}
	cmd.RunE = p.verb(func(cmd *cobra.Command, args []string) error {
		p.console.quiet = q.quiet.get()
		faults := append(slices.Clone(f.faults), q.check()...)
		if err := usageErr(append(faults, check(q, args)...)...); err != nil {
			return err
		}
		client, err := q.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer client.Close()
		q.client = client
		return do(cmd.Context(), q, args)
	})
	q.complete(cmd)
	return cmd
}

// nothingMore is for verbs whose flags say it all.
func nothingMore(*queueing, []string) []fault { return nil }

func (p *program) queueLen() *cobra.Command {
	var asJSON *value[bool]
	cmd := &cobra.Command{
		Use:     "len",
		Short:   "Say how many jobs wait",
		Long:    "Print how many jobs wait in the queue. A queue that does not exist holds none.",
		Example: "  queuedyno queue len -u redis://localhost:6379\n  queuedyno queue len --queue mails --json",
	}
	own := func(f *flags) { asJSON = addSwitch(f, "json", "", "print JSON") }
	return p.queueVerbOf(cmd, own, nothingMore, func(ctx context.Context, q *queueing, _ []string) error {
		n, err := q.client.Len(ctx)
		if err != nil {
			return err
		}
		if asJSON.get() {
			return writeJSON(p.stdout, struct {
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
		Short: "Put jobs into the queue",
		Long: `Push the given jobs, in order. With - for the only argument each line of standard
input is a job, and empty lines are skipped. A job is any text: an id, or JSON.
They go in a thousand at a time, each thousand at once.`,
		Example: "  queuedyno queue push 4711 4712 -u redis://localhost:6379\n  seq 1000 | queuedyno queue push -",
		Args:    cobra.ArbitraryArgs,
	}
	check := func(_ *queueing, args []string) []fault {
		switch {
		case len(args) == 0:
			return []fault{{"there is nothing to push", "give the jobs' ids, or - to read them from standard input"}}
		case len(args) > 1 && slices.Contains(args, "-"):
			return []fault{{"- stands for standard input only where it is the one argument", ""}}
		case slices.Contains(args, ""):
			return []fault{{"one of the ids is empty", ""}}
		}
		return nil
	}
	return p.queueVerbOf(cmd, func(*flags) {}, check, func(ctx context.Context, q *queueing, args []string) error {
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
		_, err := fmt.Fprintf(p.stdout, "pushed %s to %s\n", plural(pushed, "job"), q.client.Queue())
		return err
	})
}

// after is an error that came when something had been done already.
func (q *queueing) after(done string, n int, err error) error {
	if n == 0 {
		return err
	}
	f := faultOf(err)
	f.what = fmt.Sprintf("%s (%s had been %s by then)", f.what, plural(n, "job"), done)
	return &failure{exitFailed, []fault{f}}
}

func (p *program) queuePop() *cobra.Command {
	var (
		jobs *value[int64]
		wait *value[time.Duration]
	)
	cmd := &cobra.Command{
		Use:   "pop",
		Short: "Take jobs out of the queue and print them",
		Long: `Take the oldest jobs out of the queue and print each on a line. What was printed is
in the queue no more. Exit code 1 says that there was none.`,
		Example: "  queuedyno queue pop -u redis://localhost:6379\n  queuedyno queue pop -n 100 --wait 5s > jobs.txt",
	}
	own := func(f *flags) {
		jobs = add(f, "jobs", "n", "`NUMBER` of jobs at most (default 1)", literal.Count)
		wait = add(f, "wait", "", "`TIME` to wait for the first (default not at all)", literal.Duration(0))
	}
	check := func(q *queueing, _ []string) []fault {
		switch d := q.asked().Design; d {
		case jobqueue.ReliableList, jobqueue.Stream:
			return []fault{{fmt.Sprintf("the design %s gives a job to a worker who says when it is over, and nobody would", d),
				"look with queue peek, remove with queue clear, or take jobs with queuedyno worker"}}
		}
		return nil
	}
	return p.queueVerbOf(cmd, own, check, func(ctx context.Context, q *queueing, _ []string) error {
		if _, err := q.client.Len(ctx); err != nil {
			return err // a key of another type would make a pop wait
		}
		// A signal must not end the process while a job is on its way to it.
		ctx, signals := listen(ctx, p.console)
		defer signals.close()
		consumer, err := q.client.OpenConsumer(ctx)
		if err != nil {
			return err
		}
		defer consumer.Close()
		patience := wait.get()
		for left := jobs.or(1); left > 0; patience = 0 {
			popped, err := consumer.Pop(ctx, int(min(left, 1000)), patience)
			if err == jobqueue.ErrEmpty && left < jobs.or(1) {
				return nil
			}
			if err == jobqueue.ErrEmpty {
				return failed(fmt.Errorf("there is no job in %q", q.client.Queue()))
			}
			if err != nil && signals.happened() {
				return &failure{exitInterrupted, []fault{{what: "interrupted; what was popped is printed"}}}
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
				return fmt.Errorf("write to standard output, with %s popped: %w", plural(len(popped), "job"), err)
			}
		}
		return nil
	})
}

func (p *program) queuePeek() *cobra.Command {
	var (
		jobs   *value[int64]
		asJSON *value[bool]
	)
	cmd := &cobra.Command{
		Use:     "peek",
		Short:   "Print the oldest jobs without taking them",
		Long:    "Print the oldest jobs, those that come out next, each on a line, and leave them in\nthe queue.",
		Example: "  queuedyno queue peek -u redis://localhost:6379\n  queuedyno queue peek -n 3 --json",
	}
	own := func(f *flags) {
		jobs = add(f, "jobs", "n", "`NUMBER` of jobs at most (default 10)", literal.Count)
		asJSON = addSwitch(f, "json", "", "print JSON")
	}
	return p.queueVerbOf(cmd, own, nothingMore, func(ctx context.Context, q *queueing, _ []string) error {
		n, err := q.client.Len(ctx)
		if err != nil {
			return err
		}
		found := []string{}
		for want := min(jobs.or(10), n); int64(len(found)) < want; {
			more, err := q.client.Peek(ctx, int64(len(found)), min(want-int64(len(found)), 1000))
			if err != nil {
				return err
			}
			if len(more) == 0 {
				break // somebody was faster
			}
			found = append(found, more...)
		}
		if asJSON.get() {
			return writeJSON(p.stdout, struct {
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
		p.console.note("queue peek: %s of %s in %q", thousands(int64(len(found))), thousands(n), q.client.Queue())
		return nil
	})
}

func (p *program) queueClear() *cobra.Command {
	var yes *value[bool]
	cmd := &cobra.Command{
		Use:   "clear",
		Short: "Remove all jobs of the queue",
		Long: `Remove all jobs that wait in the queue, and print how many they were. What workers
have in hand stays theirs. On a terminal it asks first; elsewhere --yes must be
given.`,
		Example: "  queuedyno queue clear -u redis://localhost:6379 --queue mails --yes",
	}
	own := func(f *flags) { yes = addSwitch(f, "yes", "", "do not ask") }
	check := func(*queueing, []string) []fault {
		if yes.get() || isTerminal(p.stdin) {
			return nil
		}
		return []fault{{"all jobs would be removed, and there is no terminal to ask", "add --yes if that is what you want"}}
	}
	return p.queueVerbOf(cmd, own, check, func(ctx context.Context, q *queueing, _ []string) error {
		n, err := q.client.Len(ctx)
		if err != nil {
			return err
		}
		if !yes.get() && n > 0 && !p.agreed(fmt.Sprintf("remove %s from %q at %s?", plural(int(n), "job"), q.client.Queue(), q.address)) {
			return failed(fmt.Errorf("nothing was removed"))
		}
		n, err = q.client.Remove(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "removed %s from %s\n", plural(int(n), "job"), q.client.Queue())
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
