package render_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/render"
)

func TestThreeDigitsAreWithinHalfAPerCent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(1e-6, 1e15).Draw(t, "v") * rapid.SampledFrom([]float64{1, -1}).Draw(t, "sign")
		s := render.Digits3(v)
		back, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
		if err != nil || math.Abs(back-v) > 0.005*math.Abs(v)*(1+1e-9) {
			t.Fatalf("Digits3(%v) = %q, which reads as %v", v, s, back)
		}
		digits := strings.TrimLeft(strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s), "0")
		if kept := strings.TrimRight(digits, "0"); len(kept) > 3 {
			t.Fatalf("Digits3(%v) = %q has more than three digits", v, s)
		}
	})
}

func TestNumbersReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0", 1: "1.00", 9.996: "10.0", 99.96: "100", 999.6: "1,000", 12345: "12,300", 0.000123: "0.000123", -4.5: "-4.50",
		math.Inf(1): "n/a",
	} {
		if got := render.Digits3(v); got != want {
			t.Errorf("Digits3(%v) = %q, want %q", v, got, want)
		}
	}
	for ns, want := range map[float64]string{
		0: "0 ns", 312_400: "312 µs", 999_600: "1.00 ms", 1e10: "10.0 s", 3.6e12: "3,600 s", 120: "120 ns",
	} {
		if got := render.Duration(ns); got != want {
			t.Errorf("Duration(%v) = %q, want %q", ns, got, want)
		}
	}
	for in, want := range map[string]string{"1": "1", "-1234": "-1,234", "123456.5": "123,456.5", "999": "999"} {
		if got := render.Thousands(in); got != want {
			t.Errorf("Thousands(%q) = %q, want %q", in, got, want)
		}
	}
}

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
