package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/queuedyno/queuedyno/report"
	"github.com/queuedyno/queuedyno/result"
)

// A result becomes any report, and so does a stored one at any time later.
func Example() {
	temp, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(temp)
	dir := filepath.Join(temp, "smoke")

	// What queuedyno.Run returns.
	res := &result.Result{Schema: result.Schema, Run: result.Info{Scenario: "smoke"}}
	if err := report.Write(dir, res, false); err != nil {
		fmt.Println(err)
		return
	}

	d, err := report.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Kind(), "in the formats", strings.Join(d.Formats(), " "))
	var b bytes.Buffer
	if err := d.Encode(&b, "text", report.Options{Width: 100}); err != nil {
		fmt.Println(err)
		return
	}
	first, _, _ := strings.Cut(b.String(), "\n")
	fmt.Println(first)
	// Output:
	// run in the formats text md html csv timeline-csv json hgrm summary junit benchmark action-smaller action-bigger
	// smoke against Redis
}
