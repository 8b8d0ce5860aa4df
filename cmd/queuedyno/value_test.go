package main

import (
	"strings"
	"testing"
	"time"
)

func FuzzValuesNeverPanicAndKeepTheirBounds(f *testing.F) {
	for _, s := range []string{"", "10", "10s", "-1s", "1KiB", "2MB", "9223372036854775807MB", "a=b", "=", "18446744073709551615", "../x", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := duration(0)(s); err == nil && d < 0 {
			t.Errorf("duration(%q) = %s", s, d)
		}
		if d, err := duration(1)(s); err == nil && d <= 0 {
			t.Errorf("duration(%q) = %s", s, d)
		}
		if n, err := size(s); err == nil && n < 0 {
			t.Errorf("size(%q) = %d", s, n)
		}
		if n, err := smallCount(s); err == nil && n < 1 {
			t.Errorf("smallCount(%q) = %d", s, n)
		}
		if g, err := parseTag(s); err == nil && g.key == "" {
			t.Errorf("parseTag(%q) has no key", s)
		}
		if name, err := directoryName(s); err == nil && (name == ".." || strings.ContainsAny(name, `/\`)) {
			t.Errorf("directoryName(%q) = %q", s, name)
		}
		_, _ = seed(s)
		_, _ = threshold(s)
		_, _ = stage(s)
		_ = redact(s)
	})
}

func TestSizesAreDecimalAndBinary(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"0": 0, "100": 100, "100B": 100, "1KB": 1000, "1KiB": 1024, "2MB": 2_000_000, "1 MiB": 1 << 20} {
		if got, err := size(s); err != nil || got != want {
			t.Errorf("size(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
}

func TestADurationWithoutAUnitIsRefusedWithTheRemedy(t *testing.T) {
	t.Parallel()
	_, err := duration(0)("10")
	if err == nil || !strings.Contains(err.Error(), "10s") {
		t.Errorf(`duration("10") = %v, want a remedy with 10s`, err)
	}
	if d, err := duration(0)("0"); err != nil || d != 0 {
		t.Errorf(`duration("0") = %s, %v`, d, err)
	}
	if d, err := duration(0)("1m30s"); err != nil || d != 90*time.Second {
		t.Errorf(`duration("1m30s") = %s, %v`, d, err)
	}
}
