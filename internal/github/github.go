// Package github writes what GitHub shows of a step: its summary, and annotations.
package github

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
)

// Step is the step of a workflow that we run in.
type Step struct {
	// Getenv looks up a variable of the environment.
	Getenv func(name string) string
	// Console is where annotations go: GitHub reads them from standard error as well, and
	// standard output is the report's.
	Console *console.Console
}

// Wanted reports whether what GitHub shows is to be written: as asked where it was asked,
// and otherwise because we run there.
func (s Step) Wanted(given, asked bool) bool {
	if given {
		return asked
	}
	return s.Getenv("GITHUB_ACTIONS") == "true"
}

// Summary appends Markdown to the summary of the step. Several steps of one
// job write to the same file.
func (s Step) Summary(write func(io.Writer) error) error {
	name := s.Getenv("GITHUB_STEP_SUMMARY")
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

func (s Step) annotate(level, title, text string) {
	s.Console.Verbatim(fmt.Sprintf("::%s title=%s::%s", level, property(title), message(text)))
}

// message escapes what follows the colons of a workflow command.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes the value of a property of one.
func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// Annotate annotates how something ended.
func (s Step) Annotate(e outcome.Outcome) {
	for _, f := range e.Problems {
		level := "error"
		if e.Code == problem.Invalid {
			level = "warning"
		}
		s.annotate(level, "queuedyno "+e.Name, f.What)
	}
}
