package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/verify"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/result"
)

const verifyHelp = `Prove on this machine that the measurement is right, with experiments whose answers are
known in advance: a server and workers that hang for half a second, queues with an exact
solution, planted faults, the generator's own delay.

It starts a private redis-server from PATH, which it pauses and resumes; it touches no
other Redis. All experiments together take about a minute and a half. A failed experiment
is repeated once, and the output says so. Exit code 0: all passed; 4: one failed twice.`

func (p *program) verifyVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [EXPERIMENT...]",
		Short: "Prove on this machine that the measurement is right",
		Long:  verifyHelp + "\n\nExperiments (none named: all):\n  " + strings.Join(verify.Names(), "\n  "),
		Example: "  queuedyno verify\n" +
			"  queuedyno verify pacing-1000 laws\n" +
			"  queuedyno verify --json > verify.json",
		ValidArgsFunction: words(verify.Names()...),
	}
	f := p.flagsOf(cmd)
	v := &verifying{p: p, flags: f}
	f.Group("Measuring")
	flags.Var(f, &v.seed, "seed", "", "`SEED` of the poisson arrivals (default: a new one each time)", literal.Seed)
	f.Group("Output")
	f.Switch(&v.json, "json", "", "print the report as JSON")
	p.declareQuiet(f)
	cmd.RunE = p.verb(v.run)
	return cmd
}

// verifying is the verb verify at work.
type verifying struct {
	p     *program
	flags *flags.Set
	seed  uint64
	json  bool
}

func (v *verifying) run(ctx context.Context, names []string) error {
	problems := v.flags.Problems
	for _, name := range names {
		problems = append(problems, unknownExperiment(name)...)
	}
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	con := v.p.console
	ctx, signals := interrupt.Listen(ctx, con)
	defer signals.Close()

	server, err := redisserver.Start(ctx, redisserver.Options{Source: string(redisserver.Process), Getenv: v.p.getenv})
	if err != nil {
		return v.notStarted(err, signals)
	}
	report, err := verify.Run(ctx, verify.Options{
		Server: verify.Server{
			URL:   server.URL(),
			Stall: func(ctx context.Context, d time.Duration) error { return stallProcess(ctx, server.PID(), d) },
		},
		Only: names, Seed: v.seed,
		Progress: func(g verify.Progress) { con.Note("%s", tryLine(g)) },
		Tool:     build().tool(),
		Redis:    result.Redis{Kind: string(server.Kind()), Address: server.Address()},
	})
	closed := server.Close()
	switch {
	case signals.Happened():
		return problem.Exit(problem.Interrupted, "interrupted; the server was stopped and nothing was written", "")
	case err != nil:
		return problem.Failed(errors.Join(err, closed))
	}
	if err := v.show(report); err != nil {
		return problem.Failed(fmt.Errorf("write to standard output: %w", err))
	}
	if closed != nil {
		return problem.Failed(closed)
	}
	return verdict(report)
}

// notStarted is how it ends without a server that may be stopped.
func (v *verifying) notStarted(err error, signals *interrupt.Signals) error {
	if signals.Happened() {
		return problem.Exit(problem.Interrupted, "interrupted before it began", "")
	}
	f := problem.Problem{What: "start a private redis-server: " + err.Error()}
	if errors.Is(err, redisserver.ErrUnavailable) {
		f = problem.Problem{
			What: "a private redis-server is missing: the experiments pause the server, which is impossible with the embedded server and harmful to a Redis in use",
			Hint: `install it with "apt install redis-server" or "brew install redis"; it must be in PATH`,
		}
	}
	return &problem.Failure{Code: problem.CouldNotRun, Problems: problem.List{f}}
}

func (v *verifying) show(r verify.Report) error {
	if v.json {
		return console.WriteJSON(v.p.stdout, r)
	}
	return verify.Text(v.p.stdout, r)
}

// tryLine is the line of progress before an experiment.
func tryLine(g verify.Progress) string {
	line := fmt.Sprintf("verify: %d of %d  %s", g.Index, g.Of, g.Name)
	if g.Try > 1 {
		line += "  (2nd try: the first one failed)"
	}
	return line + fmt.Sprintf("  about %s left", max(g.Left, time.Second).Round(time.Second))
}

// verdict is the exit code that a report asks for.
func verdict(r verify.Report) error {
	if r.Pass {
		return nil
	}
	var names []string
	for _, x := range r.Experiments {
		if !x.Pass {
			names = append(names, x.Name)
		}
	}
	return &problem.Failure{Code: problem.Invalid, Problems: problem.List{{
		What: "failed twice: " + strings.Join(names, ", "),
		Hint: "the usual cause is a busy host; to repeat only these: queuedyno verify " + strings.Join(names, " "),
	}}}
}

func unknownExperiment(name string) problem.List {
	if slices.Contains(verify.Names(), name) {
		return nil
	}
	f := problem.Problem{What: fmt.Sprintf("there is no experiment %q", name), Hint: "queuedyno verify --help lists them"}
	if near := nearest.Nearest(name, verify.Names()); near != "" {
		f.Hint = fmt.Sprintf("did you mean %s?", near)
	}
	return problem.List{f}
}
