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

// A stored result becomes any report again.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	target := filepath.Join(dir, "smoke")

	if err := report.Write(target, &result.Result{Schema: result.Schema, Run: result.Info{Scenario: "smoke"}}, nil, false); err != nil {
		fmt.Println(err)
		return
	}
	r, err := report.Load(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	encode, err := report.ByName("text", report.Options{Text: report.TextOptions{Width: 100}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var b bytes.Buffer
	if err := encode(&b, r); err != nil {
		fmt.Println(err)
		return
	}
	first, _, _ := strings.Cut(b.String(), "\n")
	fmt.Println(first)
	// Output: smoke against Redis
}
