// Package glob makes patterns as Redis matches them: names of keys and channels with * ? [ ].
package glob

import "strings"

var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`)

// Literal is the pattern that only the text itself matches.
func Literal(text string) string { return literal.Replace(text) }
