package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/term"
)

// The rules of the output:
//
//   - Results go to standard output; notes, progress and errors to standard
//     error, so that a pipe carries the result and nothing else.
//   - Every note and error is one line, "queuedyno: <verb>: <what>", without a
//     capital at its beginning and a stop at its end. Where the remedy is
//     known, a line "hint: …" follows.
//   - A fault in a file begins with the file's name, line and column instead,
//     as compilers write it, so that editors jump there.
//   - Only a terminal gets colour, a redrawn line and its own width.
//   - A password in a URL is never written.

// console is standard error. It is safe for concurrent use: progress, notes and
// the answer to a signal come from different goroutines.
type console struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	// live is true when w is a terminal that can redraw a line, and drawn
	// while one stands there unfinished.
	live, drawn bool
}

func newConsole(w io.Writer, env func(string) string) *console {
	return &console{w: w, live: isTerminal(w) && env("TERM") != "dumb"}
}

// note says something that helps and that nobody has to read.
func (c *console) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.quiet {
		c.line("queuedyno: " + fmt.Sprintf(format, args...))
	}
}

// draw replaces the line that was drawn before. It must only be called on a
// live console.
func (c *console) draw(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quiet {
		return
	}
	_, _ = io.WriteString(c.w, "\r\x1b[K"+redact(line))
	c.drawn = true
}

// wipe removes the line that was drawn.
func (c *console) wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// fail prints all that is wrong, each remedy once. Errors are never silenced.
func (c *console) fail(verb string, f *failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	prefix := "queuedyno: "
	if verb != "" {
		prefix += verb + ": "
	}
	said := map[string]bool{}
	for _, one := range f.faults {
		if one.what != "" {
			c.line(prefix + one.what)
		}
		if one.hint != "" && !said[one.hint] {
			c.line("hint: " + one.hint)
			said[one.hint] = true
		}
	}
}

// verbatim prints what has a form of its own, such as a fault in a file.
func (c *console) verbatim(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line(strings.TrimRight(s, "\n"))
}

func (c *console) line(s string) {
	c.clear()
	_, _ = io.WriteString(c.w, redact(s)+"\n")
}

func (c *console) clear() {
	if c.drawn {
		_, _ = io.WriteString(c.w, "\r\x1b[K")
		c.drawn = false
	}
}

// redact hides the user and the password of every URL in s. What makes messages
// is expected to do so itself; this is for the password in a place where nobody
// expects one, such as a URL given for a scenario's name. The examples in our
// own remedies stay.
func redact(s string) string {
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

// isTerminal reports whether w is one.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the number of columns of the terminal w, or 80.
func width(w any) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 80
}
