package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
)

// onGitHub reports whether what GitHub shows is to be written: by the switch, or
// without it because we run there.
func (p *program) onGitHub(f *flags.Set, asked bool) bool {
	if f.Given("github") {
		return asked
	}
	return p.getenv("GITHUB_ACTIONS") == "true"
}

// stepSummary appends Markdown to the summary of the step. Several steps of one
// job write to the same file.
func (p *program) stepSummary(write func(io.Writer) error) error {
	name := p.getenv("GITHUB_STEP_SUMMARY")
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("write the step summary: %w", err)
	}
	var b strings.Builder
	if err := write(&b); err != nil {
		f.Close()
		return err
	}
	if _, err := io.WriteString(f, b.String()+"\n"); err != nil {
		f.Close()
		return fmt.Errorf("write the step summary: %w", err)
	}
	return f.Close()
}

// annotate writes an annotation, which GitHub reads from standard error as well;
// standard output is the report's.
func (p *program) annotate(level, title, text string) {
	p.console.Verbatim(fmt.Sprintf("::%s title=%s::%s", level, property(title), message(text)))
}

// message escapes what follows the colons of a workflow command.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes the value of a property of one.
func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// annotateEnding annotates how something ended.
func (p *program) annotateEnding(e outcome.Outcome) {
	for _, f := range e.Problems {
		level := "error"
		if e.Code == problem.Invalid {
			level = "warning"
		}
		p.annotate(level, "queuedyno "+e.Name, f.What)
	}
}
