// Package wrap breaks text into lines.
package wrap

import "unicode/utf8"

// Words are the words in lines of at most so many letters, with a space between two words
// of a line. A longer word has its own line. Without words there is one empty line.
func Words(words []string, columns int) []string {
	lines := []string{""}
	for _, word := range words {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= columns:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
