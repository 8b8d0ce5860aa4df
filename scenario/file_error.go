package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// FileError is one fault of a scenario file and the place where it is.
type FileError struct {
	// File is the name under which the file was loaded.
	File string
	// Line and Column begin at 1; columns count characters, not bytes.
	Line, Column int
	// Message says what is wrong and what to do about it.
	Message string
	// Source is the line.
	Source string
}

// shownColumns is how much of a long line is shown to either side of the fault.
const shownColumns = 60

// Error is the fault after "file:line:column: ", and below it the line with a
// caret under the place.
func (e *FileError) Error() string {
	head := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if strings.TrimSpace(e.Source) == "" {
		return head
	}
	number := fmt.Sprintf("%5d | ", e.Line)
	line, caret := e.excerpt()
	return head + "\n" + number + line + "\n" + strings.Repeat(" ", len(number)-2) + "| " + caret
}

// excerpt is the part of the line around the fault and a line with a caret
// below it. Tabs stay, so that the caret lands under its character; every
// other control character would do harm in a terminal and becomes a dot.
func (e *FileError) excerpt() (line, caret string) {
	runes := []rune(e.Source)
	for i, r := range runes {
		if r != '\t' && !unicode.IsPrint(r) {
			runes[i] = '.'
		}
	}
	at := min(max(e.Column-1, 0), len(runes))
	prefix, suffix := "", ""
	if at > shownColumns {
		runes, at, prefix = runes[at-shownColumns:], shownColumns, "..."
	}
	if len(runes) > at+shownColumns {
		runes, suffix = runes[:at+shownColumns], "..."
	}
	pad := []rune(prefix + string(runes[:at]))
	for i, r := range pad {
		if r != '\t' {
			pad[i] = ' '
		}
	}
	return prefix + string(runes) + suffix, string(pad) + "^"
}

// FileErrors are all faults of a scenario file in the order of their places.
type FileErrors []*FileError

// shownFaults is how many faults are printed; who has more looks at the first.
const shownFaults = 50

// Error lists the problems, each on separate lines.
func (e FileErrors) Error() string {
	var b strings.Builder
	for i, fault := range e {
		if i == shownFaults {
			fmt.Fprintf(&b, "\nand %d more faults", len(e)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(fault.Error())
	}
	return b.String()
}

// Unwrap gives each fault to [errors.As] and [errors.Is].
func (e FileErrors) Unwrap() []error {
	return each(e, func(fault *FileError) error { return fault })
}

// sorted puts the faults in the order of their places and drops repetitions:
// what is wrong in a mapping that is merged twice is wrong once.
func (e FileErrors) sorted() FileErrors {
	slices.SortStableFunc(e, func(a, b *FileError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(e, func(a, b *FileError) bool { return *a == *b })
}
