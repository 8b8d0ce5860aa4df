package render_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

func TestTextFitsItsWidth(t *testing.T) {
	t.Parallel()
	all := rendertest.Results(t)
	wide := rendertest.Lossy(t)
	for stage := range rendertest.Medians() {
		wide.Stages[stage] = &result.StageSummary{
			Count: 120_000_000, P50NS: rendertest.Ptr(int64(301_000)), P90NS: rendertest.Ptr(int64(2_000_000)), P99NS: rendertest.Ptr(int64(70_000_000_000)),
			P999NS: rendertest.Ptr(int64(3_000_000_000_000)), MaxNS: rendertest.Ptr(int64(3_600_000_000_000)),
		}
	}
	all["wide"] = wide
	for name, r := range all {
		for width, limit := range map[int]int{0: 80, 80: 80, 100: 100} {
			got := written(t, render.Text(render.Options{Width: width}), r)
			for _, line := range strings.Split(got, "\n") {
				if n := utf8.RuneCountInString(line); n > limit {
					t.Errorf("%s at width %d has a line of %d columns: %q", name, width, n, line)
				}
			}
		}
	}
}

func TestTextHasColourOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	ansi := regexp.MustCompile("\x1b\\[[0-9]+m")
	for name, r := range rendertest.Results(t) {
		bare := written(t, render.Text(render.Options{}), r)
		if strings.ContainsRune(bare, '\x1b') {
			t.Errorf("%s without colour holds an escape", name)
		}
		coloured := written(t, render.Text(render.Options{Color: true}), r)
		if coloured == bare {
			t.Errorf("%s with colour has none", name)
		}
		if ansi.ReplaceAllString(coloured, "") != bare {
			t.Errorf("%s says other words in colour", name)
		}
	}
}

func TestClosedLoopsAreNotLabelledWithARate(t *testing.T) {
	t.Parallel()
	r := rendertest.Closed(t)
	for _, format := range []string{"text", "markdown", "percentiles svg"} {
		got := written(t, encoders()[format], r)
		if !strings.Contains(strings.ToLower(got), "closed loop, 16 in flight") || !strings.Contains(got, "@16") {
			t.Errorf("%s does not say what kind of loop it was", format)
		}
		if strings.Contains(got, "Offered") || strings.Contains(got, "0 jobs/s (") {
			t.Errorf("%s speaks of an offered rate in a closed loop", format)
		}
	}
}

func TestTheEnvironmentNamesTheCPULimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host     result.Host
		text, md string
	}{
		{result.Host{CPUs: 2, GOMAXPROCS: 2}, "2 CPUs, GOMAXPROCS 2\n", "GOMAXPROCS 2"},
		{result.Host{CPUs: 2, GOMAXPROCS: 2, CPULimit: 0.2, CPULimitSource: "/x/cpu.max"}, "CPU limit 0.2 (/x/cpu.max)", "0.2 CPUs, set in /x/cpu.max"},
		{result.Host{CPUs: 4, GOMAXPROCS: 2, CPULimitUnknown: "permission denied"}, "CPU limit unknown", "not known: permission denied"},
	} {
		r := rendertest.Steady(t)
		r.Host = c.host
		text, md := written(t, render.Text(render.Options{Width: 100}), r), written(t, render.Markdown, r)
		if !strings.Contains(text, c.text) || !strings.Contains(md, c.md) {
			t.Errorf("%+v: want %q in the text and %q in the Markdown", c.host, c.text, c.md)
		}
	}
}
