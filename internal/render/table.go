package render

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/internal/wrap"
)

// table is cells in columns. The first left columns are aligned to the left,
// the others, which hold numbers, to the right; words is a set of further
// columns that hold words. The row that begins with strong stands out.
type table struct {
	head   []string
	rows   [][]string
	left   int
	words  map[int]bool
	strong string
	// notes are footnotes: the reasons for what is n/a, each once.
	notes []string
}

// add adds a row.
func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// mark is "n/a" with the number of the footnote that gives the reason.
func (t *table) mark(reason string) string {
	i := slices.Index(t.notes, reason)
	if i < 0 {
		i, t.notes = len(t.notes), append(t.notes, reason)
	}
	return number.None + superscript(i+1)
}

// figure is a figure as it is written, or a mark with the reason for which it is missing.
func (t *table) figure(v *float64, written func(float64) string, missing string) string {
	if v == nil || !number.Finite(*v) {
		return t.mark(missing)
	}
	return written(*v)
}

// footnotes are the notes with the numbers of their marks.
func (t table) footnotes() []string {
	var out []string
	for i, reason := range t.notes {
		out = append(out, superscript(i+1)+" "+reason)
	}
	return out
}

// superscript is n in raised digits, which need no markup.
func superscript(n int) string {
	raised := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	return strings.Map(func(d rune) rune { return raised[d-'0'] }, strconv.Itoa(n))
}

// cells is the table with every cell changed by f.
func (t table) cells(f func(string) string) table {
	return t.columns(slices.Repeat([]func(string) string{f}, len(t.head))...)
}

// columns is the table with the cells of each column changed by its function; nil leaves
// them, as do those that follow the last function.
func (t table) columns(changes ...func(string) string) table {
	t.rows = slices.Clone(t.rows)
	for i, row := range t.rows {
		t.rows[i] = slices.Clone(row)
		for k, change := range changes {
			if change != nil {
				t.rows[i][k] = change(row[k])
			}
		}
	}
	return t
}

// web is the table in a web page.
func (t table) web(title string) webpage.Table {
	out := webpage.Table{Title: title, Columns: t.head, Rows: t.rows, Notes: t.footnotes()}
	for i := range t.head {
		if t.leftAligned(i) {
			out.Words = append(out.Words, i)
		}
	}
	return out
}

// facts are names and values.
type facts [][2]string

func (f *facts) add(name, value string) { *f = append(*f, [2]string{name, value}) }

// some adds a value unless it is empty.
func (f *facts) some(name, value string) {
	if value != "" {
		f.add(name, value)
	}
}

// table is a row a fact, each cell changed by f.
func (f facts) table(change func(string) string) table {
	t := table{head: []string{"", ""}, left: 2}
	for _, one := range f {
		t.add(change(one[0]), change(one[1]))
	}
	return t
}

// web is a row a fact in a web page.
func (f facts) web() []webpage.Table {
	t := f.table(plain).web("")
	t.Words = []int{1}
	return []webpage.Table{t}
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
	for _, row := range slices.Concat([][]string{t.head, rule}, t.rows) {
		b.WriteString("| " + strings.Join(t.pad(row, widths), " | ") + " |\n")
	}
	return b.String()
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

// hanging breaks text into lines of at most width columns. The first line begins
// with first, the others with as many blanks. Words that are too long for a
// line are cut.
func hanging(first, text string, width int) []string {
	indent := strings.Repeat(" ", utf8.RuneCountInString(first))
	room := max(1, width-len(indent))
	var words []string
	for _, word := range strings.Fields(plain(text)) {
		for piece := range slices.Chunk([]rune(word), room) {
			words = append(words, string(piece))
		}
	}
	lines := wrap.Words(words, room)
	for i := range lines {
		if i == 0 {
			lines[i] = strings.TrimRight(first+lines[i], " ")
		} else {
			lines[i] = indent + lines[i]
		}
	}
	return lines
}
