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

// Cut is a line of so many letters at most.
func Cut(line string, columns int) string {
	if letters := []rune(line); len(letters) > columns {
		return string(letters[:max(0, columns)])
	}
	return line
}
