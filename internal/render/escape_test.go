package render_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
)

func TestEscapedTextHasNoMarkupLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringMatching("[-a-z0-9_ .)+|<>&*`#~\\[\\]\\\\\n\t\x1b]{0,20}").Draw(t, "in")
		got := render.Escape(in)
		if strings.ContainsAny(got, "\n\t\x1b") {
			t.Fatalf("Escape(%q) = %q holds a line end or a control character", in, got)
		}
		bare := got
		for _, c := range "\\`*[]<>#|~&_.)-+=" {
			bare = strings.ReplaceAll(bare, `\\`, "") // pairs first, so that the rest are true escapes
			bare = strings.ReplaceAll(bare, `\`+string(c), "")
		}
		if strings.ContainsAny(bare, "\\`*[]<>#|~&") {
			t.Fatalf("Escape(%q) = %q leaves markup", in, got)
		}
		if len(got) > 0 && strings.ContainsAny(got[:1], "-+=") {
			t.Fatalf("Escape(%q) = %q begins a list", in, got)
		}
	})
}

func TestEscapedTextStaysReadable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"end_to_end.p99 is 3 ms":  "end_to_end.p99 is 3 ms",
		"8.00 GiB":                "8.00 GiB",
		"1. not a list":           `1\. not a list`,
		"- nor this":              `\- nor this`,
		"_emphasis_ a_b":          `\_emphasis\_ a_b`,
		"<script>|`x`":            "\\<script\\>\\|\\`x\\`",
		"two\nlines":              "two lines",
		"redis://127.0.0.1:6379/": "redis://127.0.0.1:6379/",
	} {
		if got := render.Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"a": "`a`", "a`b": "`` a`b ``", "a|b": "`a\\|b`", "": ""} {
		if got := render.Code(in); got != want {
			t.Errorf("Code(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestForeignNamesDoNotBreakTables(t *testing.T) {
	t.Parallel()
	for name, r := range rendertest.Results(t) {
		columns, fenced := 0, false
		for _, line := range strings.Split(written(t, render.Markdown, r), "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if fenced || !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if columns != 0 && n != columns {
				t.Errorf("%s: a table row has %d bars, the one before it %d: %s", name, n, columns, line)
			}
			columns = n
		}
		if fenced {
			t.Errorf("%s: a block of code is not closed", name)
		}
	}
}
