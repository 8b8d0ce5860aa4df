package scenario

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/updates"
)

// scalar is the resolved value and its text; number is true when it was
// written as a plain number. Other kinds of values have no text.
func (f *file) scalar(n ast.Node) (value ast.Node, text string, number, ok bool) {
	value = f.resolve(n)
	switch v := value.(type) {
	case nil:
		return nil, "", false, false
	case *ast.StringNode:
		return v, v.Value, false, true
	case *ast.LiteralNode:
		if v.Value == nil {
			return v, "", false, true
		}
		return v, strings.TrimRight(v.Value.Value, "\n"), false, true
	case *ast.IntegerNode, *ast.FloatNode:
		return v, nameOf(v), true, true
	default:
		return v, "", false, false
	}
}

// expected tells that a value is of the wrong kind.
func (f *file) expected(n, value ast.Node, what string) {
	if value != nil {
		f.fault(n, "expected %s, found %s", what, describe(value))
	}
}

// text is the value of a key in that form as a text, or false after a fault.
func (f *file) text(n ast.Node, form form, what string) (string, bool) {
	if form == truthForm {
		value := f.resolve(n)
		if b, ok := value.(*ast.BoolNode); ok {
			return b.String(), true
		}
		f.expected(n, value, what)
		return "", false
	}
	value, text, number, ok := f.scalar(n)
	switch {
	case form == wholeForm, form == externalForm && (number || text != external):
		return f.digits(n, what)
	case !ok, form == textForm && number, form == numberForm && !number:
		f.expected(n, value, what)
		return "", false
	case number:
		text = strings.ReplaceAll(text, "_", "")
	}
	return text, true
}

// digits is the text of a whole number without the underscores, false when
// the value is not one.
func (f *file) digits(n ast.Node, what string) (string, bool) {
	value, text, number, ok := f.scalar(n)
	digits := strings.ReplaceAll(text, "_", "")
	plain := strings.TrimPrefix(digits, "-")
	isWhole := ok && plain != "" && strings.Trim(plain, "0123456789") == ""
	switch {
	case !isWhole || !number && strings.Contains(what, external):
		f.expected(n, value, what)
		return "", false
	case !number && len(plain) <= 19: // YAML takes a longer number for text
		f.fault(n, "expected %s, found %s; remove the quotes", what, describe(value))
		return "", false
	case len(plain) > 1 && plain[0] == '0':
		f.fault(n, "%s begins with a zero, which some read as octal; remove it", digits)
		return "", false
	}
	return digits, true
}

// texts are the texts of several values.
func (f *file) texts(all []ast.Node, form form, what string) (texts []string, ok bool) {
	ok = true
	for _, n := range all {
		text, good := f.text(n, form, what)
		texts, ok = append(texts, text), ok && good
	}
	return texts, ok
}

// read passes the text of a value in that form on to set, and tells what is wrong with it. It
// is false after a fault.
func (f *file) read(n ast.Node, form form, what string, set func(text string) error) bool {
	text, ok := f.text(n, form, what)
	if !ok {
		return false
	}
	err := set(text)
	if err != nil {
		f.refuse(n, err)
	}
	return err == nil
}

// refuse tells what is wrong with the text of a value.
func (f *file) refuse(n ast.Node, err error) {
	var unset *literal.UnsetError
	var mapping *updates.MappingError
	switch {
	case errors.As(err, &unset):
		f.fault(n, "%s; leave the key out for the default", unset)
	case errors.As(err, &mapping):
		for _, problem := range mapping.Problems {
			f.fault(n, "%s", problem)
		}
	default:
		f.fault(n, "%s", err)
	}
}
