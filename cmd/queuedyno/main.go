// Command queuedyno load-tests and benchmarks a Redis job queue.
//
// It drives the pipeline producer, LPUSH, BRPOP, worker, PUBLISH, subscriber at
// a rate, times every job from the moment it was due, accounts for every job,
// and says whether the results can be trusted. See "queuedyno --help".
//
// This package holds the verbs, each in the file of its name. It measures nothing and
// renders no report. Flags are in internal/flags, override and target, messages in
// internal/console, exit codes in internal/problem and outcome. Begin reading here,
// then in the file of a verb.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/github"
	"github.com/queuedyno/queuedyno/internal/problem"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// program is one call of the command and its environment.
type program struct {
	environ []string // "NAME=value"
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	console *console.Console
	args    []string
	// flags are the flags of each verb.
	flags map[*cobra.Command]*flags.Set
}

// execute is the whole program. It returns the exit code. Apart from its arguments it
// uses nothing of the process but signals, while a load runs.
func execute(ctx context.Context, args []string, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{
		environ: environ, stdin: stdin, stdout: stdout, stderr: stderr,
		args:  withAddress(args), // nil would make cobra read os.Args
		flags: map[*cobra.Command]*flags.Set{},
	}
	p.console = console.New(stderr, p.getenv)
	root := p.root()
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return problem.OK
	}
	verb := ""
	if cmd != nil && cmd != root {
		verb = strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
	}
	f := problem.AsFailure(err)
	p.console.Fail(verb, f)
	return f.Code
}

const rootHelp = `queuedyno is a dynamometer for Redis job queues. It drives this pipeline at a rate,
times every job from the moment it was due, and accounts for every one:

  producer --LPUSH--> list --BRPOP--> worker --PUBLISH--> channel --> subscriber

Exit codes:
  0    success
  1    could not run, or an error ended the run
  2    mistake on the command line, in the environment or in a scenario file
  3    compare: the candidate is worse than the baseline
  4    the run is invalid or no job completed; an experiment of verify failed;
       capacity or compare could not decide; a plan does not hold
  99   a threshold failed
  130  interrupted`

const rootExample = `  queuedyno run                                 # 10 s at 1,000 jobs/s on a private Redis
  queuedyno run steady -u redis://localhost:6379 -r 5k/s -y 32
  queuedyno list                                # the other scenarios`

// root builds the tree of verbs.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "queuedyno",
		Short:         "Load-test and benchmark a Redis job queue",
		Long:          rootHelp,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       build().String(),
		Args:          func(cmd *cobra.Command, args []string) error { return p.unknownVerb(cmd, args) },
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		problems := flags.Mistakes(cmd.CommandPath(), cmd.Flags(), p.rest(root), err)
		if f := p.flags[cmd]; f != nil {
			p.readEnv(f)
			problems = append(problems, f.Problems...)
		}
		return problem.Usage(problems...)
	})
	root.AddCommand(p.runVerb(), p.capacityVerb(), p.planVerb(), p.compareVerb(), p.calibrateVerb(), p.verifyVerb(), p.workerVerb(), p.queueVerb(), p.watchVerb(), p.listVerb(), p.validateVerb(), p.initVerb(), p.doctorVerb(), p.reportVerb(), p.mergeVerb(), p.fleetVerb(), p.versionVerb(), p.manualVerb())
	for cmd := range p.flags {
		p.completeFlags(cmd)
	}
	root.SetUsageFunc(p.usage)
	return root
}

// step is what GitHub shows of us.
func (p *program) step() github.Step { return github.Step{Getenv: p.getenv, Console: p.console} }

// getenv looks up a variable of the environment.
func (p *program) getenv(name string) string {
	for _, pair := range p.environ {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}

// flagsOf makes the flags of a verb and remembers them.
func (p *program) flagsOf(cmd *cobra.Command) *flags.Set {
	f := flags.New(cmd.Flags())
	p.flags[cmd] = f
	return f
}

// ownVariables are the variables with our prefix that belong to no flag: those that
// compare sets for its commands and runs, worker for the process of a job, and the one
// that queuetest reads.
func ownVariables() []string {
	return []string{
		"QUEUEDYNO_SEED", "QUEUEDYNO_SIDE", "QUEUEDYNO_PAIR", "QUEUEDYNO_RESULT", secondsVariable,
		"QUEUEDYNO_JOB_ID", "QUEUEDYNO_TENANT_ID", "QUEUEDYNO_IMAGE", "QUEUEDYNO_POSTGRES_IMAGE", "QUEUEDYNO_REQUIRE",
	}
}

// readEnv reads the variables of a verb's flags and prints what is to be noted.
func (p *program) readEnv(f *flags.Set) {
	f.ReadEnv(p.environ)
	var names []string
	for _, of := range p.flags {
		names = append(names, of.Names()...)
	}
	slices.Sort(names)
	f.CheckEnv(p.environ, slices.Compact(names), ownVariables())
	for _, note := range f.Notes {
		p.console.Note("%s", note)
	}
}

// usage prints what follows the description of a command in its help.
func (p *program) usage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				fmt.Fprintf(&b, "  %-*s %s\n", cmd.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	columns := 100
	if console.IsTerminal(p.stdout) {
		columns = min(console.Width(p.stdout), 120)
	}
	if text := flags.Usage(cmd.Flags(), columns); text != "" {
		b.WriteString("\n" + text)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nUse \"%s COMMAND --help\" for more about a command.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(cmd.OutOrStdout(), b.String())
	return err
}

// verb wraps what a verb does: it reads the variables of the flags first, and gives
// every error an exit code.
func (p *program) verb(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if f := p.flags[cmd]; f != nil {
			p.readEnv(f)
		}
		err := do(cmd.Context(), args)
		if f := new(problem.Failure); err == nil || errors.As(err, &f) {
			return err
		}
		return problem.Failed(err)
	}
}

// noArgs refuses every argument.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return problem.Exit(problem.BadUsage, fmt.Sprintf("unexpected argument %q", args[0]), cmd.CommandPath()+" --help lists the flags")
}

// rest is what follows the verb on the command line.
func (p *program) rest(root *cobra.Command) []string {
	_, rest, err := root.Find(p.args)
	if err != nil {
		return nil
	}
	return rest
}

// unknownVerb refuses a word that is not a verb. The most likely mistake is a scenario
// without "run" before it.
func (p *program) unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	f, meant := unknownCommand(cmd, args[0])
	if meant {
		return problem.Usage(f)
	}
	if src, err := p.findScenarios(""); err == nil && src.has(args[0]) {
		f.Hint = fmt.Sprintf("%s is a scenario; to run it: queuedyno run %s", args[0], args[0])
	}
	return problem.Usage(f)
}
