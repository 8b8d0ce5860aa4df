package queuedyno_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestTheDocumentedScenarioIsTheExamples(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(read(t, "docs/backend.md"), "```yaml\n")
	block, _, found := strings.Cut(rest, "```\n")
	if !found || !strings.Contains(read(t, "examples/async-backend/scenarios.yaml"), block) {
		t.Errorf("examples/async-backend/scenarios.yaml does not have the scenario of docs/backend.md:\n%s", block)
	}
}

// What docs/client.md promises is an example that runs.
func TestTheDocumentedExamplesExist(t *testing.T) {
	t.Parallel()
	doc, examples := read(t, "docs/client.md"), read(t, "jobqueue/example_test.go")
	names := regexp.MustCompile("`(Example[A-Za-z_]*)`").FindAllStringSubmatch(doc, -1)
	if len(names) < 10 {
		t.Errorf("docs/client.md names %d examples", len(names))
	}
	for _, name := range names {
		if !strings.Contains(examples, "func "+name[1]+"() {") {
			t.Errorf("jobqueue/example_test.go has no %s", name[1])
		}
	}
	const title = "**Connection refused.**"
	_, section, _ := strings.Cut(doc, title)
	_, rest, _ := strings.Cut(section, "```\n")
	output, _, _ := strings.Cut(rest, "```")
	n := 0
	for line := range strings.Lines(output) {
		if n++; !strings.Contains(examples, "// "+line) {
			t.Errorf("no example prints %q", line)
		}
	}
	if n < 2 {
		t.Errorf("%d lines of output after %s", n, title)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
