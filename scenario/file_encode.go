package scenario

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Encode writes a scenario file that [Parse] reads back to the same values. It
// refuses what Parse would refuse, and then writes nothing.
func Encode(w io.Writer, scenarios []Scenario) error {
	if err := encodable(scenarios); err != nil {
		return fmt.Errorf("encode scenarios: %w", err)
	}
	fields := Fields()
	var b strings.Builder
	fmt.Fprintf(&b, "version: %d\nscenarios:\n", fileVersion)
	for _, s := range scenarios {
		fmt.Fprintf(&b, "  %s:\n", quote(s.Name))
		for _, p := range s.pairs(fields, "") {
			fmt.Fprintf(&b, "    %s\n", p.text())
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("encode scenarios: %w", err)
	}
	return nil
}

func encodable(scenarios []Scenario) error {
	if len(scenarios) == 0 {
		return errors.New("no scenario to write")
	}
	var faults []error
	seen := map[string]bool{}
	for _, s := range scenarios {
		for _, fault := range s.Validate() {
			faults = append(faults, fmt.Errorf("%q: %s", s.Name, fault))
		}
		if seen[s.Name] {
			faults = append(faults, fmt.Errorf("%q: name: two scenarios have this name", s.Name))
		}
		seen[s.Name] = true
	}
	return errors.Join(faults...)
}

// pair is a key of a file with its value, as they stand there.
type pair struct {
	key, value string
	describes  bool
}

func (p pair) text() string { return p.key + ": " + p.value }

// pairs are the keys right below a path that are set.
func (s Scenario) pairs(fields []Field, path string) (all []pair) {
	for i, f := range fields {
		rest, below := strings.CutPrefix(f.Key, under(path))
		name, _, deeper := strings.Cut(rest, ".")
		key := under(path) + name
		inSection := func(f Field) bool { return strings.HasPrefix(f.Key, key+".") }
		if !below || slices.ContainsFunc(fields[:i], func(f Field) bool { return f.Key == key || inSection(f) }) {
			continue // another section, or done
		}
		p := pair{key: name, describes: f.Describes}
		if deeper || slices.ContainsFunc(fields, inSection) {
			if inner := s.pairs(fields, key); len(inner) > 0 {
				p.value = "{" + strings.Join(each(inner, pair.text), ", ") + "}"
			} else if f.Key == key {
				p.value = f.get(s) // such as a kind without settings
			}
		} else if p.value = f.get(s); p.value != "" {
			p.value = f.written(s)
		}
		if p.value != "" {
			all = append(all, p)
		}
	}
	return all
}

// simple is text that means the same with and without quotes, and is no truth value.
var simple = regexp.MustCompile(`^[A-Za-z0-9-][A-Za-z0-9_./-]*$`)

// written is the value of the field as it stands in a file.
func (f Field) written(s Scenario) string {
	text := f.get(s)
	switch {
	case f.yaml != nil:
		return f.yaml(s)
	case f.free, !simple.MatchString(text):
		return quote(text)
	}
	return text
}

func inBrackets(items []string) string { return "[" + strings.Join(items, ", ") + "]" }

// quote writes text between double quotes with the escapes of YAML, which are
// not those of Go.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
