package render_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/render"
)

func TestOneUnitServesARow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ns   []float64
		want string // why
	}{
		{nil, "ns"},
		{[]float64{0}, "ns"},
		{[]float64{312e3, 1.9e6}, "ms"},       // 0.312 and 1.90
		{[]float64{60e3, 770e3}, "µs"},        // 60.0 and 770, not 0.0600 and 0.770
		{[]float64{70e3, 10e9}, "ms"},         // 0.0700 and 10,000, not 10,000,000
		{[]float64{0, 5e9, 30e9}, "s"},        // zero has no say
		{[]float64{400, 2_100, 26_000}, "µs"}, // 0.400 and 26.0
	} {
		if got, _ := render.CommonUnit(c.ns...); got != c.want {
			t.Errorf("unit of %v = %q, want %q", c.ns, got, c.want)
		}
	}
}

func TestWrapKeepsEveryWordAndTheWidth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		width := rapid.IntRange(10, 90).Draw(t, "width")
		lines := render.Wrap("  xy ", text, width)
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width {
				t.Fatalf("line %q is wider than %d", line, width)
			}
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		printable := strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
				return -1
			}
			return r
		}, text)
		if got, want := squeeze(strings.Join(lines, "")), "xy"+squeeze(printable); got != want {
			t.Fatalf("wrapped text reads %q, want %q", got, want)
		}
	})
}
