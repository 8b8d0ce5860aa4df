package main

import (
	"bytes"
	"io"
	"strings"
	"text/tabwriter"
)

// writeTable writes rows in columns, with nothing at the end of a line.
func writeTable(w io.Writer, rows [][]string) error {
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
