package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/manpage"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
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

// completeFlags gives a completion to each flag of a verb that has none yet: the names of
// files or directories where it takes them, else the words of a scenario's field.
func (p *program) completeFlags(cmd *cobra.Command) {
	offered := map[string][]string{}
	for _, f := range scenario.Fields() {
		offered[f.Flag] = f.Words
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, done := cmd.GetFlagCompletionFunc(f.Name); done || f.Value.Type() == "bool" {
			return
		}
		names := f.Value.Type()
		switch {
		case f.Name == "file" || strings.HasSuffix(f.Name, "-file"):
			complete(cmd, f.Name, files(cobra.ShellCompDirectiveFilterFileExt, "yaml", "yml"))
		case names == flags.Dirs:
			complete(cmd, f.Name, files(cobra.ShellCompDirectiveFilterDirs))
		case f.Name == "redis" || strings.HasSuffix(f.Name, "-redis"):
			complete(cmd, f.Name, beginnings(redisWords()...))
		case names != flags.Files:
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

// beginnings completes to what more is written behind.
func beginnings(all ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// redisSchemes are the beginnings of the URL of a Redis.
func redisSchemes() []string {
	return []string{"redis://", "rediss://", "unix://", "redis-sentinel://", "redis-cluster://"}
}

// redisWords are the ways to say which Redis, and the beginnings of its URL.
func redisWords() []string {
	return append([]string{
		"auto\tREDIS_URL, else the first of process, docker, embedded",
		"process\ta private redis-server from PATH",
		"sentinel\ta private master with replicas and sentinels",
		"cluster\ta private cluster",
		"docker\ta private container",
		"embedded\tfor trying things out",
	}, redisSchemes()...)
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

// manualVerb writes what packages install besides the binary. It is for building them
// and not in the help.
func (p *program) manualVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "manual DIR",
		Short:  "Write the manual pages and the completion scripts",
		Long:   "Write the manual pages to DIR/man, and the completion scripts of bash, zsh, fish and\nPowerShell to DIR/completions.",
		Hidden: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return problem.Exit(problem.BadUsage, fmt.Sprintf("%d directories", len(args)), "write the one for the pages: queuedyno manual DIR")
		},
	}
	cmd.RunE = p.verb(func(_ context.Context, args []string) error { return p.manual(cmd.Root(), args[0]) })
	return cmd
}

// manual writes the manual pages and completion scripts of all verbs.
func (p *program) manual(root *cobra.Command, dir string) error {
	files := map[string]func(*bytes.Buffer) error{
		"completions/queuedyno.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"completions/queuedyno.zsh":  func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"completions/queuedyno.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"completions/queuedyno.ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	}
	for _, page := range p.pages(root) {
		files["man/"+page.Name+".1"] = func(b *bytes.Buffer) error { return page.Write(b) }
	}
	for name, write := range files {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages are the manual pages of a command and of what is below it.
func (p *program) pages(cmd *cobra.Command) []manpage.Page {
	name := func(of *cobra.Command) string { return strings.ReplaceAll(of.CommandPath(), " ", "-") }
	page := manpage.Page{Name: name(cmd), Short: cmd.Short, Synopsis: cmd.UseLine(), Long: cmd.Long, Examples: cmd.Example}
	if cmd.HasParent() {
		page.See = append(page.See, name(cmd.Parent()))
	}
	var below []manpage.Page
	commands := manpage.Section{Title: "Commands"}
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		commands.Items = append(commands.Items, manpage.Item{Term: sub.Name(), Text: sub.Short})
		if sub.Name() != "help" && sub.Name() != "completion" { // cobra's, which have their text in the help alone
			page.See = append(page.See, name(sub))
			below = append(below, p.pages(sub)...)
		}
	}
	if len(commands.Items) > 0 {
		page.Sections = append(page.Sections, commands)
	}
	for _, heading := range flags.Headings(cmd.Flags()) {
		s := manpage.Section{Title: heading.Title}
		if heading.Title != "Flags" {
			s.Title += " flags"
		}
		for _, row := range heading.Rows {
			term := "--" + row.Name
			if row.Letter != "" {
				term = "-" + row.Letter + ", " + term
			}
			s.Items = append(s.Items, manpage.Item{Term: term, Value: row.Value, Text: row.Usage})
		}
		page.Sections = append(page.Sections, s)
	}
	if p.flags[cmd] != nil {
		s := manpage.Section{Title: "Environment", Intro: "Each flag can be set in the environment: --drain-timeout is QUEUEDYNO_DRAIN_TIMEOUT. The flag wins."}
		if cmd.Flags().Lookup("redis") != nil {
			s.Intro += "\nREDIS_URL is the Redis to use where neither --redis nor QUEUEDYNO_REDIS says which."
		}
		page.Sections = append(page.Sections, s)
	}
	return append([]manpage.Page{page}, below...)
}
