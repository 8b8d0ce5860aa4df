package render

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is cells in columns. The first left columns are aligned to the left,
// the others, which hold numbers, to the right; words is a set of further
// columns that hold words.
type table struct {
	head  []string
	rows  [][]string
	left  int
	words map[int]bool
}

func (t table) leftAligned(column int) bool { return column < t.left || t.words[column] }

// drop removes columns by their heads.
func (t *table) drop(heads ...string) {
	for i := len(t.head) - 1; i >= 0; i-- {
		if !slices.Contains(heads, t.head[i]) {
			continue
		}
		t.head = slices.Delete(t.head, i, i+1)
		for k := range t.rows {
			t.rows[k] = slices.Delete(t.rows[k], i, i+1)
		}
	}
}

// rename gives a column another head.
func (t *table) rename(from, to string) {
	if i := slices.Index(t.head, from); i >= 0 {
		t.head[i] = to
	}
}

func (t table) widths() []int {
	w := make([]int, len(t.head))
	for i, cell := range t.head {
		w[i] = utf8.RuneCountInString(cell)
	}
	for _, row := range t.rows {
		for i, cell := range row {
			w[i] = max(w[i], utf8.RuneCountInString(cell))
		}
	}
	return w
}

func (t table) pad(row []string, widths []int) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if t.leftAligned(i) {
			out[i] = cell + fill
		} else {
			out[i] = fill + cell
		}
	}
	return out
}

// lines are the table's lines for a terminal, the head first. The gaps shrink
// from three columns to two where the table would be wider than width: with one,
// a gap looks like the blanks between the words of a cell.
func (t table) lines(width int) []string {
	widths := t.widths()
	total := 0
	for _, w := range widths {
		total += w
	}
	gaps := max(1, len(widths)-1)
	gap := strings.Repeat(" ", min(3, max(2, (width-total)/gaps)))
	out := []string{strings.TrimRight(strings.Join(t.pad(t.head, widths), gap), " ")}
	for _, row := range t.rows {
		out = append(out, strings.TrimRight(strings.Join(t.pad(row, widths), gap), " "))
	}
	return out
}

// markdown is the table in Markdown, readable as it stands. The cells are
// Markdown already.
func (t table) markdown() string {
	widths := t.widths()
	for i := range widths {
		widths[i] = max(widths[i], 3)
	}
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w)
		if !t.leftAligned(i) {
			rule[i] = strings.Repeat("-", w-1) + ":"
		}
	}
	var b strings.Builder
	for _, row := range append([][]string{t.pad(t.head, widths), rule}, t.padded(widths)...) {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String()
}

func (t table) padded(widths []int) [][]string {
	out := make([][]string, len(t.rows))
	for i, row := range t.rows {
		out[i] = t.pad(row, widths)
	}
	return out
}

// plain is s on one line, without control characters: a result may come from
// elsewhere, and a terminal obeys them.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// wrap breaks text into lines of at most width columns. The first line begins
// with first, the others with as many blanks. Words that are too long for a
// line are cut.
func wrap(first, text string, width int) []string {
	indent := strings.Repeat(" ", utf8.RuneCountInString(first))
	room := max(1, width-len(indent))
	var lines []string
	line := ""
	for _, word := range strings.Fields(plain(text)) {
		for utf8.RuneCountInString(word) > room {
			runes := []rune(word)
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, string(runes[:room])), string(runes[room:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= room:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	for i := range lines {
		if i == 0 {
			lines[i] = strings.TrimRight(first+lines[i], " ")
		} else {
			lines[i] = indent + lines[i]
		}
	}
	return lines
}
