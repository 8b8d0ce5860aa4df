package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
)

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
	cmd.RunE = p.verb(func(_ *cobra.Command, files []string) error {
		if len(files) == 0 {
			files = []string{""}
		}
		var bad []problem.Problem
		for _, file := range files {
			src, err := p.findScenarios(file)
			if err != nil {
				bad = append(bad, problem.AsFailure(p.badScenarios(src, err)).Problems...)
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
