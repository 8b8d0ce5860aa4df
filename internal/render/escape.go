package render

import (
	"strings"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/result"
)

// escape is s as Markdown text that shows s: no markup, no HTML, no table cell,
// list or line ends inside it.
func escape(s string) string {
	s = plain(s)
	var b strings.Builder
	// At the start of a block these make a list or a rule.
	if rest := strings.TrimLeft(s, "0123456789"); rest != s && listMark(rest) {
		b.WriteString(s[:len(s)-len(rest)] + `\`)
		s = rest
	} else if s != "" && strings.ContainsAny(s[:1], "-+=") {
		b.WriteByte('\\')
	}
	for _, r := range s {
		if strings.ContainsRune("\\`*[]<>#|~&$", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return underscores(b.String())
}

// listMark says whether s makes a numbered list of a number before it.
func listMark(s string) bool {
	return s == "." || s == ")" || strings.HasPrefix(s, ". ") || strings.HasPrefix(s, ") ")
}

// underscores escapes those that could begin or end emphasis; inside a word
// they are safe, and end_to_end stays readable.
func underscores(s string) string {
	word := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r > utf8.RuneSelf
	}
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		if r == '_' && (i == 0 || i == len(runes)-1 || !word(runes[i-1]) || !word(runes[i+1])) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// code is s as code in Markdown, also in a table cell.
func code(s string) string {
	s = plain(s)
	if s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s)+1)
	// A pipe ends a cell even inside code, unless it is escaped.
	s = strings.ReplaceAll(s, "|", `\|`)
	if longestRun(s) > 0 {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// fence is a block of code, fenced by more backticks than it holds.
func fence(language, s string) string {
	ticks := strings.Repeat("`", max(3, longestRun(s)+1))
	return ticks + language + "\n" + strings.TrimRight(s, "\n") + "\n" + ticks
}

func longestRun(s string) int {
	longest, n := 0, 0
	for _, r := range s {
		if r == '`' {
			n++
			longest = max(longest, n)
		} else {
			n = 0
		}
	}
	return longest
}

func each(in []string, f func(string) string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = f(s)
	}
	return out
}

// capital is s with a capital first letter.
func capital(s string) string {
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(r)) + s[n:]
}

// state is what became of a check.
func state(c result.Check) string {
	switch {
	case c.Passed && c.Limit == nil:
		return ""
	case c.Passed:
		return "pass"
	case c.Effect != "":
		return c.Effect
	}
	return "fail"
}

// outcome is what became of a threshold.
func outcome(o result.Threshold) string {
	switch {
	case o.Passed:
		return "pass"
	case o.Undecided:
		return "undecided"
	}
	return "fail"
}

// emphasised is a word of state or outcome in Markdown: what did not pass stands out.
func emphasised(word string) string {
	if word == "" || word == "pass" {
		return word
	}
	return "**" + word + "**"
}
