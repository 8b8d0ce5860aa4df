package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const validateHelp = `Check scenario files and start nothing. All faults of all files are printed at
once, each with its file, line and column. Without an argument the file is the
one that "queuedyno run" would use; - is standard input.`

func (p *program) validateVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "validate [FILE...]",
		Short:   "Check scenario files for faults",
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
		var bad []fault
		for _, file := range files {
			src, err := p.findScenarios(file)
			if err != nil {
				bad = append(bad, asFailure(p.badScenarios(src, err)).faults...)
				continue
			}
			if file == "" && src.where != "./"+src.name {
				p.console.note("validate: %s", src.where)
			}
			before := len(bad)
			for _, s := range src.scenarios {
				if err := s.Open(); err != nil {
					f := faultOf(err)
					f.what = fmt.Sprintf("%s: %s: %s", src.name, s.Name, f.what)
					bad = append(bad, f)
				}
				for _, doubt := range s.Unanswerable() {
					p.console.note("validate: %s: %s: threshold %s", src.name, s.Name, doubt)
				}
			}
			if len(bad) > before {
				continue
			}
			if _, err := fmt.Fprintf(p.stdout, "%s: %s, no fault\n", src.name, plural(len(src.scenarios), "scenario")); err != nil {
				return err
			}
		}
		return usageErr(bad...)
	})
	return cmd
}
