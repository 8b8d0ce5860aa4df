package endpoint

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
)

// The names that a template may have.
const (
	Tenant = ".Tenant" // the name of the tenant
	Job    = ".Job"    // the number of the job
)

// Template is a text in which {{.Tenant}} and {{.Job}} stand for values.
type Template struct {
	parts  []part
	escape func(dst []byte, value string) []byte
	size   int
}

// part is a piece of text, and the name that follows it, "" at the end.
type part struct{ text, name string }

// TemplateError is a mistake in a template.
type TemplateError struct {
	Column int // in bytes, from 1
	Found  string
	Names  []string
}

func (e *TemplateError) Error() string {
	return fmt.Sprintf("column %d: %.40q is not a name; write {{%s}}", e.Column, e.Found, strings.Join(e.Names, "}} or {{"))
}

// ParseTemplate reads a template that may have these names. In a text that is JSON the
// values are escaped as the inside of a JSON string is. The error is a
// [*TemplateError].
func ParseTemplate(text string, names ...string) (Template, error) {
	escape := appendRaw
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") && !strings.HasPrefix(t, "{{") || strings.HasPrefix(t, "[") {
		escape = appendInJSON
	}
	return parseTemplate(text, escape, names)
}

func parseTemplate(text string, escape func([]byte, string) []byte, names []string) (Template, error) {
	t := Template{escape: escape, size: len(text) + 32}
	for at := 0; ; {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			t.parts = append(t.parts, part{text[at:], ""})
			return t, nil
		}
		open += at
		inner, _, closed := strings.Cut(text[open+2:], "}}")
		name := strings.TrimSpace(inner)
		if !closed || !slices.Contains(names, name) {
			found := text[open:]
			if closed {
				found = "{{" + inner + "}}"
			}
			return Template{}, &TemplateError{open + 1, found, names}
		}
		t.parts = append(t.parts, part{text[at:open], name})
		at = open + 2 + len(inner) + 2
	}
}

// Fixed reports whether the template has no names.
func (t Template) Fixed() bool { return len(t.parts) <= 1 }

// Has reports whether the template has that name.
func (t Template) Has(name string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.name == name })
}

// Append appends the text with the values in it.
func (t Template) Append(dst []byte, tenant string, job int64) []byte {
	for _, p := range t.parts {
		dst = append(dst, p.text...)
		switch p.name {
		case Tenant:
			dst = t.escape(dst, tenant)
		case Job:
			dst = strconv.AppendInt(dst, job, 10)
		}
	}
	return dst
}

// String is the text with the values in it.
func (t Template) String(tenant string, job int64) string {
	if t.Fixed() {
		return t.parts[0].text
	}
	return string(t.Append(make([]byte, 0, t.size), tenant, job))
}

func appendRaw(dst []byte, value string) []byte { return append(dst, value...) }

// appendInURL escapes everything that has a meaning in a path or a query.
func appendInURL(dst []byte, value string) []byte {
	return append(dst, strings.ReplaceAll(url.QueryEscape(value), "+", "%20")...)
}

// appendInJSON escapes what cannot stand between the quotes of a JSON string.
func appendInJSON(dst []byte, value string) []byte {
	quoted := jsonscan.AppendText(dst, value)
	copy(quoted[len(dst):], quoted[len(dst)+1:len(quoted)-1])
	return quoted[:len(quoted)-2]
}
