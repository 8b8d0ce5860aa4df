package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/initial"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
)

const initHelp = `Write the first files into the repository in the working directory: a commented
scenarios.yaml that fits it, a benchmark (bench_test.go) if it has a go.mod, and a
workflow for GitHub (.github/workflows/queuedyno.yml) or a job for GitLab
(.gitlab/queuedyno.yml). A Git repository without a .gitignore gets one for results/.

It reads go.mod, package.json, Gemfile, requirements.txt, lock files, a compose file and
the names of queues and channels in the source. It asks nothing, starts nothing, and
never overwrites a file: one that exists is kept.`

func (p *program) initVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "init",
		Short:   "Write scenarios, a benchmark and a CI job that fit this repository",
		Long:    initHelp,
		Example: "  queuedyno init && queuedyno run",
		Args:    noArgs,
	}
	cmd.RunE = p.verb(func(context.Context, []string) error { return p.initialize() })
	return cmd
}

// initialize looks at the working directory, writes the files and says what it did.
func (p *program) initialize() error {
	r := initial.Look(os.DirFS("."))
	if src, err := p.findScenarios(defaultFile); err == nil && len(src.scenarios) > 0 && !slices.Contains(src.names(), "smoke") {
		r.Checked = src.names()[0] // the file is kept
	}
	rows := [][]string{{"looked at", seenInWords(r.Seen)}}
	for _, f := range r.Files() {
		done, err := writeNew(f)
		if err != nil {
			return problem.Failed(fmt.Errorf("write %s: %w", f.Path, err))
		}
		rows = append(rows, []string{done, f.Path})
	}
	var names []string
	if src, err := p.findScenarios(defaultFile); err == nil {
		names = src.names()
		rows = append(rows, []string{"scenarios", strings.Join(names, ", ")})
	} else {
		p.console.Note("init: %s has problems: see queuedyno validate", defaultFile)
	}
	workers := slices.Contains(names, "workers")
	for _, words := range r.Names() {
		if workers {
			rows = append(rows, []string{"names", words})
		}
	}
	if words := r.Unignored(); words != "" {
		rows = append(rows, []string{"git", words})
	}
	var steps [][]string
	for i, step := range r.Next(workers) {
		word := "next"
		if i > 0 {
			word = "then"
		}
		steps = append(steps, []string{fmt.Sprintf("%-9s", word), step.Command, step.What})
	}
	return errors.Join(console.WriteTable(p.stdout, rows), console.WriteTable(p.stdout, steps))
}

// seenInWords are the files that showed something, the first of them by name.
func seenInWords(seen []string) string {
	const most = 6
	switch n := len(seen); {
	case n == 0:
		return "no file that names a queue: these are general scenarios"
	case n > most:
		return strings.Join(seen[:most], ", ") + " and " + number.Plural(n-most, "more file")
	}
	return strings.Join(seen, ", ")
}

// writeNew writes a file that does not exist, and keeps one that does. It returns what it
// did in a word.
func writeNew(f initial.File) (done string, err error) {
	name := filepath.FromSlash(f.Path)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return "", err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return "kept", nil
	}
	if err != nil {
		return "", err
	}
	_, err = file.Write(f.Data)
	if err := errors.Join(err, file.Close()); err != nil {
		os.Remove(name)
		return "", err
	}
	return "wrote", nil
}
