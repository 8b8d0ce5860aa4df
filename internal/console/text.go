package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

func Round(v float64) int64 { return int64(math.Round(v)) }

// Short is d to three significant digits.
func Short(d time.Duration) string {
	unit := time.Duration(1)
	for limit := time.Duration(1000); d >= limit && unit < time.Second; limit *= 10 {
		unit *= 10
	}
	return d.Round(unit).String()
}

// OneLine is a text without its line breaks.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Bytes is a number of bytes in words.
func Bytes(bytes float64) string {
	for _, unit := range []string{"bytes", "KiB", "MiB"} {
		if bytes < 1024 {
			return fmt.Sprintf("%.0f %s", math.Floor(bytes), unit)
		}
		bytes /= 1024
	}
	return fmt.Sprintf("%.1f GiB", bytes)
}

// WriteJSON writes v for people and scripts alike.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// WriteTable writes rows in columns, with nothing at the end of a line.
func WriteTable(w io.Writer, rows [][]string) error {
	var all bytes.Buffer
	t := tabwriter.NewWriter(&all, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = io.WriteString(t, strings.Join(row, "\t")+"\n") // a buffer takes everything
	}
	_ = t.Flush()
	var out strings.Builder
	for line := range strings.Lines(all.String()) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// Fit is a line that takes so many columns of a terminal at most, without what would
// move its cursor.
func Fit(line string, columns int) string {
	var b strings.Builder
	taken := 0
	for _, r := range line {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			r = ' '
		}
		if taken += cells(r); taken > columns {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cells is how many columns a terminal takes for a letter. Where terminals differ it is
// the larger number.
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f000, r >= 0x2600 && r <= 0x27bf:
		return 2
	}
	return 1
}

// Sparkline draws values from 0 to the highest of them as a row of bars, one letter each.
// NaN is a gap. Without blocks the bars are letters of ASCII.
func Sparkline(values []float64, blocks bool) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	if !blocks {
		bars = []rune("_.-:=+*#")
	}
	top := 0.0
	for _, v := range values {
		if v > top { // false of NaN
			top = v
		}
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case top <= 0:
			b.WriteRune(bars[0])
		default:
			b.WriteRune(bars[min(len(bars)-1, int(max(0, v)/top*float64(len(bars))))])
		}
	}
	return b.String()
}
