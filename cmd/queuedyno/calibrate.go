package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
)

const calibrateHelp = `Measure how noisy this host is, by comparing a scenario with itself.

Makes all --pairs pairs of identical runs, as compare would. For each metric it reports
how much identical runs differ, and the smallest margin that many pairs can detect.
From the same pairs it draws a thousand comparisons in which nothing changed, and
reports how many would have failed and passed.

"queuedyno compare --calibration calibration.json" then takes its margins from it, for
the same scenario on the same host.

Exit codes: 0 calibrated, 4 too many runs were invalid, 130 interrupted.`

const calibrateExample = `  queuedyno calibrate steady --pairs 20 --calibration calibration.json
  queuedyno compare steady --calibration calibration.json --candidate-image redis:8-alpine -u docker`

func (p *program) calibrateVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "calibrate [SCENARIO]",
		Short:   "Measure the noise of this host and the margins it can detect",
		Long:    calibrateHelp,
		Example: calibrateExample,
		Args:    cobra.MaximumNArgs(1),
	}
	f := p.flagsOf(cmd)
	c := &comparing{p: p, verb: "calibrate"}
	declareFile(f, &c.file)
	c.declareShared(f)
	f.Text(&c.calibration, "calibration", "", "also write calibration.json to `FILE`, replacing it")
	f.Completes(flags.Files, "calibration")
	cmd.RunE = p.verb(c.calibrate)
	cmd.ValidArgsFunction = p.scenarioNames(&c.file)
	return cmd
}

// calibrate makes the runs and works out the noise.
func (c *comparing) calibrate(ctx context.Context, names []string) error {
	pl, err := c.plan(names)
	if err != nil {
		return err
	}
	ctx, signals := interrupt.Listen(ctx, c.p.console)
	defer signals.Close()
	reserved, err := outcome.Reserve(c.p.console, c.verb, pl.place)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	r := pl.record
	results, err := c.runs(ctx, pl, true)
	switch {
	case err != nil:
		return problem.Failed(err)
	case signals.Happened():
		return problem.Exit(problem.Interrupted, fmt.Sprintf("interrupted after %s; nothing was written", number.Plural(r.Pairs, "pair")), "")
	case r.Pairs < r.MostPairs:
		return &problem.Failure{Code: problem.Invalid, Problems: problem.List{{
			What: fmt.Sprintf("only %s of %d were valid: %s", number.Plural(r.Pairs, "pair"), r.MostPairs, strings.Join(r.Reasons, "; ")),
			Hint: "try a lower rate, longer runs or a quieter host",
		}}}
	}
	found := compare.Calibrate(r, r.MostPairs)
	var endings outcome.Outcomes
	endings.Err(c.stored(r, reserved[0], slices.Concat(render.Of(found).Files(), render.Runs(results))...))
	if file := c.calibration; file != "" {
		var b bytes.Buffer
		err := render.Of(found).Encode(&b, "json", render.Options{})
		if err == nil {
			err = writeFile(file, b.Bytes(), true)
		}
		if endings.Err(err); err == nil {
			c.p.console.Note("calibrate: wrote %s", filepath.Clean(file))
		}
	}
	endings.Err(c.p.print(render.Of(found), c.json, render.Options{}))
	return outcome.Worst(endings)
}
