package queuedyno_test

import (
	"github.com/queuedyno/queuedyno/internal/number"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

func TestTheDocumentedThresholdsAreThresholds(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/gates.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "## Thresholds\n\n```\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/gates.md has no block of thresholds")
	}
	n := 0
	for line := range strings.Lines(block) {
		// The words of the explanation begin after the widest expression.
		expr := strings.TrimSpace(line[:min(len(line), 34)])
		if _, err := threshold.Parse(expr); err != nil {
			t.Errorf("%q: %v", expr, err)
		}
		n++
	}
	if n < 5 {
		t.Errorf("%d thresholds", n)
	}
}

func TestTheDocumentedDefaultsAreTheDefaults(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/gates.md")
	if err != nil {
		t.Fatal(err)
	}
	for title, defaults := range map[string][]paired.Metric{"What gates": compare.Defaults(), "Two workers": compare.WorkerDefaults()} {
		_, section, _ := strings.Cut(string(doc), "### "+title+"\n")
		section, _, _ = strings.Cut(section, "\n### ")
		for _, m := range defaults {
			found := false
			for line := range strings.Lines(section) {
				if strings.HasPrefix(line, "| `") && strings.Contains(line, "`"+m.Name+"`") {
					found = found || strings.Contains(line, "gate") == m.Gate && strings.Contains(line, number.Percent(m.Margin)) == m.Gate
				}
			}
			if !found {
				t.Errorf("docs/gates.md does not say under %q whether %s gates (%t) and at what margin", title, m.Name, m.Gate)
			}
		}
	}
}

func TestTheRecipesForCIAreYAML(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("examples/ci/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := yaml.Unmarshal(data, &all); err != nil || len(all) == 0 {
			t.Errorf("%s: %v", file, err)
		}
		if !strings.Contains(string(data), "examples/ci/compare.sh") {
			t.Errorf("%s does not run the script", file)
		}
	}
}
