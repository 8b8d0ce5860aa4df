package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/verify"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

const verifyHelp = `Prove on this machine that the measurement is right, by experiments whose
answers are known beforehand: a server and workers that hang for half a second,
queues that theory solves, faults planted one by one, the generator's own delay.

It takes a private redis-server from PATH, which it stops and lets go on; no
other Redis is touched. All experiments take about a minute and a half. One that
fails is made once more, and the output says so. Exit code 0 means that all
passed, 4 that one failed twice.`

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
	v := verifying{
		p:     p,
		flags: f,
		seed:  add(f, "seed", "", "`SEED` of the poisson arrivals (default other ones each time)", literal.Seed),
		json:  addSwitch(f, "json", "", "print the report as JSON"),
		quiet: addSwitch(f, "quiet", "q", "no progress, only the report and errors"),
	}
	cmd.RunE = p.verb(func(cmd *cobra.Command, names []string) error { return v.run(cmd.Context(), names) })
	return cmd
}

// verifying are the flags of the verb verify.
type verifying struct {
	p           *program
	flags       *flags
	seed        *value[uint64]
	json, quiet *value[bool]
}

func (v verifying) run(ctx context.Context, names []string) error {
	faults := v.flags.faults
	for _, name := range names {
		faults = append(faults, unknownExperiment(name)...)
	}
	if err := usageErr(faults...); err != nil {
		return err
	}
	console := v.p.console
	console.quiet = v.quiet.get()
	ctx, signals := listen(ctx, console)
	defer signals.close()

	server, err := redisserver.Start(ctx, redisserver.Options{Source: string(redisserver.Process), Getenv: v.p.env})
	if err != nil {
		return v.notStarted(err, signals)
	}
	report, err := verify.Run(ctx, verify.Options{
		Server: verify.Server{
			URL:   server.URL(),
			Stall: func(ctx context.Context, d time.Duration) error { return stallProcess(ctx, server.PID(), d) },
		},
		Only: names, Seed: v.seed.get(),
		Progress: func(g verify.Progress) { console.note("%s", tryLine(g)) },
		Tool:     build().tool(),
		Redis:    result.Redis{Kind: string(server.Kind()), Address: server.Address()},
	})
	closed := server.Close()
	switch {
	case signals.happened():
		return &failure{exitInterrupted, []fault{{what: "interrupted; the server is gone and nothing was written"}}}
	case err != nil:
		return failed(errors.Join(err, closed))
	}
	if err := v.show(report); err != nil {
		return failed(fmt.Errorf("write to standard output: %w", err))
	}
	if closed != nil {
		return failed(closed)
	}
	return verdict(report)
}

// notStarted is how it ends without a server that may be stopped.
func (v verifying) notStarted(err error, signals *interrupt) error {
	if signals.happened() {
		return &failure{exitInterrupted, []fault{{what: "interrupted before it began"}}}
	}
	f := fault{what: "start a private redis-server: " + err.Error()}
	if errors.Is(err, redisserver.ErrUnavailable) {
		f = fault{
			"a private redis-server is missing: the experiments stop the server and let it go on, which the embedded one and a Redis in use cannot bear",
			`install it with "apt install redis-server" or "brew install redis"; it must be in PATH`,
		}
	}
	return &failure{code: exitFailed, faults: []fault{f}}
}

func (v verifying) show(r verify.Report) error {
	if v.json.get() {
		return writeJSON(v.p.stdout, r)
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
	return &failure{exitInvalid, []fault{{
		"failed twice: " + strings.Join(names, ", "),
		"a busy host is the usual cause; to try these alone: queuedyno verify " + strings.Join(names, " "),
	}}}
}

func unknownExperiment(name string) []fault {
	for _, known := range verify.Names() {
		if name == known {
			return nil
		}
	}
	f := fault{what: fmt.Sprintf("there is no experiment %q", name), hint: "queuedyno verify --help lists them"}
	if near := scenario.Suggest(name, verify.Names()); near != "" {
		f.hint = fmt.Sprintf("did you mean %s?", near)
	}
	return []fault{f}
}
