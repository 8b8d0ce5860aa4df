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
		if n, err := consumers(s); err == nil && n.size < 1 && !n.external {
			t.Errorf("consumers(%q) = %+v", s, n)
		}
		if h, err := hold(s); err == nil && (h.From < 0 || h.For < 0) {
			t.Errorf("hold(%q) = %+v", s, h)
		}
		if v, err := factor(s); err == nil && !(v > 0) {
			t.Errorf("factor(%q) = %v", s, v)
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
