package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/scenario"
)

// program is one call of the command with the world it runs in.
type program struct {
	env     func(string) string
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	console *console
	args    []string
	// flags are the flags of each verb that has some of its own.
	flags map[*cobra.Command]*flags
}

// execute is the whole program: it does what the arguments say and returns the
// exit code. It listens to signals while a load runs, and touches nothing else
// of the process.
func execute(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{
		env: env, stdin: stdin, stdout: stdout, stderr: stderr,
		console: newConsole(stderr, env),
		args:    append([]string{}, args...), // nil would make cobra read os.Args
		flags:   map[*cobra.Command]*flags{},
	}
	root := p.root()
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	verb := ""
	if cmd != nil && cmd != root {
		verb = strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
	}
	f := asFailure(err)
	p.console.fail(verb, f)
	return f.code
}

const rootHelp = `queuedyno is a dynamometer for Redis job queues. It drives this pipeline at a
rate, times every job from the moment it was due, and accounts for every one:

  producer --LPUSH--> list --BRPOP--> worker --PUBLISH--> channel --> subscriber

Exit codes:
  0    all is well
  1    could not run, or an error ended the run
  2    a mistake on the command line, in the environment or in a scenario file
  3    compare: the candidate is worse than the baseline
  4    the run is invalid: its figures cannot be believed, or no job completed;
       or an experiment of verify failed, or capacity or compare could not
       decide, or a plan does not hold
  99   a threshold failed
  130  interrupted`

const rootExample = `  queuedyno run                                 # 10 s at 1,000 jobs/s on a Redis of its own
  queuedyno run steady -u redis://localhost:6379 -r 5k/s -y 32
  queuedyno list                                # what else there is to run`

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
		return usageErr(p.flagFaults(cmd, p.rest(root), err)...)
	})
	root.AddCommand(p.runVerb(), p.capacityVerb(), p.planVerb(), p.compareVerb(), p.calibrateVerb(), p.verifyVerb(), p.workerVerb(), p.queueVerb(), p.watchVerb(), p.listVerb(), p.validateVerb(), p.reportVerb(), p.versionVerb())
	for cmd := range p.flags {
		p.completeFlags(cmd)
	}
	return root
}

// verb wraps what a verb does: it reads the environment's part of the flags and
// gives every error an exit code.
func (p *program) verb(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if f := p.flags[cmd]; f != nil {
			p.readEnv(f)
		}
		err := do(cmd, args)
		if err == nil {
			return nil
		}
		if f := new(failure); errors.As(err, &f) {
			return f
		}
		return failed(err)
	}
}

// noArgs refuses every argument.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageErr(fault{what: fmt.Sprintf("takes no argument, but got %q", args[0]), hint: see(cmd)})
}

// rest is what follows the verb on the command line.
func (p *program) rest(root *cobra.Command) []string {
	_, rest, err := root.Find(p.args)
	if err != nil {
		return nil
	}
	return rest
}

// unknownVerb refuses a word that is no verb. The most likely mistake is a
// scenario's name without "run" before it.
func (p *program) unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs = append(verbs, c.Name())
		}
	}
	f := fault{
		what: fmt.Sprintf("unknown command %q", args[0]),
		hint: "the commands are " + strings.Join(verbs, ", "),
	}
	if near := scenario.Suggest(args[0], verbs); near != "" {
		f.hint = fmt.Sprintf("did you mean \"queuedyno %s\"?", near)
	} else if src, err := p.findScenarios(""); err == nil && src.has(args[0]) {
		f.hint = fmt.Sprintf("%s is a scenario; to run it: queuedyno run %s", args[0], args[0])
	}
	return usageErr(f)
}
