package number_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/number"
)

func TestThreeDigitsAreWithinHalfAPercent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(1e-6, 1e15).Draw(t, "v") * rapid.SampledFrom([]float64{1, -1}).Draw(t, "sign")
		s := number.Digits(v)
		back, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
		if err != nil || math.Abs(back-v) > 0.005*math.Abs(v)*(1+1e-9) {
			t.Fatalf("Digits(%v) = %q, which reads as %v", v, s, back)
		}
		digits := strings.TrimLeft(strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s), "0")
		if kept := strings.TrimRight(digits, "0"); len(kept) > 3 {
			t.Fatalf("Digits(%v) = %q has more than three digits", v, s)
		}
	})
}

func TestNumbersReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0", 1: "1.00", 9.996: "10.0", 99.96: "100", 999.6: "1,000", 12345: "12,300", 0.000123: "0.000123", -4.5: "-4.50",
		math.Inf(1): "n/a",
	} {
		if got := number.Digits(v); got != want {
			t.Errorf("Digits(%v) = %q, want %q", v, got, want)
		}
	}
	for ns, want := range map[float64]string{
		0: "0 ns", 312_400: "312 µs", 999_600: "1.00 ms", 1e10: "10.0 s", 3.6e12: "3,600 s", 120: "120 ns",
	} {
		if got := number.Duration(ns); got != want {
			t.Errorf("Duration(%v) = %q, want %q", ns, got, want)
		}
	}
	for in, want := range map[string]string{"1": "1", "-1234": "-1,234", "123456.5": "123,456.5", "999": "999"} {
		if got := number.Grouped(in); got != want {
			t.Errorf("Grouped(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPercentHasTheDigitsThatMatter(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{
		0: "0%", 0.00004: "0%", 0.0001: "0.01%", 0.0125: "1.25%", 0.07: "7%", 0.1: "10%", 0.9731: "97.3%", -0.034: "-3.4%",
		1: "100%", 2.504: "250%", math.Inf(1): "n/a", math.NaN(): "n/a",
	} {
		if got := number.Percent(share); got != want {
			t.Errorf("Percent(%v) = %q, want %q", share, got, want)
		}
	}
	for share, want := range map[float64]string{0.12: "+12%", -0.12: "-12%", 0.00001: "0%", -0.00001: "0%"} {
		if got := number.Change(share); got != want {
			t.Errorf("Change(%v) = %q, want %q", share, got, want)
		}
	}
}

func TestSmallAndMissingNumbers(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 1e-5: "< 0.0001", -1e-5: "> -0.0001", 12_345_678: "12,345,678", 1.23456: "1.23"} {
		if got := number.Of(&v, number.Plain); got != want {
			t.Errorf("Plain(%v) = %q, want %q", v, got, want)
		}
	}
	if got := number.Of(nil, number.Rate); got != number.None {
		t.Errorf("Of(nil) = %q, want %q", got, number.None)
	}
	if one, two := number.Plural(1, "job"), number.Plural(int64(2000), "job"); one != "1 job" || two != "2,000 jobs" {
		t.Errorf("Plural = %q and %q", one, two)
	}
}
