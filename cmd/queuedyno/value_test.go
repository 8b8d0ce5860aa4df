package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzValuesNeverPanicAndKeepTheirBounds(f *testing.F) {
	for _, s := range []string{"", "10", "10s", "-1s", "1KiB", "2MB", "9223372036854775807MB", "a=b", "=", "18446744073709551615", "../x", ".", "consumers=1,2,4", "payload=0,1KB", "a=1,,2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := duration(0)(s); err == nil && d < 0 {
			t.Errorf("duration(%q) = %s", s, d)
		}
		if d, err := duration(1)(s); err == nil && d <= 0 {
			t.Errorf("duration(%q) = %s", s, d)
		}
		if n, err := poolSize(s); err == nil && n.size < 1 && !n.external {
			t.Errorf("poolSize(%q) = %+v", s, n)
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
		if d, err := dimension(s); err == nil && d.Field != "payload" {
			// What parses prints to what parses to the same.
			if again, err := dimension(d.String()); err != nil || !cmp.Equal(d, again) {
				t.Errorf("dimension(%q) = %v, and again %v, %v", s, d, again, err)
			}
		}
		_, _ = seed(s)
		_, _ = readThreshold(s)
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

func TestWhatIsVariedIsReadWithItsValues(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"consumers=1,2,4": "consumers=1,2,4", " batch = 1 , 10": "batch=1,10", "payload=0,1KB,1KiB": "payload=0,1000,1024",
	} {
		if d, err := dimension(s); err != nil || d.String() != want {
			t.Errorf("dimension(%q) = %s, %v; want %s", s, d, err, want)
		}
	}
	for s, want := range map[string]string{
		"": "not of the form", "consumers": "not of the form", "consumers=": "not of the form", "consumers=1,,2": `"" is not a whole number`,
		"consumers=1KB": `"1KB" is not a whole number`, "payload=x": "not a size in bytes", "payload=1..9": "no single size",
	} {
		if _, err := dimension(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("dimension(%q): %v, want %q", s, err, want)
		}
	}
}

func TestASeedStaysAWholeNumberEverywhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "", "42": "", " 9007199254740991 ": "",
		"9007199254740992": "2^53-1", "18446744073709551615": "2^53-1", "18446744073709551616": "2^53-1", "-1": "not a whole number", "1e3": "not a whole number", "": "not a whole number",
	} {
		_, err := seed(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("seed(%q): %v, want %q", text, err, want)
		}
	}
}
