// Package nearest finds the valid word nearest to a misspelled one.
package nearest

import "fmt"

// longestWord bounds the words that [Nearest] looks at, in runes: no
// valid word is near to a longer one.
const longestWord = 80

// Nearest is the valid word that is most like the given one, for "did you
// mean": the one that takes the fewest letters inserted, deleted, replaced or
// swapped, the earlier of equals. It is "" when none takes less than half of
// the letters: a bad guess is worse than none.
func Nearest(word string, valid []string) string {
	w := []rune(word)
	if len(w) == 0 || len(w) > longestWord {
		return ""
	}
	best, nearest := 1<<30, ""
	for _, v := range valid {
		r := []rune(v)
		if len(r) > longestWord {
			continue
		}
		d := distance(w, r)
		if d < best && 2*d < max(len(w), len(r)) {
			best, nearest = d, v
		}
	}
	return nearest
}

// Clause asks whether the nearest word was meant, as an addition to a message that
// refuses the given one. It is empty if no valid word is near.
func Clause(word string, valid []string) string {
	if near := Nearest(word, valid); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// Slip reports whether the word is the valid one with one or two typing errors. Use
// it where a guess decides something and is not only shown.
func Slip(word, valid string) bool {
	w, v := []rune(word), []rune(valid)
	return len(w) <= longestWord && len(v) <= longestWord && word != valid && distance(w, v) <= 2
}

// distance is the optimal string alignment distance: Levenshtein's, with a
// swap of neighbours as one step, which is the most common typing error.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
