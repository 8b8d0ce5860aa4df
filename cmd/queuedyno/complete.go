package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/scenario"
)

// words completes to one of the given words, each with what it means behind a
// tab or without.
func words(all ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// complete gives a flag its completion. That can only fail for a flag that does
// not exist, which is a mistake in this package.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// completeFlags gives a completion to each flag of a verb that has none yet: the
// words of a scenario's field, else what the word for its value in the help stands
// for. Only a FILE is completed to the names of files.
func (p *program) completeFlags(cmd *cobra.Command) {
	offered := map[string][]string{}
	for _, f := range scenario.Fields() {
		offered[f.Flag] = f.Words
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, done := cmd.GetFlagCompletionFunc(f.Name); done || f.Value.Type() == "bool" {
			return
		}
		placeholder, _ := pflag.UnquoteUsage(f)
		switch {
		case f.Name == "file" || strings.HasSuffix(f.Name, "-file"):
			complete(cmd, f.Name, files(cobra.ShellCompDirectiveFilterFileExt, "yaml", "yml"))
		case placeholder == "DIR":
			complete(cmd, f.Name, files(cobra.ShellCompDirectiveFilterDirs))
		case f.Name == "redis" || strings.HasSuffix(f.Name, "-redis"):
			complete(cmd, f.Name, redisWords)
		case placeholder != "FILE":
			complete(cmd, f.Name, words(offered[f.Name]...))
		}
	})
}

// files completes to files or directories.
func files(which cobra.ShellCompDirective, endings ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return endings, which
	}
}

// redisWords completes to the ways to say which Redis, or its URL.
func redisWords(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []string{
		"auto\tREDIS_URL, else the first of process, docker, embedded",
		"process\ta private redis-server from PATH",
		"docker\ta private container",
		"embedded\tfor trying things out",
		"redis://", "rediss://", "unix://", "redis-sentinel://", "redis-cluster://",
	}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func (p *program) completeReport(cmd *cobra.Command) {
	complete(cmd, "format", words(render.Run.Formats()...))
	var stages []string
	for _, s := range metric.Stages() {
		stages = append(stages, string(s))
	}
	complete(cmd, "stage", words(stages...))
}

// scenarioNames completes to the scenarios of the file that is in use, without
// those that are on the command line already.
func (p *program) scenarioNames(of *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		file := *of
		if file == "" {
			file = p.getenv(flags.Variable("file"))
		}
		if file == "-" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		src, err := p.findScenarios(file)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		taken := " " + strings.Join(args, " ") + " "
		var names []string
		for _, s := range src.scenarios {
			if !strings.Contains(taken, " "+s.Name+" ") {
				names = append(names, s.Name+"\t"+console.OneLine(s.Description))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func metricNames() []string {
	var names []string
	for _, m := range metric.Metrics() {
		names = append(names, m.Name)
	}
	return names
}
