package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// words completes to one of the given words, each with what it means behind a
// tab or without.
func words(all ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// nothing completes to nothing: the value is the user's alone.
func nothing() cobra.CompletionFunc { return words() }

// complete gives a flag its completion. That can only fail for a flag that does
// not exist, which is a mistake in this package.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// fieldsToVary completes to the names of what can be varied.
func fieldsToVary() cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var names []string
		for _, name := range study.Fields() {
			names = append(names, name+"=")
		}
		return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

func (p *program) completeFile(cmd *cobra.Command) {
	complete(cmd, "file", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
	})
}

func (p *program) completeRun(cmd *cobra.Command) {
	cmd.ValidArgsFunction = p.scenarioNames
	p.completeFile(cmd)
	complete(cmd, "redis", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []string{
			"auto\tREDIS_URL, else the first of process, docker, embedded",
			"process\ta private redis-server from PATH",
			"docker\ta private container",
			"embedded\tfor trying things out",
			"redis://", "rediss://", "unix://", "redis-sentinel://", "redis-cluster://",
		}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
	complete(cmd, "rate", words("max\tclosed loop", "100/s", "1k/s", "10k/s"))
	complete(cmd, "arrivals", words(string(pace.Constant), string(pace.Poisson)))
	complete(cmd, "threshold", words(metricNames()...))
	complete(cmd, "out", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
	for _, flag := range []string{
		"redis-args", "image", "worker", "worker-start", "duration", "jobs", "producers", "consumers", "subscribers", "in-flight", "max-in-flight", "max-backlog", "batch",
		"payload", "work", "warmup", "drain-timeout", "update", "seed", "name", "tag",
	} {
		complete(cmd, flag, nothing())
	}
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
func (p *program) scenarioNames(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	file := p.env(twin("file"))
	if v, ok := cmd.Flags().Lookup("file").Value.(*value[string]); ok {
		file = v.or(file)
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
			names = append(names, s.Name+"\t"+oneLine(s.Description))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func metricNames() []string {
	var names []string
	for _, m := range metric.Metrics() {
		names = append(names, m.Name)
	}
	return names
}
