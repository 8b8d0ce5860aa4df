// Package console writes to standard error: notes, progress and errors, without the
// passwords of URLs. It also words numbers and tables for people.
package console

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/queuedyno/queuedyno/internal/problem"
)

// The rules of the output:
//
//   - Results go to standard output; notes, progress and errors to standard
//     error, so that a pipe carries the result and nothing else.
//   - Every note and error is one line, "queuedyno: <verb>: <what>", without a
//     capital at its beginning and a stop at its end. Where the remedy is
//     known, a line "hint: …" follows.
//   - A problem in a file begins with the file's name, line and column instead,
//     as compilers write it, so that editors jump there.
//   - Only a terminal gets colour, a redrawn line and its own width.
//   - A password in a URL is never written.

// Console is standard error. It is safe for concurrent use: progress, notes and
// the answer to a signal come from different goroutines.
type Console struct {
	mu    sync.Mutex
	w     io.Writer
	Quiet bool
	// Live is true when w is a terminal that can redraw a line.
	Live bool
	// drawn is how many lines stand there unfinished.
	drawn int
}

func New(w io.Writer, env func(string) string) *Console {
	return &Console{w: w, Live: IsTerminal(w) && env("TERM") != "dumb"}
}

// Note prints a remark that helps and may be ignored.
func (c *Console) Note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.Quiet {
		c.line("queuedyno: " + fmt.Sprintf(format, args...))
	}
}

// Warn prints a remark that should not wait for the result, and the remedy.
func (c *Console) Warn(what, hint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Quiet {
		return
	}
	c.line("queuedyno: " + what)
	if hint != "" {
		c.line("hint: " + hint)
	}
}

// Draw replaces the lines that were drawn before. None may be wider than the terminal.
// It must only be called on a Live console.
func (c *Console) Draw(lines ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Quiet {
		return
	}
	// In one write, so that no terminal shows it half done.
	_, _ = io.WriteString(c.w, wipe(max(1, c.drawn))+Redact(strings.Join(lines, "\n")))
	c.drawn = len(lines)
}

// wipe clears the line of the cursor and those above it, so many in all, and goes to the
// beginning of the first.
func wipe(lines int) string { return "\r\x1b[K" + strings.Repeat("\x1b[1A\x1b[K", lines-1) }

// Wipe removes the lines that were drawn.
func (c *Console) Wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// Fail prints all that is wrong, each remedy once. Errors are never silenced.
func (c *Console) Fail(verb string, f *problem.Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	prefix := "queuedyno: "
	if verb != "" {
		prefix += verb + ": "
	}
	said := map[string]bool{}
	for _, one := range f.Problems {
		if one.What != "" {
			c.line(prefix + one.What)
		}
		if one.Hint != "" && !said[one.Hint] {
			c.line("hint: " + one.Hint)
			said[one.Hint] = true
		}
	}
}

// Verbatim prints what has its own form, such as a problem in a file.
func (c *Console) Verbatim(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line(strings.TrimRight(s, "\n"))
}

// Write writes what is not for people, such as a result, in one piece and as it is.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	return c.w.Write(p)
}

func (c *Console) line(s string) {
	c.clear()
	_, _ = io.WriteString(c.w, Redact(s)+"\n")
}

func (c *Console) clear() {
	if c.drawn > 0 {
		_, _ = io.WriteString(c.w, wipe(c.drawn))
		c.drawn = 0
	}
}

// Redact hides the user and the password of every URL in s. What makes messages
// is expected to do so itself; this is for a password in an unexpected place, such as a
// URL given for a scenario's name. The examples in hints stay.
func Redact(s string) string {
	credentials := regexp.MustCompile(`://[^\s]*@`) // a line a second does not need it kept
	return credentials.ReplaceAllStringFunc(s, func(part string) string {
		var b strings.Builder
		for part != "" {
			one := part
			// The next URL of a list begins after a comma; a comma alone may be
			// part of a password.
			if next := nextURL.FindStringIndex(part); next != nil && strings.Contains(part[:next[0]], "@") {
				one = part[:next[0]]
			}
			part = part[len(one):]
			at := strings.LastIndexByte(one, '@')
			start := strings.Index(one, "://") + len("://")
			switch one[start:at] {
			case "user:password", ":password":
				b.WriteString(one)
			default:
				b.WriteString(one[:start] + "***" + one[at:])
			}
		}
		return b.String()
	})
}

// nextURL is where a further URL of a list begins.
var nextURL = regexp.MustCompile(`,(?:redis|valkey|http)[a-z+-]*://`)

// IsTerminal reports whether w is one.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width is the number of columns of the terminal w, or 80.
func Width(w any) int {
	columns, _ := Size(w)
	return columns
}

// Size is the number of columns and of rows of the terminal w, or 80 and 24.
func Size(w any) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && rows > 0 {
			return columns, rows
		}
	}
	return 80, 24
}
