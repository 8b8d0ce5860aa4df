package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/scenario"
)

const listHelp = `List the scenarios of a file: their names, their load, and the question each one
answers. Reads --file, otherwise ./scenarios.yaml, otherwise the scenarios bundled with
queuedyno.`

func (p *program) listVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the available scenarios",
		Long:    listHelp,
		Example: "  queuedyno list\n  queuedyno list -f ci/scenarios.yaml --json",
		Args:    noArgs,
	}
	f := p.flagsOf(cmd)
	var (
		file   string
		asJSON bool
	)
	declareFile(f, &file)
	f.Group("Output")
	f.Switch(&asJSON, "json", "", "print the scenarios as JSON, with all defaults")
	cmd.RunE = p.verb(func(context.Context, []string) error {
		if err := problem.Usage(f.Problems...); err != nil {
			return err
		}
		src, err := p.findScenarios(file)
		if err != nil {
			return problem.Usage(p.badScenarios(src, err)...)
		}
		for i, s := range src.scenarios {
			src.scenarios[i] = s.WithDefaults()
		}
		if asJSON {
			return console.WriteJSON(p.stdout, src.scenarios)
		}
		p.console.Note("list: %s", src.where)
		var rows [][]string
		for _, s := range src.scenarios {
			rows = append(rows, []string{s.Name, loadInBrief(s.Load), console.OneLine(s.Description)})
		}
		return console.WriteTable(p.stdout, rows)
	})
	return cmd
}

// loadInBrief is a load in a few words: "1000/s for 10s".
func loadInBrief(l scenario.Load) string {
	var words []string
	if l.Observed {
		words = append(words, "observing")
	} else if l.Closed() {
		words = append(words, fmt.Sprintf("max, %s in flight", number.Count(int64(l.InFlight))))
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
		words = append(words, fmt.Sprintf("for %s jobs", number.Count(l.Jobs)))
		if l.Duration > 0 {
			words = append(words, "or "+l.Duration.String())
		}
	} else if l.Duration > 0 {
		words = append(words, "for "+l.Duration.String())
	}
	return strings.Join(words, " ")
}

const validateHelp = `Check scenario files without starting anything. Prints all problems of all files, each
with its file, line and column. Without an argument it checks the file that "queuedyno
run" would use; - is standard input.`

func (p *program) validateVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "validate [FILE...]",
		Short:   "Check scenario files for problems",
		Long:    validateHelp,
		Example: "  queuedyno validate\n  queuedyno validate scenarios.yaml ci/*.yaml",
		Args:    cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	cmd.RunE = p.verb(func(_ context.Context, files []string) error {
		if len(files) == 0 {
			files = []string{""}
		}
		var bad problem.List
		for _, file := range files {
			src, err := p.findScenarios(file)
			if err != nil {
				bad = append(bad, p.badScenarios(src, err)...)
				continue
			}
			if file == "" && src.where != "./"+src.name {
				p.console.Note("validate: %s", src.where)
			}
			before := len(bad)
			for _, s := range src.scenarios {
				if err := s.Open(); err != nil {
					f := problem.Of(err)
					f.What = fmt.Sprintf("%s: %s: %s", src.name, s.Name, f.What)
					bad = append(bad, f)
				}
				for _, doubt := range s.Unanswerable() {
					p.console.Note("validate: %s: %s: threshold %s", src.name, s.Name, doubt)
				}
			}
			if len(bad) > before {
				continue
			}
			if _, err := fmt.Fprintf(p.stdout, "%s: %s, no problems\n", src.name, number.Plural(len(src.scenarios), "scenario")); err != nil {
				return err
			}
		}
		return problem.Usage(bad...)
	})
	return cmd
}
