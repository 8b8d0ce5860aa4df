package queuedyno_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What docs/benchmarks.md shows first is a file that is compiled.
func TestTheDocumentedBenchmarkIsAFileThatCompiles(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("examples/benchmark/queue_test.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```go\n")
	got, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("docs/benchmarks.md has no block of Go")
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the block of Go (-file +doc):\n%s", diff)
	}
}
