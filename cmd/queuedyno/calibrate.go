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
	"github.com/queuedyno/queuedyno/internal/render"
)

const calibrateHelp = `Measure how noisy this host is, by comparing a scenario with itself.

It makes all --pairs pairs of runs that are the same, as compare would, and says
for each metric how far two runs that are the same lie apart, and which margin
so many pairs can decide. From the same pairs it draws a thousand comparisons in
which nothing changed, and says how many of them would have failed and passed.

calibration.json is for "queuedyno compare --calibration", which then takes its
margins from it, for the same scenario on the same host.

Exit codes: 0 it is calibrated, 4 too many runs could not be believed, 130
interrupted.`

const calibrateExample = `  queuedyno calibrate steady --pairs 20 --calibration calibration.json
  queuedyno compare steady --calibration calibration.json --candidate-image redis:8-alpine -u docker`

func (p *program) calibrateVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "calibrate [SCENARIO]",
		Short:   "Measure the noise of this host and the margins that it can decide",
		Long:    calibrateHelp,
		Example: calibrateExample,
		Args:    cobra.MaximumNArgs(1),
	}
	f := p.flagsOf(cmd)
	c := &comparing{verb: "calibrate", base: noArmFlags(f), candidate: noArmFlags(f)}
	c.addShared(p, f)
	c.calibration = add(f, "calibration", "", "`FILE` to write calibration.json to as well; it is replaced", anyText)
	cmd.RunE = p.verb(func(cmd *cobra.Command, args []string) error {
		p.console.quiet = c.quiet.get()
		pl, err := c.plan(args)
		if err != nil {
			return err
		}
		return c.calibrate(cmd.Context(), pl)
	})
	cmd.ValidArgsFunction = p.scenarioNames
	return cmd
}

// noArmFlags are those of a side that has none of its own.
func noArmFlags(f *flags) armFlags {
	none := func() *value[string] { return &value[string]{flags: f} }
	return armFlags{redis: none(), redisArgs: none(), image: none(), file: none(), scenario: none(), args: none(), cmd: none(), worker: none()}
}

// calibrate makes the runs and works out the noise.
func (c *comparing) calibrate(ctx context.Context, pl comparePlan) error {
	ctx, signals := listen(ctx, c.p.console)
	defer signals.close()
	reserved, err := c.reserve(c.verb, pl.place)
	if err != nil {
		return err
	}
	defer release(reserved)
	r := pl.record
	results, err := c.runs(ctx, pl, true)
	switch {
	case err != nil:
		return failed(err)
	case signals.happened():
		return &failure{exitInterrupted, []fault{{what: fmt.Sprintf("interrupted after %s; nothing was written", plural(r.Pairs, "pair"))}}}
	case r.Pairs < r.MostPairs:
		return &failure{exitInvalid, []fault{{
			fmt.Sprintf("only %s of %d could be believed: %s", plural(r.Pairs, "pair"), r.MostPairs, strings.Join(r.Reasons, "; ")),
			"a lower rate, longer runs or a quieter host helps",
		}}}
	}
	found := compare.Calibrate(r, r.MostPairs)
	var b bytes.Buffer
	if err := render.Of(found).Encode(&b, "json", render.Options{}); err != nil {
		return err
	}
	endings := c.kept(reserved[0], reserved[0].Write(render.Of(r), slices.Concat(render.Of(found).Files(), render.Runs(results))...))
	if file := c.calibration.get(); file != "" {
		if err := writeFile(file, b.Bytes(), true); err != nil {
			endings = append(endings, failedEnding("", err))
		} else {
			c.p.console.note("calibrate: wrote %s", filepath.Clean(file))
		}
	}
	if c.recordJSON.get() {
		_, err = c.p.stdout.Write(b.Bytes())
	} else {
		err = render.Of(found).Encode(c.p.stdout, "text", render.Options{})
	}
	if err != nil {
		endings = append(endings, failedEnding("", fmt.Errorf("write to standard output: %w", err)))
	}
	return worst(endings)
}
