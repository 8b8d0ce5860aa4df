package initial

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Unresolved is a name that the source does not spell out where it is used, nor as a
// constant of the same file.
type Unresolved struct {
	What string // queue or channel
	Expr string // what stands in place of the name
	File string
	Line int
}

func (u Unresolved) String() string {
	return fmt.Sprintf("the %s is %s in %s:%d, whose value is not in that file", u.What, u.Expr, u.File, u.Line)
}

// call is a kind of call that names a queue or a channel.
type call struct {
	re   *regexp.Regexp // up to the arguments
	what string
	// any is true when the name may come behind a timeout.
	any bool
}

var (
	pops      = call{regexp.MustCompile(`(?i)\b(?:b[lr]pop|brpoplpush|blmove)\s*\(`), "queue", true}
	pushes    = call{regexp.MustCompile(`(?i)\b[lr]push\s*\(`), "queue", false}
	publishes = call{regexp.MustCompile(`(?i)\bpublish\s*\(`), "channel", false}
	bulls     = call{regexp.MustCompile(`\bnew\s+(?:Queue|Worker)\s*(?:<[^>]*>)?\s*\(`), "queue", false}
)

// name is the name that the first such call in the file has, as far as one does. Otherwise
// it is the expression that the first one has in its place, if there is a call at all.
func (c call) name(file, text string) (name string, not *Unresolved) {
	for _, at := range c.re.FindAllStringIndex(text, -1) {
		var first string
		for _, arg := range c.places(arguments(text[at[1]:])) {
			if name := resolve(text, arg, 3); name != "" {
				return name, nil
			}
			if first == "" && presentable.MatchString(arg) {
				first = arg
			} else if first == "" && arg != "" {
				first = "an expression"
			}
		}
		if not == nil && first != "" {
			not = &Unresolved{What: c.what, Expr: first, File: file, Line: 1 + strings.Count(text[:at[0]], "\n")}
		}
	}
	return "", not
}

var (
	context    = regexp.MustCompile(`(?i)^(?:\w*ctx\w*|(?:\w+\.)*context(?:\.\w+)?(?:\(.*\))?)$`)
	timeout    = regexp.MustCompile(`(?i)^[\d._]+$|\btime\.|\d\s*\*|timeout|\bwait\b`)
	option     = regexp.MustCompile(`^\w+\s*[=:]\s*[^=:]`)
	identifier = regexp.MustCompile(`^(?:[A-Za-z_$@][\w$]*(?:\.|::|->|\?\.))*([A-Za-z_$@][\w$]*)$`)
	quoted     = regexp.MustCompile("^(?:\"([\\w:.-]+)\"|'([\\w:.-]+)'|`([\\w:.-]+)`)(?:\\s+as\\s+const|\\.freeze)?$")
	environ    = regexp.MustCompile(`(?i)\benv\b|getenv|environ|env\w*\(`)
	byDefault  = regexp.MustCompile("(?:\\|\\||\\?\\?|\\bor\\b|,|\\{)\\s*[\"'`]([\\w:.-]+)[\"'`][\\s)}]*$")
	// presentable expressions have no literal in them that could be a secret.
	presentable = regexp.MustCompile(`^[A-Za-z_$@][\w$.:?>\[\]'"()-]{0,59}$`)
)

// places are the arguments that may be the name.
func (c call) places(args []string) []string {
	if len(args) > 0 && context.MatchString(args[0]) {
		args = args[1:]
	}
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return timeout.MatchString(arg) || option.MatchString(arg) })
	if !c.any {
		args = args[:min(1, len(args))]
	}
	return args
}

// resolve is the name that an expression stands for: a literal, the default of an
// environment variable, or a constant of the same text. It is empty for all else, and for a
// constant that is given several values.
func resolve(text, expr string, depth int) string {
	expr = strings.TrimRight(strings.TrimSpace(expr), "; \t")
	if m := quoted.FindStringSubmatch(expr); m != nil {
		return m[1] + m[2] + m[3]
	}
	if m := byDefault.FindStringSubmatch(expr); m != nil && environ.MatchString(expr) {
		return m[1]
	}
	m := identifier.FindStringSubmatch(expr)
	if m == nil || depth == 0 {
		return ""
	}
	found := ""
	defined := regexp.MustCompile(`(?m)(?:^|[\s,;({.@])` + regexp.QuoteMeta(strings.TrimPrefix(m[1], "@")) + `(?:\s*:\s*[\w.<>|]+|\s+string)?\s*(?::=|=|:)[ \t]*([^=>\s][^\n]*)`)
	for _, d := range defined.FindAllStringSubmatch(text, -1) {
		name := resolve(text, firstOf(d[1]), depth-1)
		if name != "" && found != "" && name != found {
			return ""
		}
		if name != "" {
			found = name
		}
	}
	return found
}

// firstOf is the first expression of a line: what stands before a comma, a semicolon or the
// end of what the line stands in.
func firstOf(line string) string {
	for i, c := range outside(line) {
		if c == ',' || c == ';' || c == ')' || c == '}' || c == ']' || c == '#' || c == '/' && strings.HasPrefix(line[i:], "//") {
			return line[:i]
		}
	}
	return line
}

// arguments are those of a call whose text begins behind its bracket, at most a few lines
// of them.
func arguments(text string) (args []string) {
	const most = 400
	text = text[:min(len(text), most)]
	from := 0
	for i, c := range outside(text) {
		if c != ',' && c != ')' && c != ']' {
			continue
		}
		// Some clients take a list of keys.
		args = append(args, strings.TrimLeft(strings.TrimSpace(text[from:i]), "[ "))
		if from = i + 1; c == ')' {
			break
		}
	}
	return args
}

// outside are the characters of a text that are neither in quotes nor in brackets that it
// opens, with where they are. Lists in square brackets are looked into if the text begins
// with one.
func outside(text string) func(yield func(int, rune) bool) {
	return func(yield func(int, rune) bool) {
		depth, quote := 0, rune(0)
		list := strings.HasPrefix(strings.TrimSpace(text), "[")
		for i, c := range text {
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
				continue
			case c == '"' || c == '\'' || c == '`':
				quote = c
				continue
			case c == '[' && list && depth == 0:
				continue
			case c == '(' || c == '{' || c == '[':
				depth++
				continue
			case depth > 0 && (c == ')' || c == '}' || c == ']'):
				depth--
				continue
			}
			if depth == 0 && !yield(i, c) {
				return
			}
		}
	}
}
