package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/scenario"
)

const listHelp = `List the scenarios of a file: their names, their load, and the question each
one answers. Without --file it is ./scenarios.yaml, and where there is none, the
scenarios that come with queuedyno.`

func (p *program) listVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the scenarios there are to run",
		Long:    listHelp,
		Example: "  queuedyno list\n  queuedyno list -f ci/scenarios.yaml --json",
		Args:    noArgs,
	}
	f := p.flagsOf(cmd)
	file := add(f, "file", "f", "scenario `FILE`, - for standard input (default ./scenarios.yaml, else the bundled one)", anyText)
	asJSON := addSwitch(f, "json", "", "print the scenarios as JSON, every default filled in")
	cmd.RunE = p.verb(func(*cobra.Command, []string) error {
		if err := usageErr(f.faults...); err != nil {
			return err
		}
		src, err := p.findScenarios(file.get())
		if err != nil {
			return p.badScenarios(src, err)
		}
		for i, s := range src.scenarios {
			src.scenarios[i] = s.WithDefaults()
		}
		if asJSON.get() {
			return writeJSON(p.stdout, src.scenarios)
		}
		p.console.note("list: %s", src.where)
		var rows [][]string
		for _, s := range src.scenarios {
			rows = append(rows, []string{s.Name, loadInBrief(s.Load), oneLine(s.Description)})
		}
		return writeTable(p.stdout, rows)
	})
	return cmd
}

// badScenarios is the failure of a file that cannot be used. Its faults are
// printed as they are; what is returned only counts them.
func (p *program) badScenarios(src source, err error) error {
	n := p.fileFaults(err)
	if n == 0 {
		return err
	}
	return usageErr(fault{what: src.name + ": " + plural(n, "fault")})
}

// plural is a number of things in words: "1 fault", "8 faults".
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return thousands(int64(n)) + " " + thing
}

// oneLine is a text without its line breaks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// loadInBrief is a load in a few words: "1000/s for 10s".
func loadInBrief(l scenario.Load) string {
	var words []string
	if l.Observed {
		words = append(words, "looking on")
	} else if l.Closed() {
		words = append(words, fmt.Sprintf("max, %s in flight", thousands(int64(l.InFlight))))
	} else {
		switch {
		case len(l.Steps) > 0:
			words = append(words, "steps "+l.Steps.String())
		case l.Replay.File != "":
			words = append(words, "replay of "+l.Replay.File)
		default:
			words = append(words, l.Rate.String())
		}
		if l.Arrivals != "" && l.Arrivals != "constant" {
			words = append(words, string(l.Arrivals))
		}
	}
	if l.Jobs > 0 {
		words = append(words, fmt.Sprintf("for %s jobs", thousands(l.Jobs)))
		if l.Duration > 0 {
			words = append(words, "or "+l.Duration.String())
		}
	} else if l.Duration > 0 {
		words = append(words, "for "+l.Duration.String())
	}
	return strings.Join(words, " ")
}
